"""Read a zip's central directory and prove that it, the headers of the files and the bytes between them agree.

A zip says everything twice: in the directory at its end and in a header before each file. Programs differ in which of
the two they believe, so an archive that contradicts itself holds other files for the virus scanner than for us. Here
both must agree, and headers, contents and descriptors must fill the archive from its first byte to the directory
without a gap and without an overlap. Nothing is unpacked here.

Sections are those of PKWARE's APPNOTE.TXT, version 6.3.10.
"""

import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import BinaryIO, NoReturn

from shared.domain.failures import (
    ArchiveHasExtraBytes,
    ArchiveHeadersDiffer,
    ArchiveInSeveralParts,
    ArchiveMembersOverlap,
    DamagedArchive,
    InconsistentArchive,
    MemberIsDevice,
    MemberIsLink,
    MemberNameUnreadable,
    PackingNotSupported,
    TooManyMembers,
    Zip64Inconsistent,
)
from shared.formats.unpacking.budget import Budget
from shared.formats.unpacking.names import Names, shown

STORED, DEFLATE, DEFLATE64, BZIP2, LZMA, ZSTD, XZ, AES = 0, 8, 9, 12, 14, 93, 95, 99
METHODS = frozenset({STORED, DEFLATE, DEFLATE64, BZIP2, LZMA, ZSTD, XZ})
AES_EXTRA = 0x9901

_END = Struct("<4s4H2IH")  # 4.3.16
_END_64 = Struct("<4sQ2H2I4Q")  # 4.3.14
_LOCATOR_64 = Struct("<4sIQI")  # 4.3.15
_ENTRY = Struct("<4s6H3I5H2I")  # 4.3.12
_LOCAL = Struct("<4s5H3I2H")  # 4.3.7
_DESCRIPTORS = (Struct("<III"), Struct("<IQQ"))  # 4.3.9
_END_MARK = b"PK\x05\x06"
_DESCRIPTOR_MARK = b"PK\x07\x08"
_ZIP64_EXTRA, _UNICODE_PATH_EXTRA = 0x0001, 0x7075
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_MAX_COMMENT = 0xFFFF
_MAX_DIRECTORY_BYTES = 16 << 20

_PROTECTED, _DESCRIBED, _PATCHED, _STRONG, _UTF8, _MASKED = 1 << 0, 1 << 3, 1 << 5, 1 << 6, 1 << 11, 1 << 13  # 4.4.4
_AGREEING_FLAGS = _PROTECTED | _DESCRIBED | _PATCHED | _STRONG | _UTF8 | _MASKED


@dataclass(slots=True)
class ZipEntry:
    """One entry, as directory and local header agree on it."""

    path: str
    is_directory: bool
    raw_name: bytes
    flags: int
    method: int
    """How it is packed, also below AES."""
    time: int
    """Of the header before it; it takes part in the old encryption."""
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int
    aes: bytes | None
    """The AES extra field (AE-1 or AE-2), where it is protected so."""
    start: int = 0
    """Where its content begins."""

    @property
    def is_protected(self) -> bool:
        """Whether a password opens it."""
        return bool(self.flags & _PROTECTED)

    @property
    def has_descriptor(self) -> bool:
        """Whether its sizes were written behind it."""
        return bool(self.flags & _DESCRIBED)

    @property
    def header_method(self) -> int:
        """The method that its headers name."""
        return self.method if self.aes is None else AES


@dataclass(frozen=True, slots=True)
class _Directory:
    offset: int
    size: int
    entries: int


def read_directory(path: Path, budget: Budget) -> list[ZipEntry]:
    """Every entry of a zip, directories too, in the directory's order.

    Raises InconsistentArchive and its kinds, DamagedArchive, PackingNotSupported, TooManyMembers, and what is wrong
    with an entry or its name.
    """
    with path.open("rb") as file:
        directory = _find_directory(file, path.stat().st_size)
        budget.take_entries(directory.entries)
        if directory.size > _MAX_DIRECTORY_BYTES:
            raise TooManyMembers(f"Its directory has {directory.size} bytes, expected {_MAX_DIRECTORY_BYTES} at most.")
        entries = list(_directory_entries(_read(file, directory.offset, directory.size), directory.entries))
        _check_layout(file, entries, directory.offset)
    return entries


