"""One entry of a zip, and what both of its headers are made of: flags, methods, extra fields.

Sections are those of PKWARE's APPNOTE.TXT, version 6.3.10.
"""

from dataclasses import dataclass
from typing import BinaryIO

from shared.domain.failures import InconsistentArchive, Zip64Inconsistent

STORED, DEFLATE, DEFLATE64, BZIP2, LZMA, ZSTD, XZ, AES = 0, 8, 9, 12, 14, 93, 95, 99
METHODS = frozenset({STORED, DEFLATE, DEFLATE64, BZIP2, LZMA, ZSTD, XZ})
PROTECTED, DESCRIBED, PATCHED, STRONG, UTF8, MASKED = 1 << 0, 1 << 3, 1 << 5, 1 << 6, 1 << 11, 1 << 13  # 4.4.4
ZIP64_EXTRA, AES_EXTRA = 0x0001, 0x9901
FULL_32 = 0xFFFFFFFF
"""What stands for a figure that is too large for its place."""


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
        return bool(self.flags & PROTECTED)

    @property
    def has_descriptor(self) -> bool:
        """Whether its sizes were written behind it."""
        return bool(self.flags & DESCRIBED)

    @property
    def header_method(self) -> int:
        """The method that its headers name."""
        return self.method if self.aes is None else AES


def extra_fields(data: bytes) -> list[tuple[int, bytes]]:
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


def extra_field(extras: list[tuple[int, bytes]], number: int) -> bytes | None:
    """The field of a number; one that is there twice has no meaning."""
    found = [data for each, data in extras if each == number]
    if len(found) > 1:
        raise InconsistentArchive(f"An entry has the extra field {number:#06x} twice.")
    return found[0] if found else None


def with_large(extras: list[tuple[int, bytes]], size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset with what the zip64 field has of them: those that are full, in this order (4.5.3)."""
    extra = extra_field(extras, ZIP64_EXTRA) or b""
    found = []
    at = 0
    for said in (size, packed, offset):
        if said != FULL_32:
            found.append(said)
            continue
        if at + 8 > len(extra):
            raise Zip64Inconsistent("An entry refers to a large size or offset that is not there.")
        found.append(int.from_bytes(extra[at : at + 8], "little"))
        at += 8
    return found[0], found[1], found[2]


def read_at(file: BinaryIO, start: int, length: int) -> bytes:
    """So many bytes from a place; fewer where the file ends before."""
    file.seek(start)
    return file.read(length)
