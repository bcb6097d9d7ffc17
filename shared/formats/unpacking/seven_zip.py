"""Read the files of a 7z archive: its own header first, then each row of files ("folder") as one stream.

Files of one folder can only be read in their order, so a folder of several is unpacked once, into the workspace. One
that holds a single file streams. PPMd, BCJ2, Brotli and archives in several volumes are refused by name.
"""

import bz2
import hashlib
import lzma
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from shared.domain.failures import (
    ArchiveHasExtraBytes,
    ArchivePasswordMissing,
    ArchivePasswordWrong,
    DamagedArchive,
    PackingNotSupported,
    TooManyMembers,
)
from shared.formats.source import ByteSource
from shared.formats.unpacking.budget import Budget, Meter
from shared.formats.unpacking.content import CHUNK_BYTES, Content, Made, Proved, Region, Spill
from shared.formats.unpacking.entry import Entry
from shared.formats.unpacking.names import shown
from shared.formats.unpacking.seven_zip_header import (
    ENCODED,
    HEADER,
    SIGNATURE,
    Coder,
    Folder,
    Stream,
    read_encoded,
    read_header,
)
from shared.formats.unpacking.streams import (
    Decoder,
    check_dictionary,
    decode_step,
    deflate_decoder,
    lzma_filter,
    zstd_decoder,
)

_MAX_HEADER_BYTES = 16 << 20
_MAX_ROUNDS_POWER = 22
"""Of deriving a key: 7-Zip takes 2^19 rounds, a fraction of a second."""
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


def entries(path: Path, budget: Budget, passwords: Sequence[str], spill: Spill) -> Iterator[Entry]:
    """The files of a 7z, in its order. Raises what reading its header raises."""
    archive = _Archive(path, budget, passwords, spill)
    data, area = archive.header()
    if not data:
        return
    header = read_header(data, area, budget)
    files_of = Counter(stream.folder for stream in header.streams)
    first_of = {stream.folder: stream for stream in reversed(header.streams)}
    contents = [_FolderContent(archive, folder, first_of.get(n)) for n, folder in enumerate(header.folders)]
    for file in header.files:
        stream = file.stream
        if stream is None:
            yield Entry(file.path, Region(path, 0, 0), 0)
        else:
            folder = contents[stream.folder]
            content = _FileContent(folder, stream, shown(file.path), is_shared=files_of[stream.folder] > 1)
            yield Entry(file.path, content, stream.size_bytes)


class _Archive:
    def __init__(self, path: Path, budget: Budget, passwords: Sequence[str], spill: Spill) -> None:
        self.path = path
        self.budget = budget
        self.spill = spill
        self._passwords = passwords
        self._keys: dict[tuple[str, int, bytes], bytes] = {}

    @property
    def passwords(self) -> Sequence[str]:
        """Those to try. Raises ArchivePasswordMissing where there is none."""
        if not self._passwords:
            raise ArchivePasswordMissing
        return self._passwords

    def header(self) -> tuple[bytes, int]:
        """The header in the clear, and how many bytes of packed files there are before it."""
        with self.path.open("rb") as file:
            start = file.read(SIGNATURE.size)
            if len(start) < SIGNATURE.size:
                raise DamagedArchive("The 7z ends within its first header.")
            _, _, start_crc, offset, length, crc = SIGNATURE.unpack(start)
            if zlib.crc32(start[12:]) != start_crc:
                raise DamagedArchive("The first header of the 7z has another checksum than it says.")
            area, size = SIGNATURE.size + offset, self.path.stat().st_size
            if area + length > size:
                raise DamagedArchive(f"The 7z should have {area + length} bytes and has {size}.")
            if area + length < size:
                raise ArchiveHasExtraBytes(f"Found {size - area - length} behind the header of the 7z.")
            _check_header_size(length)
            file.seek(area)
            data = file.read(length)
        if zlib.crc32(data) != crc:
            raise DamagedArchive("The header of the 7z has another checksum than it says.")
        if data[:1] == bytes([ENCODED]):
            data = self._decoded_header(read_encoded(data, area))
        return data, area

    def _decoded_header(self, folder: Folder) -> bytes:
        _check_header_size(folder.size_bytes)
        content = _FolderContent(self, folder)
        if not content.is_protected:
            return _header_of(content, None)
        for password in self.passwords:
            try:
                data = _header_of(content, password)
            except DamagedArchive:
                continue
            # Not every program writes a checksum of the header, so it has to look like one as well.
            if data[:1] == bytes([HEADER]) and data.endswith(b"\0"):
                return data
        raise ArchivePasswordWrong("Or the archive is damaged; a 7z does not tell one from the other.")

    def key(self, password: str, power: int, salt: bytes) -> bytes:
        """The key that a password makes (7zFormat.txt and 7zAes: SHA-256 over salt, password and a counter)."""
        known = (password, power, salt)
        if known not in self._keys:
            start = salt + password.encode("utf-16-le")
            if power == 0x3F:
                self._keys[known] = start[:32].ljust(32, b"\0")
            else:
                digest = hashlib.sha256()
                for counter in range(1 << power):
                    digest.update(start + counter.to_bytes(8, "little"))
                self._keys[known] = digest.digest()
        return self._keys[known]