def has_end_record(path: Path) -> bool:
    """Whether a file ends as zips do, however it begins."""
    with path.open("rb") as file:
        tail_start = max(0, path.stat().st_size - _END.size - _MAX_COMMENT)
        return _END_MARK in _read(file, tail_start, _END.size + _MAX_COMMENT)


# The end of the archive: where the directory lies.


def _find_directory(file: BinaryIO, size: int) -> _Directory:
    tail_start = max(0, size - _END.size - _MAX_COMMENT)
    tail = _read(file, tail_start, size - tail_start)
    found = tail.rfind(_END_MARK, 0, max(0, len(tail) - _END.size + 4))
    if found < 0:
        raise DamagedArchive("Found no end record; the zip is cut off, or it is no zip.")
    end = tail_start + found
    _, disk, first_disk, here, entries, length, offset, comment = _END.unpack_from(tail, found)
    if end + _END.size + comment != size:
        raise ArchiveHasExtraBytes("The zip does not end where its end record says.")
    directory = _Directory(offset, length, entries)
    has_64 = found >= _LOCATOR_64.size and tail[found - _LOCATOR_64.size :].startswith(b"PK\x06\x07")
    if has_64:
        end, directory = _read_end_64(file, end - _LOCATOR_64.size, (disk, first_disk, here, entries, length, offset))
    elif disk or first_disk or here != entries:
        raise ArchiveInSeveralParts(f"Found part {disk + 1}.")
    elif _FULL_32 in (length, offset):
        raise Zip64Inconsistent("The end record refers to records for large files that are not there.")
    if directory.offset + directory.size > end:
        raise InconsistentArchive("Its directory reaches beyond the end of the archive.")
    if directory.offset + directory.size < end:
        raise ArchiveHasExtraBytes(f"Found {end - directory.offset - directory.size} before or behind its directory.")
    return directory


def _read_end_64(file: BinaryIO, locator: int, plain: tuple[int, ...]) -> tuple[int, _Directory]:
    _, disk, offset, disks = _LOCATOR_64.unpack(_read(file, locator, _LOCATOR_64.size))
    if disk or disks > 1:
        raise ArchiveInSeveralParts(f"Found {disks} parts.")
    if not offset + _END_64.size <= locator:
        raise Zip64Inconsistent("The end record for large files is not where the locator says.")
    mark, length, _, _, *found = _END_64.unpack(_read(file, offset, _END_64.size))
    if mark != b"PK\x06\x06" or offset + 12 + length != locator:
        raise Zip64Inconsistent("The end record for large files is not where the locator says.")
    for is_16, said, large in zip((1, 1, 1, 1, 0, 0), plain, found, strict=True):
        if said not in (_FULL_16 if is_16 else _FULL_32, large):
            raise Zip64Inconsistent("The two end records contradict each other.")
    number, first, here, entries, size, start = found
    if number or first or here != entries:
        raise ArchiveInSeveralParts(f"Found part {number + 1}.")
    return offset, _Directory(start, size, entries)


# The directory's entries.


def _directory_entries(data: bytes, count: int) -> Iterator[ZipEntry]:
    names = Names()
    at = 0
    for _ in range(count):
        if at + _ENTRY.size > len(data) or data[at : at + 4] != b"PK\x01\x02":
            raise InconsistentArchive(f"Expected {count} entries in its directory, found something else at byte {at}.")
        lengths = _ENTRY.unpack_from(data, at)[10:13]
        end = at + _ENTRY.size + sum(lengths)
        if end > len(data):
            raise InconsistentArchive("An entry of its directory reaches beyond the directory.")
        yield _entry(data[at:end], names)
        at = end
    if at != len(data):
        raise InconsistentArchive(f"Its directory has {len(data) - at} bytes more than its {count} entries.")


