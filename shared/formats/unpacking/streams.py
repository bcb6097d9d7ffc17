"""Decode gzip, bzip2, xz and zstd: formats that hold one content. Several in a row are one, as their tools have it.

Written against the decoders themselves and not their file objects: those of bzip2 and xz take damage behind the first
stream for its end. gzip stays with isal's file object, which is exact there, and fastest.
"""

import bz2
import lzma
from collections.abc import Callable
from gzip import BadGzipFile
from typing import Protocol

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
from isal import igzip, igzip_lib

from shared.domain.failures import DamagedArchive, UnpackingNeedsMemory
from shared.formats.source import ByteSource
from shared.formats.unpacking.budget import MAX_DECODER_BYTES
from shared.formats.unpacking.content import CHUNK_BYTES
from shared.formats.unpacking.packing import Packing

_LEAST_DICTIONARY = 4 << 10
_XZ_PADDING = 4
_ZSTD_MAX_WINDOW_LOG = MAX_DECODER_BYTES.bit_length() - 1
_MEMORY_MARKS = ("Memory usage limit", "requires too much memory")


class Decoder(Protocol):
    """What the decoders of bz2, lzma, zstd and isal have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was met."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether more can come out only of more input."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Input behind the end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take input and give at most so much output."""
        ...


def decoded(packing: Packing, source: ByteSource) -> ByteSource:
    """The content of a stream. Reading raises DamagedArchive and UnpackingNeedsMemory."""
    if packing == "gzip":
        return _Gzip(source)
    if packing == "bzip2":
        return _Streams(source, bz2.BZ2Decompressor)
    if packing == "xz":
        return _Streams(source, xz_decoder, padding=_XZ_PADDING)
    assert packing == "zstd"
    return _Streams(source, zstd_decoder)


def xz_decoder() -> Decoder:
    """A decoder of one xz stream (the xz format 1.2.0), bounded in memory."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_DECODER_BYTES + (1 << 20))


def zstd_decoder() -> Decoder:
    """A decoder of one zstd frame (RFC 8878), bounded in memory."""
    return ZstdDecompressor(options={DecompressionParameter.window_log_max: _ZSTD_MAX_WINDOW_LOG})


def deflate_decoder() -> Decoder:
    """A decoder of bare deflate (RFC 1951)."""
    decoder: Decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
    return decoder


def bare_lzma_decoder(properties: bytes) -> Decoder:
    """A decoder of LZMA without a header, by its five bytes of properties. Raises UnpackingNeedsMemory."""
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[lzma_filter(properties)])


def lzma_filter(properties: bytes) -> dict[str, int]:
    """What five bytes of properties say (lzma-specification.txt): lc, lp, pb and the dictionary's size."""
    packed, size = properties[0], int.from_bytes(properties[1:5], "little")
    if packed >= 9 * 5 * 5 or (packed % 9) + (packed // 9 % 5) > 4:
        raise DamagedArchive("Its LZMA properties are impossible.")
    check_dictionary(size)
    return {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(size, _LEAST_DICTIONARY),
        "lc": packed % 9,
        "lp": packed // 9 % 5,
        "pb": packed // 45,
    }


def check_dictionary(size: int) -> None:
    """Raise UnpackingNeedsMemory where a dictionary is larger than a decoder's may be."""
    if size > MAX_DECODER_BYTES:
        raise UnpackingNeedsMemory(f"Found a dictionary of {size} bytes, expected {MAX_DECODER_BYTES} at most.")


def decode_step(decoder: Decoder, data: bytes, max_length: int, position: int) -> bytes:
    """One step of any decoder, with its errors in our words."""
    try:
        return decoder.decompress(data, max_length)
    except (lzma.LZMAError, ZstdError, igzip_lib.IsalError, OSError, EOFError, ValueError) as error:  # type: ignore[misc]  # isal's stub says `IsalError: Exception`
        if any(mark in str(error) for mark in _MEMORY_MARKS):
            raise UnpackingNeedsMemory(f"Found a dictionary of more than {MAX_DECODER_BYTES} bytes.") from error
        raise DamagedArchive(f"It cannot be unpacked beyond byte {position} of its content.") from error
    except MemoryError as error:
        raise UnpackingNeedsMemory("There was not enough memory for its dictionary.") from error


class _Streams:
    """Streams in a row as one. Between xz streams there may be zeros, a multiple of four."""

    def __init__(self, source: ByteSource, new_decoder: Callable[[], Decoder], *, padding: int = 0) -> None:
        self._input = _Input(source)
        self._new_decoder = new_decoder
        self._padding = padding
        self._decoder = new_decoder()
        self._position = 0
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            if self._decoder.eof:
                self._next_stream()
                continue
            data = self._input.take() if self._decoder.needs_input else b""
            if not data and self._decoder.needs_input:
                raise DamagedArchive(f"It ends after {self._position} unpacked bytes, before its end mark.")
            found = decode_step(self._decoder, data, size, self._position)
            self._position += len(found)
            if found:
                return found
        return b""

    def _next_stream(self) -> None:
        self._input.give_back(len(self._decoder.unused_data))
        if self._padding:
            zeros = self._input.skip_zeros()
            if zeros % self._padding:
                raise DamagedArchive(f"Found {zeros} zeros behind a stream, expected a multiple of {self._padding}.")
        if self._input.is_at_end():
            self._ended = True
        else:
            self._decoder = self._new_decoder()


class _Input:
    """The packed bytes, in steps that begin small at each stream.

    A decoder gives back what lies behind its stream, so a file of a million empty streams would be copied over and
    over if each of them were given all that has been read.
    """

    _FIRST_STEP = 1 << 10

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._data = b""
        self._at = 0
        self._step = self._FIRST_STEP

    def take(self) -> bytes:
        """The next bytes; empty at the end."""
        self._fill()
        found = self._data[self._at : self._at + self._step]
        self._at += len(found)
        self._step = min(self._step * 2, CHUNK_BYTES)
        return found

    def give_back(self, count: int) -> None:
        """So many of the bytes that were taken last were too many."""
        self._at -= count
        self._step = self._FIRST_STEP

    def skip_zeros(self) -> int:
        """Go past zero bytes; how many there were."""
        zeros = 0
        while not self.is_at_end():
            rest = self._data[self._at : self._at + self._FIRST_STEP]
            found = len(rest) - len(rest.lstrip(b"\0"))
            zeros += found
            self._at += found
            if found < len(rest):
                break
        return zeros

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        self._fill()
        return self._at == len(self._data)

    def _fill(self) -> None:
        if self._at == len(self._data):
            self._data, self._at = self._source.read(CHUNK_BYTES), 0


class _Gzip:
    def __init__(self, source: ByteSource) -> None:
        self._file = igzip.IGzipFile(fileobj=source, mode="rb")  # type: ignore[no-untyped-call]  # isal has no types
        self._position = 0

    def read(self, size: int, /) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except EOFError as error:
            raise DamagedArchive(f"It ends after {self._position} unpacked bytes, before its end mark.") from error
        except (BadGzipFile, igzip_lib.IsalError) as error:  # type: ignore[misc]  # isal's stub says `IsalError: Exception`
            raise DamagedArchive(f"It cannot be unpacked beyond byte {self._position} of its content.") from error
        self._position += len(data)
        return data
