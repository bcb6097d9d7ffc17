"""Carry out the steps by which a row of files in a 7z is unpacked: AES, one decoder, and filters behind it.

7-Zip never packs twice over, so neither do we unpack twice over: one decoder at a time bounds the memory, and what
comes out between two of them would be counted by nobody. PPMd, BCJ2, Brotli and Deflate64 are refused by name.
"""

import bz2
import hashlib
import lzma
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from shared.domain.failures import DamagedArchive, PackingNotSupported
from shared.formats.source import ByteSource
from shared.formats.unpacking.content import CHUNK_BYTES
from shared.formats.unpacking.seven_zip_header import Coder
from shared.formats.unpacking.streams import (
    Decoder,
    check_dictionary,
    decode_step,
    deflate_decoder,
    lzma_filter,
    zstd_decoder,
)

_MAX_ROUNDS = 1 << 24
"""Of deriving keys, for all files and passwords together: some ten seconds. 7-Zip takes 2^19 for an archive."""
_NO_ROUNDS = 0x3F
_COPY, _LZMA, _LZMA2, _AES = b"\x00", b"\x03\x01\x01", b"\x21", b"\x06\xf1\x07\x01"
_DECODERS = {b"\x04\x02\x02": bz2.BZ2Decompressor, b"\x04\x01\x08": deflate_decoder, b"\x04\xf7\x11\x01": zstd_decoder}
_DELTA = b"\x03"
_KNOWN_BY_NAME = {
    b"\x03\x04\x01": "PPMd",
    b"\x04\x01\x09": "Deflate64",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x03\x03\x01\x1b": "BCJ2",
}
_BRANCH_FILTERS = {
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x06": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x07": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
    b"\x09": lzma.FILTER_SPARC,
}


class Keys:
    """The keys that passwords make, each made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, bytes], bytes] = {}
        self._rounds = 0

    def key(self, password: str, power: int, salt: bytes) -> bytes:
        """SHA-256 over salt, password and a counter, 2^power times (7zAes). Raises PackingNotSupported."""
        known = (password, power, salt)
        if known not in self._known:
            self._known[known] = self._made(salt + password.encode("utf-16-le"), power)
        return self._known[known]

    def _made(self, start: bytes, power: int) -> bytes:
        if power == _NO_ROUNDS:
            return start[:32].ljust(32, b"\0")
        self._rounds += 1 << power
        if self._rounds > _MAX_ROUNDS:
            raise PackingNotSupported("Its passwords take more rounds of computing than any usual archive's.")
        digest = hashlib.sha256()
        for counter in range(1 << power):
            digest.update(start + counter.to_bytes(8, "little"))
        return digest.digest()


def is_protected(coders: Sequence[Coder]) -> bool:
    """Whether a password is needed."""
    return any(coder.method == _AES for coder in coders)


def unpacked(source: ByteSource, coders: Sequence[Coder], password: str | None, keys: Keys) -> ByteSource:
    """What comes of packed bytes. Raises PackingNotSupported, UnpackingNeedsMemory; reading raises DamagedArchive."""
    has_decoder = False
    at = 0
    while at < len(coders):
        coder = coders[at]
        if coder.method == _AES:
            assert password is not None
            source = _decrypted(source, coder, password, keys)
        elif coder.method != _COPY:
            if has_decoder:
                raise PackingNotSupported("Found files of a 7z that are packed twice over.")
            has_decoder = True
            decoder, at = _decoder(coders, at)
            source = _Step(source, decoder, coders[at].size_bytes)
        at += 1
    return source


def _decoder(coders: Sequence[Coder], at: int) -> tuple[Decoder, int]:
    """The decoder of a step and of the filters behind it, and which step is the last of these."""
    coder = coders[at]
    if coder.method in _DECODERS:
        return _DECODERS[coder.method](), at
    if coder.method not in (_LZMA, _LZMA2):
        raise PackingNotSupported(f"Found method {_method_shown(coder.method)} of 7z.")
    filters = [_lzma_filter(coder)]
    while at + 1 < len(coders) and (found := _filter_behind(coder, coders[at + 1])):
        filters.insert(0, found)
        at += 1
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), at


def _decrypted(source: ByteSource, coder: Coder, password: str, keys: Keys) -> ByteSource:
    power, salt, vector = _aes_properties(coder.properties)
    key = keys.key(password, power, salt)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return _Decrypted(source, decryptor, coder.size_bytes)


class _Step:
    """One decoder's output, which ends where the header says."""

    def __init__(self, source: ByteSource, decoder: Decoder, size_bytes: int) -> None:
        self._source = source
        self._decoder = decoder
        self._size_bytes = size_bytes
        self._position = 0

    def read(self, size: int, /) -> bytes:
        left = self._size_bytes - self._position
        while left and not self._decoder.eof:
            data = self._source.read(CHUNK_BYTES) if self._decoder.needs_input else b""
            if not data and self._decoder.needs_input:
                break
            if found := decode_step(self._decoder, data, min(size, left), self._position):
                self._position += len(found)
                return found
        if left:
            raise DamagedArchive(f"It ends after {self._position} unpacked bytes, {left} before its end.")
        return b""