def _entry(data: bytes, names: Names) -> ZipEntry:
    (
        _,
        _,
        _,
        flags,
        method,
        time,
        _,
        crc,
        packed,
        size,
        name_length,
        extra_length,
        _,
        disk,
        _,
        attributes,
        offset,
    ) = _ENTRY.unpack_from(data)
    raw_name = data[_ENTRY.size : _ENTRY.size + name_length]
    extras = _extras(data[_ENTRY.size + name_length :][:extra_length])
    name = _decoded_name(raw_name, flags, extras)
    is_directory = name.endswith("/")
    path = names.checked(name, is_directory=is_directory)
    size, packed, offset = _large(extras, size, packed, offset)
    if disk not in (0, _FULL_16):
        raise ArchiveInSeveralParts(f"{shown(name)} begins in part {disk + 1}.")
    _check_kind(name, attributes >> 16)
    if flags & (_STRONG | _MASKED | _PATCHED):
        raise PackingNotSupported(f"{shown(name)} has PKWARE's strong encryption or is a patch.")
    aes = _extra(extras, AES_EXTRA) if method == AES else None
    if method == AES:
        method = _method_below_aes(aes, flags, name)
    if method not in METHODS:
        raise PackingNotSupported(f"{shown(name)} is packed by method {method} of zip.")
    if is_directory and size:
        raise InconsistentArchive(f"The directory {shown(name)} has content.")
    if method == STORED and not flags & _PROTECTED and size != packed:
        raise ArchiveHeadersDiffer(f"{shown(name)} is stored as it is, but has {packed} bytes for {size}.")
    return ZipEntry(path, is_directory, raw_name, flags, method, time, crc, packed, size, offset, aes)


def _extras(data: bytes) -> list[tuple[int, bytes]]:
    """Extra fields with their numbers (4.5.1)."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        number, length = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        end = at + 4 + length
        if end > len(data):
            raise InconsistentArchive("An extra field of an entry is longer than all of them.")
        found.append((number, data[at + 4 : end]))
        at = end
    return found


def _extra(extras: list[tuple[int, bytes]], number: int) -> bytes | None:
    """The field of a number; one that is there twice has no meaning."""
    found = [data for each, data in extras if each == number]
    if len(found) > 1:
        raise InconsistentArchive(f"An entry has the extra field {number:#06x} twice.")
    return found[0] if found else None


def _decoded_name(raw: bytes, flags: int, extras: list[tuple[int, bytes]]) -> str:
    """UTF-8 where it says so (4.4.4, bit 11), else code page 437 (D.1). A Unicode path of this very name leads; one
    made for another name is not for us (4.6.9)."""
    mark = b"\1" + zlib.crc32(raw).to_bytes(4, "little")
    better = {data[5:] for number, data in extras if number == _UNICODE_PATH_EXTRA and data.startswith(mark)}
    better.discard(b"")
    if len(better) > 1:
        raise InconsistentArchive("An entry has several Unicode names.")
    try:
        name = better.pop().decode() if better else raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise MemberNameUnreadable(f"Found {shown(raw.decode('latin-1'))}, expected UTF-8.") from error
    if name.endswith("/") != raw.endswith(b"/"):
        raise InconsistentArchive(f"{shown(name)} is a directory by one of its names and a file by the other.")
    return name


def _large(extras: list[tuple[int, bytes]], size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset with what the zip64 field has of them: those that are full, in this order (4.5.3)."""
    extra = _extra(extras, _ZIP64_EXTRA) or b""
    found = []
    at = 0
    for said in (size, packed, offset):
        if said != _FULL_32:
            found.append(said)
            continue
        if at + 8 > len(extra):
            raise Zip64Inconsistent("An entry refers to a large size or offset that is not there.")
        found.append(int.from_bytes(extra[at : at + 8], "little"))
        at += 8
    return found[0], found[1], found[2]


