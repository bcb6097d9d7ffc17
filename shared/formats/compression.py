"""Open a local file as plain bytes, unpacking gzip on the way.

The output is counted as it grows, because no library protects against an archive that unpacks to terabytes: against
what the operator allows, and against what the archive itself weighs.
Nothing here looks at names, and nothing but gzip is unpacked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path
from typing import Literal

from isal import igzip
from isal.igzip_lib import IsalError

from shared.domain.failures import DamagedArchive, UnpackedTooLarge, UnpackRatioTooHigh
from shared.formats.source import ByteSource

Compression = Literal["auto", "none", "gzip"]

GZIP_MAGIC = b"\x1f\x8b"

MAX_RATIO = 500
"""Unpacked bytes for each packed one. A table of a thousand columns, all empty but a key, comes to a third of it; a
bomb to 1,030, which is the most that gzip can do (RFC 1951)."""
RATIO_FREE_BYTES = 64 << 20
"""So much may come of any archive: it harms nobody, and small files may well repeat one line."""


@contextmanager
def open_plain(path: Path, compression: Compression = "auto", *, max_bytes: int) -> Iterator[ByteSource]:
    """The bytes of a file, unpacked where it is gzip; concatenated members are one stream (RFC 1952).

    `auto` goes by content, `none` takes the bytes as they are, `gzip` demands it. Reading raises
    `UnpackedTooLarge` beyond max_bytes, `UnpackRatioTooHigh` beyond what an honest archive of its size holds, and
    `DamagedArchive` where the archive is damaged or cut off.
    """
    with path.open("rb") as file:
        is_gzip = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if compression == "gzip" and not is_gzip:
            raise DamagedArchive("Expected a gzip file, found other content.")
        if compression == "none" or not is_gzip:
            yield _Counted(file, max_bytes)
        else:
            honest_bytes = max(RATIO_FREE_BYTES, path.stat().st_size * MAX_RATIO)
            with igzip.IGzipFile(fileobj=file, mode="rb") as unpacked:  # type: ignore[no-untyped-call]  # isal has no types
                yield _Counted(unpacked, max_bytes, honest_bytes)


class _Counted:
    """Bytes that are counted against a limit, with the unpacker's errors in our words."""

    def __init__(self, file: ByteSource, max_bytes: int, honest_bytes: int | None = None) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._honest_bytes = honest_bytes
        self._seen = 0

    def read(self, size: int, /) -> bytes:
        try:
            data = self._file.read(size)
        except EOFError as error:
            raise DamagedArchive(f"It ends after {self._seen} unpacked bytes, before its end mark.") from error
        except (BadGzipFile, IsalError) as error:  # type: ignore[misc]  # isal's stub says `IsalError: Exception`
            raise DamagedArchive(f"It cannot be unpacked beyond byte {self._seen} of its content.") from error
        self._seen += len(data)
        if self._seen > self._max_bytes:
            raise UnpackedTooLarge(f"Found more than {self._max_bytes} bytes.")
        if self._honest_bytes is not None and self._seen > self._honest_bytes:
            raise UnpackRatioTooHigh(f"Found more than {self._honest_bytes} bytes, {MAX_RATIO} for each packed one.")
        return data
