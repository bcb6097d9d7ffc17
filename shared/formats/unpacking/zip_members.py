"""Read the files of a zip whose consistency has been proved.

Plain ones are decoded here; protected ones (WinZip's AES and PKWARE's old encryption) and those in deflate64 go
through stream-unzip, which is given nothing but one header made from what was proved, and the content behind it.
"""

import bz2
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from struct import Struct

import stream_unzip

from shared.domain.failures import ArchivePasswordMissing, ArchivePasswordWrong, DamagedArchive, PackingNotSupported
from shared.formats.source import ByteSource
from shared.formats.unpacking.budget import Budget, Meter
from shared.formats.unpacking.content import CHUNK_BYTES, Metered, Proved, Region
from shared.formats.unpacking.entry import Entry
from shared.formats.unpacking.names import shown
from shared.formats.unpacking.streams import (
    Decoder,
    bare_lzma_decoder,
    decode_step,
    deflate_decoder,
    xz_decoder,
    zstd_decoder,
)
from shared.formats.unpacking.zip_entry import (
    AES,
    AES_EXTRA,
    BZIP2,
    DEFLATE,
    DEFLATE64,
    FULL_32,
    LZMA,
    STORED,
    XZ,
    ZSTD,
    ZipEntry,
)

_LOCAL = Struct("<4s5H3I2H")
_DESCRIPTOR = Struct("<4sIII")
_DESCRIPTOR_64 = Struct("<4sIQQ")
_LZMA_END_MARK = 1 << 1
_PROTECTABLE = (STORED, DEFLATE, DEFLATE64, BZIP2)
_DENSE = (BZIP2, LZMA, ZSTD, XZ)
_SALTS = {1: 8, 2: 12, 3: 16}
_KEY_ROUNDS = 1_000
"""Of WinZip's AES specification, IV."""


def entries(path: Path, directory: Sequence[ZipEntry], budget: Budget, passwords: Sequence[str]) -> Iterator[Entry]:
    """The files of a zip whose directory was read and proved, in the directory's order."""
    if any(entry.method in _DENSE for entry in directory):
        budget.expect_density()
    for entry in directory:
        if not entry.is_directory:
            budget.had_password = budget.had_password or entry.is_protected
            yield Entry(entry.path, ZipContent(path, entry, Meter(budget), passwords), entry.size_bytes)


def is_document(directory: Sequence[ZipEntry]) -> bool:
    """Whether a zip is a document of its own, such as a spreadsheet, and no archive (ECMA-376-2; ODF 1.3, part 2)."""
    return any(entry.raw_name in (b"[Content_Types].xml", b"META-INF/manifest.xml") for entry in directory)


class ZipContent:
    """The content of one file of a zip."""

    def __init__(self, path: Path, entry: ZipEntry, meter: Meter, passwords: Sequence[str]) -> None:
        self._path = path
        self._entry = entry
        self._meter = meter
        self._passwords = [password.encode() for password in passwords]
        self._opening: bytes | None = None

    @contextmanager
    def open(self) -> Iterator[ByteSource]:
        """The bytes, with size and checksum proved at the end.

        Raises ArchivePasswordMissing, ArchivePasswordWrong, PackingNotSupported; reading raises DamagedArchive,
        UnpackingNeedsMemory and what the budget raises.
        """
        entry = self._entry
        with Region(self._path, entry.start, entry.packed_bytes).open() as packed:
            if entry.is_protected or entry.method == DEFLATE64:
                source: ByteSource = _Streamed(entry, packed, self._password())
            else:
                source = Proved(_Plain(entry, packed), entry.size_bytes, entry.crc, shown(entry.path))
            yield Metered(source, self._meter)

    def _password(self) -> bytes | None:
        entry = self._entry
        if not entry.is_protected:
            return None
        if entry.method not in _PROTECTABLE:
            raise PackingNotSupported(f"{shown(entry.path)} has a password and method {entry.method} of zip.")
        if not self._passwords:
            raise ArchivePasswordMissing(f"{shown(entry.path)} is protected.")
        if self._opening is None:
            fitting = [password for password in self._passwords if self._may_fit(password)]
            # One byte tells a wrong password from a right one, in AES two: with several to choose from, the content
            # must decide.
            if len(fitting) > 1:
                fitting = [password for password in fitting if self._fits(password)]
            if not fitting:
                raise ArchivePasswordWrong(f"{shown(entry.path)} is protected by another one.")
            self._opening = fitting[0]
        return self._opening

    def _may_fit(self, password: bytes) -> bool:
        entry = self._entry
        with Region(self._path, entry.start, entry.packed_bytes).open() as packed:
            if entry.aes is not None:
                strength = entry.aes[4]
                salt, proof = packed.read(_SALTS[strength]), packed.read(2)
                length = 16 * strength + 16
                return hashlib.pbkdf2_hmac("sha1", password, salt, _KEY_ROUNDS, length + 2)[-2:] == proof
            try:
                _Streamed(entry, packed, password).read(1)
            except ArchivePasswordWrong:
                return False
            except DamagedArchive:
                return True
        return True

    def _fits(self, password: bytes) -> bool:
        with Region(self._path, self._entry.start, self._entry.packed_bytes).open() as packed:
            source = Metered(_Streamed(self._entry, packed, password), self._meter)
            try:
                while source.read(CHUNK_BYTES):
                    pass
            except DamagedArchive:
                return False
        return True


