"""Turn a file into the bytes of a packed one, in bounded memory. What unpacks them is `shared/formats/unpacking`.

The same content gives the same gzip and zstd: their headers tell no time, name or system. A zip names what it holds;
under a password it has a new salt each time.
"""

import zlib
from collections.abc import Generator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from backports.zstd import CompressionParameter, ZstdCompressor
from isal import isal_zlib
from stream_zip import ZIP_32, ZIP_64, stream_zip

from shared.domain.packing import Packing

CHUNK_BYTES = 1 << 20
_LEVEL = 2
"""Of isal's four: a tenth larger than gzip's usual level, in a fifteenth of its time."""
_ZSTD_LEVEL = 3
_GZIP, _DEFLATE = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_ZIP_32_BYTES = 4_000_000_000
"""More may not fit the figures of a plain zip; zip64 is not read by the oldest programs."""
_MODE = 0o100600


def packed(
    source: Path, packing: Packing, *, name: str, modified_at: datetime, password: str | None
) -> Generator[bytes, None, None]:
    """The bytes of a packed file, in pieces of some hundred kilobytes at most; none of them is kept.

    `name` and `modified_at` are what a zip tells of its content; `password` is what packing.password_id stands for.
    """
    if packing.compression == "gzip":
        return _streamed(source, isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP))
    if packing.compression == "zstd":
        options: dict[int, int] = {
            CompressionParameter.compression_level: _ZSTD_LEVEL,
            CompressionParameter.checksum_flag: 1,
        }
        return _streamed(source, ZstdCompressor(options=options))
    assert packing.compression == "zip"
    return _zipped(source, name, modified_at, password)


def _streamed(source: Path, packer: Any) -> Generator[bytes, None, None]:
    with source.open("rb") as file:
        for chunk in _chunks(file):
            if found := packer.compress(chunk):
                yield found
        yield packer.flush()


def _zipped(source: Path, name: str, modified_at: datetime, password: str | None) -> Generator[bytes, None, None]:
    with source.open("rb") as file:
        method = ZIP_32 if source.stat().st_size < _ZIP_32_BYTES else ZIP_64
        yield from stream_zip(
            ((name, modified_at, _MODE, method, _chunks(file)),),
            chunk_size=CHUNK_BYTES,
            get_compressobj=_deflater,
            # The derivation of the key takes texts as Latin-1; all programs that open such zips take UTF-8.
            password=None if password is None else password.encode().decode("latin-1"),
        )


def _deflater() -> Any:
    """isal's: an object as zlib's are, of another class."""
    return isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _DEFLATE)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
