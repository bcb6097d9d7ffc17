"""Read a zip's central directory, and have it proved that the rest of the archive agrees with it.

A zip says everything twice: in the directory at its end and in a header before each file. Programs differ in which of
the two they believe, so an archive that contradicts itself holds other files for the virus scanner than for us: it is
refused. Nothing is unpacked here.

Sections are those of PKWARE's APPNOTE.TXT, version 6.3.10.
"""

import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from shared.domain.failures import (
    ArchiveHasExtraBytes,
    ArchiveHeadersDiffer,
    ArchiveInSeveralParts,
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
from shared.formats.unpacking.zip_entry import (
    AES,
    AES_EXTRA,
    FULL_32,
    MASKED,
    METHODS,
    PATCHED,
    PROTECTED,
    STORED,
    STRONG,
    UTF8,
    ZipEntry,
    extra_field,
    extra_fields,
    read_at,
    with_large,
)
from shared.formats.unpacking.zip_layout import check_layout

_END = Struct("<4s4H2IH")  # 4.3.16
_END_64 = Struct("<4sQ2H2I4Q")  # 4.3.14
_LOCATOR_64 = Struct("<4sIQI")  # 4.3.15
_ENTRY = Struct("<4s6H3I5H2I")  # 4.3.12
_END_MARK = b"PK\x05\x06"
_UNICODE_PATH_EXTRA = 0x7075
_FULL_16 = 0xFFFF
_MAX_COMMENT = 0xFFFF
_MAX_DIRECTORY_BYTES = 16 << 20


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
        entries = list(_directory_entries(read_at(file, directory.offset, directory.size), directory.entries))
        check_layout(file, entries, directory.offset)
    return entries


def has_end_record(path: Path) -> bool:
    """Whether a file ends as zips do, however it begins."""
    with path.open("rb") as file:
        tail_start = max(0, path.stat().st_size - _END.size - _MAX_COMMENT)
        return _END_MARK in read_at(file, tail_start, _END.size + _MAX_COMMENT)


# The end of the archive: where the directory lies.


def _find_directory(file: BinaryIO, size: int) -> _Directory:
    tail_start = max(0, size - _END.size - _MAX_COMMENT)
    tail = read_at(file, tail_start, size - tail_start)
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
    elif FULL_32 in (length, offset):
        raise Zip64Inconsistent("The end record refers to records for large files that are not there.")
    if directory.offset + directory.size > end:
        raise InconsistentArchive("Its directory reaches beyond the end of the archive.")
    if directory.offset + directory.size < end:
        raise ArchiveHasExtraBytes(f"Found {end - directory.offset - directory.size} before or behind its directory.")
    return directory


def _read_end_64(file: BinaryIO, locator: int, plain: tuple[int, ...]) -> tuple[int, _Directory]:
    _, disk, offset, disks = _LOCATOR_64.unpack(read_at(file, locator, _LOCATOR_64.size))
    if disk or disks > 1:
        raise ArchiveInSeveralParts(f"Found {disks} parts.")
    if not offset + _END_64.size <= locator:
        raise Zip64Inconsistent("The end record for large files is not where the locator says.")
    mark, length, _, _, *found = _END_64.unpack(read_at(file, offset, _END_64.size))
    if mark != b"PK\x06\x06" or offset + 12 + length != locator:
        raise Zip64Inconsistent("The end record for large files is not where the locator says.")
    for is_16, said, large in zip((1, 1, 1, 1, 0, 0), plain, found, strict=True):
        if said not in (_FULL_16 if is_16 else FULL_32, large):
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
    extras = extra_fields(data[_ENTRY.size + name_length :][:extra_length])
    name = _decoded_name(raw_name, flags, extras)
    is_directory = name.endswith("/")
    path = names.checked(name, is_directory=is_directory)
    size, packed, offset = with_large(extras, size, packed, offset)
    if disk not in (0, _FULL_16):
        raise ArchiveInSeveralParts(f"{shown(name)} begins in part {disk + 1}.")
    _check_kind(name, attributes >> 16)
    if flags & (STRONG | MASKED | PATCHED):
        raise PackingNotSupported(f"{shown(name)} has PKWARE's strong encryption or is a patch.")
    aes = extra_field(extras, AES_EXTRA) if method == AES else None
    if method == AES:
        method = _method_below_aes(aes, flags, name)
    if method not in METHODS:
        raise PackingNotSupported(f"{shown(name)} is packed by method {method} of zip.")
    if is_directory and size:
        raise InconsistentArchive(f"The directory {shown(name)} has content.")
    if method == STORED and not flags & PROTECTED and size != packed:
        raise ArchiveHeadersDiffer(f"{shown(name)} is stored as it is, but has {packed} bytes for {size}.")
    return ZipEntry(path, is_directory, raw_name, flags, method, time, crc, packed, size, offset, aes)


def _decoded_name(raw: bytes, flags: int, extras: list[tuple[int, bytes]]) -> str:
    """UTF-8 where it says so (4.4.4, bit 11), else code page 437 (D.1). A Unicode path of this very name leads; one
    made for another name is not for us (4.6.9)."""
    mark = b"\1" + zlib.crc32(raw).to_bytes(4, "little")
    better = {data[5:] for number, data in extras if number == _UNICODE_PATH_EXTRA and data.startswith(mark)}
    better.discard(b"")
    if len(better) > 1:
        raise InconsistentArchive("An entry has several Unicode names.")
    try:
        name = better.pop().decode() if better else raw.decode("utf-8" if flags & UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise MemberNameUnreadable(f"Found {shown(raw.decode('latin-1'))}, expected UTF-8.") from error
    if name.endswith("/") != raw.endswith(b"/"):
        raise InconsistentArchive(f"{shown(name)} is a directory by one of its names and a file by the other.")
    return name


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
    if not flags & PROTECTED:
        raise InconsistentArchive(f"{shown(name)} is said to have AES, but not to be protected.")
    return int.from_bytes(aes[5:7], "little")