class _Plain:
    """The decoded bytes of a file that has no password: at most one more than is announced, so that more is seen."""

    def __init__(self, entry: ZipEntry, packed: ByteSource) -> None:
        self._entry = entry
        self._packed = packed
        self._decoder = _decoder(entry, packed)
        # LZMA may do without an end mark (5.8.9), and then only the size tells where it ends.
        self._has_end = entry.method != LZMA or bool(entry.flags & _LZMA_END_MARK)
        self._position = 0

    def read(self, size: int, /) -> bytes:
        left = self._entry.size_bytes - self._position + self._has_end
        data = self._packed.read(size) if self._decoder is None else self._decoded(self._decoder, min(size, left))
        self._position += len(data)
        return data

    def _decoded(self, decoder: Decoder, size: int) -> bytes:
        while size and not decoder.eof:
            data = self._packed.read(CHUNK_BYTES) if decoder.needs_input else b""
            if not data and decoder.needs_input:
                raise DamagedArchive(f"{shown(self._entry.path)} ends before its end mark.")
            if found := decode_step(decoder, data, size, self._position):
                return found
        if size and (decoder.unused_data or self._packed.read(1)):
            raise DamagedArchive(f"{shown(self._entry.path)} has more bytes than its content.")
        return b""


def _decoder(entry: ZipEntry, packed: ByteSource) -> Decoder | None:
    if entry.method == STORED:
        return None
    if entry.method == LZMA:
        return _lzma_decoder(entry, packed)
    return {DEFLATE: deflate_decoder, BZIP2: bz2.BZ2Decompressor, ZSTD: zstd_decoder, XZ: xz_decoder}[entry.method]()


def _lzma_decoder(entry: ZipEntry, packed: ByteSource) -> Decoder:
    """LZMA in zip begins with a version, the length of the properties and these (5.8.8)."""
    start = packed.read(4)
    properties = packed.read(5)
    if len(start) < 4 or start[2:] != b"\5\0" or len(properties) < 5:
        raise DamagedArchive(f"{shown(entry.path)} has no LZMA properties.")
    return bare_lzma_decoder(properties)


class _Streamed:
    """A file by way of stream-unzip, which proves checksums and sizes itself."""

    def __init__(self, entry: ZipEntry, packed: ByteSource, password: bytes | None) -> None:
        self._entry = entry
        self._chunks = self._opened(packed, password)
        self._rest = b""
        self._position = 0

    def read(self, size: int, /) -> bytes:
        if not self._rest:
            self._rest = self._next()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _next(self) -> bytes:
        try:
            found = next(self._chunks, b"")
        except stream_unzip.IncorrectPasswordError as error:
            raise ArchivePasswordWrong(f"{shown(self._entry.path)} is protected by another one.") from error
        except stream_unzip.UnzipError as error:
            raise DamagedArchive(self._damage()) from error
        self._position += len(found)
        if self._position > self._entry.size_bytes:
            raise DamagedArchive(self._damage())
        return found

    def _damage(self) -> str:
        hint = " Or the password is another one, which happens to look right." if self._entry.is_protected else ""
        return f"{shown(self._entry.path)} cannot be unpacked beyond byte {self._position} of its content.{hint}"

    def _opened(self, packed: ByteSource, password: bytes | None) -> Iterator[bytes]:
        stream = stream_unzip.stream_unzip(_framed(self._entry, packed), password=password, chunk_size=CHUNK_BYTES)
        for _, _, chunks in stream:
            for chunk in chunks:
                if chunk:
                    yield chunk


def _framed(entry: ZipEntry, packed: ByteSource) -> Iterator[bytes]:
    """The content between a header and a descriptor that are made from what was proved."""
    is_large = max(entry.size_bytes, entry.packed_bytes) >= FULL_32
    sizes = (FULL_32, FULL_32) if is_large else (entry.packed_bytes, entry.size_bytes)
    extra = b"" if entry.aes is None else _extra(AES_EXTRA, entry.aes)
    if is_large:
        extra += _extra(1, entry.size_bytes.to_bytes(8, "little") + entry.packed_bytes.to_bytes(8, "little"))
    method = entry.method if entry.aes is None else AES
    yield _LOCAL.pack(b"PK\3\4", 20, entry.flags, method, entry.time, 0, entry.crc, *sizes, 0, len(extra)) + extra
    while data := packed.read(CHUNK_BYTES):
        yield data
    if entry.has_descriptor:
        form = _DESCRIPTOR_64 if is_large else _DESCRIPTOR
        yield form.pack(b"PK\7\x08", entry.crc, entry.packed_bytes, entry.size_bytes)
    # The begin of a directory tells that a descriptor ended; it is looked for with as much as the longest could have.
    yield b"PK\1\2" + bytes(_DESCRIPTOR_64.size)


def _extra(number: int, data: bytes) -> bytes:
    return number.to_bytes(2, "little") + len(data).to_bytes(2, "little") + data