class _Decrypted:
    """AES-256 in CBC mode; the last block is filled up, and the header says where the content ends."""

    def __init__(self, source: ByteSource, decryptor: CipherContext, size_bytes: int) -> None:
        self._source = source
        self._decryptor = decryptor
        self._left = size_bytes
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while not self._rest and self._left:
            data = self._source.read(CHUNK_BYTES)
            if not data:
                raise DamagedArchive(f"It ends {self._left} bytes before its end.")
            self._rest = self._decryptor.update(data)[: self._left]
            self._left -= len(self._rest)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _method_shown(method: bytes) -> str:
    if method in _BRANCH_FILTERS:
        return "BCJ, a filter for programs, before another method than LZMA2"
    return _KNOWN_BY_NAME.get(method, method.hex())


def _aes_properties(properties: bytes) -> tuple[int, bytes, bytes]:
    """Rounds, salt and initialisation vector (7zAes)."""
    padded = properties.ljust(2, b"\0")
    power = padded[0] & 0x3F
    salt_length = (padded[0] >> 7 & 1) + (padded[1] >> 4)
    vector_length = (padded[0] >> 6 & 1) + (padded[1] & 0x0F)
    if len(padded) != 2 + salt_length + vector_length:
        raise DamagedArchive("The properties of the archive's encryption are damaged.")
    return power, padded[2 : 2 + salt_length], padded[2 + salt_length :].ljust(16, b"\0")


def _lzma_filter(coder: Coder) -> dict[str, int]:
    properties = coder.properties
    if coder.method == _LZMA:
        if len(properties) != 5:
            raise DamagedArchive("Its LZMA properties are damaged.")
        return lzma_filter(properties)
    if len(properties) != 1 or properties[0] > 40:
        raise DamagedArchive("Its LZMA2 properties are damaged.")
    # Two and three times powers of two, from 4 KiB (xz format 1.2.0, 5.3.1).
    size = (2 | properties[0] & 1) << (properties[0] // 2 + 11)
    check_dictionary(size)
    return {"id": lzma.FILTER_LZMA2, "dict_size": size}


def _filter_behind(coder: Coder, following: Coder) -> dict[str, int] | None:
    """A filter that liblzma carries out together with the decoder before it. A branch filter holds back the last bytes
    until it hears of the end, of which LZMA without an end mark never tells."""
    if following.method == _DELTA and len(following.properties) == 1:
        return {"id": lzma.FILTER_DELTA, "dist": following.properties[0] + 1}
    if following.method in _BRANCH_FILTERS and coder.method == _LZMA2 and not following.properties:
        return {"id": _BRANCH_FILTERS[following.method]}
    return None
