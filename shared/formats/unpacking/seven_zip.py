"""Read the files of a 7z archive: its own header first, then each row of files ("folder") as one stream.

Files of one folder can only be read in their order, so a folder of several is unpacked once, into the workspace. One
that holds a single file streams.
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.domain.failures import (
    ArchiveHasExtraBytes,
    ArchivePasswordMissing,
    ArchivePasswordWrong,
    DamagedArchive,
    TooManyMembers,
)
from shared.formats.source import ByteSource
from shared.formats.unpacking.budget import Budget, Meter
from shared.formats.unpacking.content import CHUNK_BYTES, Content, Made, Proved, Region, Spill
from shared.formats.unpacking.entry import Entry
from shared.formats.unpacking.names import shown
from shared.formats.unpacking.seven_zip_coders import Keys, is_protected, unpacked
from shared.formats.unpacking.seven_zip_header import (
    ENCODED,
    HEADER,
    SIGNATURE,
    Folder,
    Stream,
    read_encoded,
    read_header,
)

_MAX_HEADER_BYTES = 16 << 20


def entries(path: Path, budget: Budget, passwords: Sequence[str], spill: Spill, keys: Keys) -> Iterator[Entry]:
    """The files of a 7z, in its order. Raises what reading its header raises."""
    archive = _Archive(path, budget, passwords, spill, keys)
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
    def __init__(self, path: Path, budget: Budget, passwords: Sequence[str], spill: Spill, keys: Keys) -> None:
        self.path = path
        self.budget = budget
        self.spill = spill
        self._passwords = passwords
        self.keys = keys

    @property
    def passwords(self) -> Sequence[str]:
        """Those to try. Raises ArchivePasswordMissing where there is none."""
        if not self._passwords:
            raise ArchivePasswordMissing
        self.budget.had_password = True
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
        self.is_protected = is_protected(folder.coders)
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
        return Made(
            self._packed,
            lambda source: unpacked(source, self._folder.coders, password, self._archive.keys),
            self._meter,
        )

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