def _header_of(content: "_FolderContent", password: str | None) -> bytes:
    with content.opened_with(password) as source:
        return b"".join(iter(lambda: source.read(CHUNK_BYTES), b""))


def _check_header_size(length: int) -> None:
    if length > _MAX_HEADER_BYTES:
        raise TooManyMembers(f"The header of the 7z has {length} bytes, expected {_MAX_HEADER_BYTES} at most.")


class _FolderContent:
    """What comes of one folder, counted."""

    def __init__(self, archive: _Archive, folder: Folder, first: Stream | None = None) -> None:
        self._archive = archive
        self._folder = folder
        self._first = first
        self._packed = Region(archive.path, folder.start, folder.packed_bytes)
        self._meter = Meter(archive.budget)
        self.is_protected = any(coder.method == _AES for coder in folder.coders)
        self._password: str | None = None
        self._kept: Path | None = None

    @contextmanager
    def open(self) -> Iterator[ByteSource]:
        """The unpacked bytes. Raises ArchivePasswordMissing, ArchivePasswordWrong, PackingNotSupported."""
        if self.is_protected and self._password is None:
            self._password = self._fitting_password()
        with self._with(self._password).open() as source:
            yield _Doubtful(source) if self.is_protected else source

    @contextmanager
    def opened_with(self, password: str | None) -> Iterator[ByteSource]:
        """The same with one password, and with the checksum of the whole proved."""
        with self._with(password).open() as source:
            yield Proved(source, self._folder.size_bytes, self._folder.crc, "A part of the 7z")

    def kept(self) -> Path:
        """The unpacked bytes in the workspace."""
        if self._kept is None:
            self._kept = self._archive.spill.keep(self)
        return self._kept

    def _with(self, password: str | None) -> Content:
        return Made(self._packed, lambda source: self._chain(source, password), self._meter)

    def _chain(self, source: ByteSource, password: str | None) -> ByteSource:
        coders = self._folder.coders
        at = 0
        while at < len(coders):
            coder = coders[at]
            if coder.method == _AES:
                assert password is not None
                source = self._decrypted(source, coder, password)
            elif coder.method in (_LZMA, _LZMA2):
                filters = [_lzma_filter(coder)]
                while at + 1 < len(coders) and (found := _filter_behind(coder, coders[at + 1])):
                    filters.insert(0, found)
                    at += 1
                decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
                source = _Step(source, decoder, coders[at].size_bytes)
            elif coder.method in _DECODERS:
                source = _Step(source, _DECODERS[coder.method](), coder.size_bytes)
            elif coder.method != _COPY:
                raise PackingNotSupported(f"Found method {_method_shown(coder.method)} of 7z.")
            at += 1
        return source

    def _decrypted(self, source: ByteSource, coder: Coder, password: str) -> ByteSource:
        power, salt, vector = _aes_properties(coder.properties)
        key = self._archive.key(password, power, salt)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
        return _Decrypted(source, decryptor, coder.size_bytes)

    def _fitting_password(self) -> str:
        """7z has no proof of a password: where there is a choice, the one that makes the first file right is right."""
        passwords = self._archive.passwords
        if len(passwords) == 1:
            return passwords[0]
        for password in passwords:
            if self._is_opened_by(password):
                return password
        raise ArchivePasswordWrong

    def _is_opened_by(self, password: str) -> bool:
        assert self._first is not None
        left, found = self._first.size_bytes, 0
        try:
            with self._with(password).open() as source:
                while left and (data := source.read(min(left, CHUNK_BYTES))):
                    left -= len(data)
                    found = zlib.crc32(data, found)
        except DamagedArchive:
            return False
        return self._first.crc in (None, found)


class _FileContent:
    """One file of a folder."""

    def __init__(self, folder: _FolderContent, stream: Stream, what: str, *, is_shared: bool) -> None:
        self._folder = folder
        self._stream = stream
        self._what = what
        self._is_shared = is_shared

    @contextmanager
    def open(self) -> Iterator[ByteSource]:
        """The file's bytes, with size and checksum proved at the end."""
        stream = self._stream
        content: Content = self._folder
        if self._is_shared:
            content = Region(self._folder.kept(), stream.offset, stream.size_bytes)
        with content.open() as source:
            yield Proved(source, stream.size_bytes, stream.crc, self._what)


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


class _Doubtful:
    """A protected source: what looks like damage is most likely a wrong password."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._has_begun = False

    def read(self, size: int, /) -> bytes:
        try:
            data = self._source.read(size)
        except DamagedArchive as error:
            if self._has_begun:
                raise
            raise ArchivePasswordWrong("Or the archive is damaged; a 7z does not tell one from the other.") from error
        self._has_begun = True
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
    if power > _MAX_ROUNDS_POWER and power != 0x3F:
        raise PackingNotSupported(f"Found a password with 2^{power} rounds, expected 2^{_MAX_ROUNDS_POWER} at most.")
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
