"""Bytes that can be read from their start any number of times: files of ours, parts of them, and what is decoded.

Nothing here knows an archive's format.
"""

import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from shared.domain.failures import DamagedArchive
from shared.formats.source import ByteSource
from shared.formats.unpacking.budget import Meter

CHUNK_BYTES = 256 << 10


class Content(Protocol):
    """Bytes that can be opened again and again, one reading at a time."""

    def open(self) -> AbstractContextManager[ByteSource]:
        """The bytes from the start."""
        ...


class LocalFile:
    """A whole local file."""

    def __init__(self, path: Path, meter: Meter | None = None) -> None:
        self.path = path
        self._meter = meter

    @contextmanager
    def open(self) -> Iterator[ByteSource]:
        """The file's bytes."""
        with self.path.open("rb") as file:
            yield file if self._meter is None else Metered(file, self._meter)


class Region:
    """A part of a local file, which must be there in full."""

    def __init__(self, path: Path, start: int, size: int, meter: Meter | None = None) -> None:
        self._path = path
        self._start = start
        self._size = size
        self._meter = meter

    @contextmanager
    def open(self) -> Iterator[ByteSource]:
        """The part's bytes. Reading raises DamagedArchive where the file ends before it does."""
        with self._path.open("rb") as file:
            file.seek(self._start)
            part = _Part(file, self._size)
            yield part if self._meter is None else Metered(part, self._meter)


class Made:
    """Bytes that are made anew from another content at each opening, and counted."""

    def __init__(self, packed: Content, decoded: Callable[[ByteSource], ByteSource], meter: Meter) -> None:
        self._packed = packed
        self._decoded = decoded
        self._meter = meter

    @contextmanager
    def open(self) -> Iterator[ByteSource]:
        """The decoded bytes."""
        with self._packed.open() as source:
            yield Metered(self._decoded(source), self._meter)


class Metered:
    """A source whose bytes are counted as they are read."""

    def __init__(self, source: ByteSource, meter: Meter) -> None:
        self._source = source
        self._meter = meter
        self._position = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._position += len(data)
        self._meter.note(self._position)
        return data


class Proved:
    """A source whose size and CRC-32 are compared with what the archive says, before its end is told."""

    def __init__(self, source: ByteSource, size_bytes: int, crc: int | None, what: str) -> None:
        self._source = source
        self._size_bytes = size_bytes
        self._crc = crc
        self._what = what
        self._position = 0
        self._found = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._position += len(data)
        self._found = zlib.crc32(data, self._found)
        if self._position > self._size_bytes or (not data and self._position < self._size_bytes):
            found = "more" if data else str(self._position)
            raise DamagedArchive(f"{self._what} should have {self._size_bytes} bytes and has {found}.")
        if not data and self._crc is not None and self._found != self._crc:
            raise DamagedArchive(f"{self._what} has another checksum than the archive says.")
        return data


class _Part:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int, /) -> bytes:
        if not self._left:
            return b""
        data = self._file.read(min(size, self._left))
        if not data:
            raise DamagedArchive(f"It ends {self._left} bytes before the end of one of its files.")
        self._left -= len(data)
        return data


class Spill:
    """A place for what cannot be read as it streams. Files in it have names of ours."""

    def __init__(self, workspace: Path) -> None:
        self._place = workspace / f"unpacked-{secrets.token_hex(8)}"
        self._count = 0

    def keep(self, content: Content) -> Path:
        """Write a content into a file of its own, readable by nobody else. Raises what reading it raises."""
        self._place.mkdir(mode=0o700, exist_ok=True)
        self._count += 1
        path = self._place / str(self._count)
        with content.open() as source, path.open("xb") as file:
            while data := source.read(CHUNK_BYTES):
                file.write(data)
        return path

    def clear(self) -> None:
        """Remove everything that was kept."""
        if self._place.is_dir():
            for path in self._place.iterdir():
                path.unlink()
            self._place.rmdir()


def head(content: Content, size: int) -> bytes:
    """At most so many of the first bytes."""
    found = b""
    with content.open() as source:
        while len(found) < size and (data := source.read(size - len(found))):
            found += data
    return found