def _check_kind(name: str, mode: int) -> None:
    """Unix modes stand in the upper half of the external attributes (4.4.15, Info-ZIP)."""
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        raise MemberIsLink(f"Found {shown(name)}.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise MemberIsDevice(f"Found {shown(name)}.")


def _method_below_aes(aes: bytes | None, flags: int, name: str) -> int:
    """WinZip's AES specification, II: version, "AE", strength 1 to 3, method."""
    if (
        aes is None
        or len(aes) != 7
        or aes[:2] not in (b"\1\0", b"\2\0")
        or aes[2:4] != b"AE"
        or aes[4] not in (1, 2, 3)
    ):
        raise InconsistentArchive(f"{shown(name)} is said to have AES, but not how.")
    if not flags & _PROTECTED:
        raise InconsistentArchive(f"{shown(name)} is said to have AES, but not to be protected.")
    return int.from_bytes(aes[5:7], "little")


# The files: their headers and where they lie.


def _check_layout(file: BinaryIO, entries: list[ZipEntry], directory: int) -> None:
    """Headers, contents and descriptors fill the archive up to the directory: no gap, no overlap (4.3.6)."""
    in_place = sorted(entries, key=lambda entry: entry.offset)
    expected = 0
    for number, entry in enumerate(in_place):
        boundary = in_place[number + 1].offset if number + 1 < len(in_place) else directory
        if not expected == entry.offset < boundary <= directory:
            _misplaced(entry, expected)
        entry.start = _check_local(file, entry, boundary)
        expected = entry.start + entry.packed_bytes
        if expected > boundary:
            raise ArchiveMembersOverlap(f"{shown(entry.path)} reaches beyond byte {boundary}, where the next part is.")
        if entry.has_descriptor:
            expected += _check_descriptor(file, entry, expected, boundary)
    if expected != directory:
        raise ArchiveHasExtraBytes(f"Found {directory - expected} between its files and its directory.")


def _misplaced(entry: ZipEntry, expected: int) -> NoReturn:
    if entry.offset <= expected:
        raise ArchiveMembersOverlap(f"{shown(entry.path)} begins at byte {entry.offset}, within another part.")
    raise ArchiveHasExtraBytes(f"Expected {shown(entry.path)} at byte {expected}, found it at {entry.offset}.")


def _check_local(file: BinaryIO, entry: ZipEntry, boundary: int) -> int:
    """Compare the local header with the directory; where the content begins."""
    data = _read(file, entry.offset, min(_LOCAL.size, boundary - entry.offset))
    if len(data) < _LOCAL.size or not data.startswith(b"PK\x03\x04"):
        raise ArchiveHeadersDiffer(f"There is no header of {shown(entry.path)} at byte {entry.offset}.")
    _, _, flags, method, time, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(data)
    start: int = entry.offset + _LOCAL.size + name_length + extra_length
    if start > boundary:
        raise ArchiveMembersOverlap(f"The header of {shown(entry.path)} reaches beyond byte {boundary}.")
    rest = _read(file, entry.offset + _LOCAL.size, name_length + extra_length)
    extras = _extras(rest[name_length:])
    if _FULL_32 in (size, packed):
        size, packed, _ = _large(extras, size, packed, 0)
    _agree(entry, "name", rest[:name_length] == entry.raw_name)
    _agree(entry, "flags", not (flags ^ entry.flags) & _AGREEING_FLAGS)
    _agree(entry, "method", method == entry.header_method)
    _agree(entry, "AES field", (_extra(extras, AES_EXTRA) if method == AES else None) == entry.aes)
    entry.time = time
    # Behind a descriptor's flag the header's own figures are zero (4.4.4, bit 3), or right all the same.
    unknown = entry.has_descriptor
    _agree(entry, "checksum", crc == entry.crc or (unknown and crc == 0))
    _agree(entry, "packed size", packed == entry.packed_bytes or (unknown and packed == 0))
    _agree(entry, "size", size == entry.size_bytes or (unknown and size == 0))
    return start


def _agree(entry: ZipEntry, what: str, agrees: bool) -> None:
    if not agrees:
        raise ArchiveHeadersDiffer(f"{shown(entry.path)} has another {what} in its header than in the directory.")


def _check_descriptor(file: BinaryIO, entry: ZipEntry, at: int, boundary: int) -> int:
    """The descriptor between content and next part: with or without its mark, with sizes of 4 or 8 bytes (4.3.9)."""
    data = _read(file, at, min(boundary - at, 24))
    bare = data.removeprefix(_DESCRIPTOR_MARK) if len(data) in (16, 24) else data
    for form in _DESCRIPTORS:
        if len(bare) == form.size:
            _agree(entry, "descriptor", form.unpack(bare) == (entry.crc, entry.packed_bytes, entry.size_bytes))
            return len(data)
    raise ArchiveHeadersDiffer(f"{shown(entry.path)} has no descriptor behind it, or a damaged one.")


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)
