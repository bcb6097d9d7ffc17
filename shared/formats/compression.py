"""Open a local file as plain bytes, unpacking gzip on the way.

The output is counted as it grows, because no library protects against an archive that unpacks to terabytes.
Nothing here looks at names, and nothing but gzip is unpacked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path
from typing import Literal

from isal import igzip
from isal.igzip_lib import IsalError

from shared.domain.failures import DamagedArchive, UnpackedTooLarge
from shared.formats.source import ByteSource

Compression = Literal["auto", "none", "gzip"]

GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def open_plain(path: Path, compression: Compression = "auto", *, max_bytes: int) -> Iterator[ByteSource]:
    """The bytes of a file, unpacked where it is gzip; concatenated members are one stream (RFC 1952).

    `auto` goes by content, `none` takes the bytes as they are, `gzip` demands it. Reading raises
    `UnpackedTooLarge` beyond max_bytes and `DamagedArchive` where the archive is damaged or cut off.
    """
    with path.open("rb") as file:
        is_gzip = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if compression == "gzip" and not is_gzip:
            raise DamagedArchive("Expected a gzip file, found other content.")
        if compression == "none" or not is_gzip:
            yield _Counted(file, max_bytes)
        else:
            with igzip.IGzipFile(fileobj=file, mode="rb") as unpacked:  # type: ignore[no-untyped-call]  # isal has no types
                yield _Counted(unpacked, max_bytes)


class _Counted:
    """Bytes that are counted against a limit, with the unpacker's errors in our words."""

    def __init__(self, file: ByteSource, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
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
        return data
