"""Prove that a zip's directory, the headers of its files and the bytes between them agree.

Headers, contents and descriptors must say what the directory says, and fill the archive from its first byte to the
directory: what lies in a gap, or twice under two names, other programs would see differently.

Sections are those of PKWARE's APPNOTE.TXT, version 6.3.10.
"""

from struct import Struct
from typing import BinaryIO, NoReturn

from shared.domain.failures import ArchiveHasExtraBytes, ArchiveHeadersDiffer, ArchiveMembersOverlap
from shared.formats.unpacking.names import shown
from shared.formats.unpacking.zip_entry import (
    AES,
    AES_EXTRA,
    DESCRIBED,
    FULL_32,
    MASKED,
    PATCHED,
    PROTECTED,
    STRONG,
    UTF8,
    ZipEntry,
    extra_field,
    extra_fields,
    read_at,
    with_large,
)

_LOCAL = Struct("<4s5H3I2H")  # 4.3.7
_DESCRIPTORS = (Struct("<III"), Struct("<IQQ"))  # 4.3.9
_DESCRIPTOR_MARK = b"PK\x07\x08"
_AGREEING_FLAGS = PROTECTED | DESCRIBED | PATCHED | STRONG | UTF8 | MASKED


def check_layout(file: BinaryIO, entries: list[ZipEntry], directory: int) -> None:
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
    data = read_at(file, entry.offset, min(_LOCAL.size, boundary - entry.offset))
    if len(data) < _LOCAL.size or not data.startswith(b"PK\x03\x04"):
        raise ArchiveHeadersDiffer(f"There is no header of {shown(entry.path)} at byte {entry.offset}.")
    _, _, flags, method, time, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(data)
    start: int = entry.offset + _LOCAL.size + name_length + extra_length
    if start > boundary:
        raise ArchiveMembersOverlap(f"The header of {shown(entry.path)} reaches beyond byte {boundary}.")
    rest = read_at(file, entry.offset + _LOCAL.size, name_length + extra_length)
    extras = extra_fields(rest[name_length:])
    if FULL_32 in (size, packed):
        size, packed, _ = with_large(extras, size, packed, 0)
    _agree(entry, "name", rest[:name_length] == entry.raw_name)
    _agree(entry, "flags", not (flags ^ entry.flags) & _AGREEING_FLAGS)
    _agree(entry, "method", method == entry.header_method)
    _agree(entry, "AES field", (extra_field(extras, AES_EXTRA) if method == AES else None) == entry.aes)
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
    data = read_at(file, at, min(boundary - at, 24))
    bare = data.removeprefix(_DESCRIPTOR_MARK) if len(data) in (16, 24) else data
    for form in _DESCRIPTORS:
        if len(bare) == form.size:
            _agree(entry, "descriptor", form.unpack(bare) == (entry.crc, entry.packed_bytes, entry.size_bytes))
            return len(data)
    raise ArchiveHeadersDiffer(f"{shown(entry.path)} has no descriptor behind it, or a damaged one.")
