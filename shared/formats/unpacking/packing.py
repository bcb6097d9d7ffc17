"""Say by its first bytes how a content is packed.

Every mark here is one that no text file begins with. A zip without any file begins with its end record; a tar is known
by its POSIX or GNU mark and a header whose checksum is right.
"""

import tarfile
from typing import Literal

Packing = Literal["gzip", "bzip2", "xz", "zstd", "tar", "zip", "7z"]

HEAD_BYTES = 512
STREAMS: frozenset[Packing] = frozenset({"gzip", "bzip2", "xz", "zstd"})
"""What holds one content and no names. The others are archives."""
DENSE: frozenset[Packing] = frozenset({"bzip2", "xz", "zstd", "7z"})
"""What packs denser than deflate."""

SUFFIXES = (".zip", ".7z", ".tar", ".tgz", ".tbz2", ".txz", ".tzst", ".gz", ".bz2", ".xz", ".zst")
_STREAM_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")

_MARKS: tuple[tuple[bytes, Packing], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)
_BZIP2_BLOCKS = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")
_TAR_MARK_AT = slice(257, 262)


def packing_of(start: bytes) -> Packing | None:
    """How content that starts like this is packed; None where it is not, as far as we know."""
    for mark, packing in _MARKS:
        if start.startswith(mark):
            return packing
    if start[:3] == b"BZh" and start[3:4] in b"123456789" and start[4:10] in _BZIP2_BLOCKS:
        return "bzip2"
    # A skippable frame may come first (RFC 8878, 3.1.2).
    if start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F:
        return "zstd"
    return "tar" if start[_TAR_MARK_AT] == b"ustar" and is_tar(start) else None


def without_suffix(name: str) -> str:
    """The name of what a compressed file of this name holds."""
    for suffix in _STREAM_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def is_tar(start: bytes) -> bool:
    """Whether content begins with a tar's header or its end mark; the oldest tars have no other mark."""
    try:
        tarfile.TarInfo.frombuf(start[:HEAD_BYTES], "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # not in the stubs
        return True
    except tarfile.HeaderError:
        return False
    return True
