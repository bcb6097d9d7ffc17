"""A drop folder in memory that keeps every driver's promises, and can be as bad as some servers are."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from shared.domain.arrival import FileStamp
from shared.domain.failures import (
    AccessDenied,
    ConnectionLost,
    DirectoryMissing,
    FileGone,
    NameTaken,
    PlaceFull,
    TooManyFiles,
)
from shared.domain.names import split, taken_path, to_bytes
from shared.transfer.folder import CHUNK_BYTES, MAX_ENTRIES, Listing, note_directory, sort_out

_BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(slots=True)
class FakeFolder:
    """Keeps files by their paths, and what was asked of it."""

    files: dict[str, bytes] = field(default_factory=dict)
    """To be looked at; `put` is what adds to them, for each has a directory and a time."""
    asked: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    """Methods that are not allowed."""
    cut_after_bytes: int | None = None
    """The connection is lost, for good, once so much has been written."""
    room_bytes: int | None = None
    loses_bytes: int = 0
    """So much is missing at the end of what was written."""
    renames_left: int | None = None
    """The connection is lost, for good, after so many."""
    removals_left: int | None = None
    """The same for removals."""
    directories: set[str] = field(default_factory=lambda: {""})
    times: dict[str, datetime] = field(default_factory=dict)
    _clock: Iterator[int] = field(default_factory=count)
    """Goes on by a second whenever something is written, so that nothing new passes for what was there before."""

    def __post_init__(self) -> None:
        for path, content in self.files.items():
            self.put(path, content)

    def put(self, path: str, content: bytes) -> None:
        """What somebody else does: a file is there, in a directory that is there as well."""
        self.directories.update(_above(path))
        self.files[path] = content
        self.times[path] = _BEGAN + timedelta(seconds=next(self._clock))

    async def list(self, directory: str) -> Listing:
        self._ask("list", directory)
        if directory not in self.directories:
            raise DirectoryMissing
        listing = Listing()
        entries = [path for path in (*self.files, *self.directories) if path and split(path)[0] == directory]
        if len(entries) > MAX_ENTRIES:
            raise TooManyFiles
        for path in sorted(entries):
            name = to_bytes(split(path)[1])
            if path in self.directories:
                note_directory(listing, directory, name)
            elif sort_out(listing, directory, name) is not None:
                listing.files.append(self._stamp(path))
        return listing

    async def stat(self, path: str) -> FileStamp:
        self._ask("stat", path)
        self._require(path)
        return self._stamp(path)

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        self._ask("read", path)
        self._require(path)
        content = self.files[path]
        for start in range(0, len(content), CHUNK_BYTES):
            yield content[start : start + CHUNK_BYTES]

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        self._ask("write", path)
        self._require_place(path)
        self.put(path, b"")
        async for chunk in chunks:
            self._take(path, chunk)
        if self.loses_bytes:
            self.files[path] = self.files[path][: -self.loses_bytes]
        return len(self.files[path])

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        self._ask("rename", source, target)
        self._require(source)
        if not replace and (target in self.files or target in self.directories):
            raise NameTaken
        self._require_place(target)
        if self.renames_left is not None:
            if self.renames_left == 0:
                self.cut_after_bytes = 0
                raise ConnectionLost
            self.renames_left -= 1
        self.files[target] = self.files.pop(source)
        self.times[target] = self.times.pop(source)

    async def remove(self, path: str) -> None:
        self._ask("remove", path)
        self._require(path)
        if self.removals_left is not None:
            if self.removals_left == 0:
                self.cut_after_bytes = 0
                raise ConnectionLost
            self.removals_left -= 1
        del self.files[path], self.times[path]

    async def make_directory(self, path: str) -> None:
        self._ask("make_directory", path)
        wanted = {*_above(path), path}
        if wanted & self.files.keys():
            raise NameTaken
        self.directories |= wanted

    def shown(self) -> dict[str, bytes]:
        """What a partner sees: files that are not hidden."""
        return {path: data for path, data in self.files.items() if not split(path)[1].startswith(".")}

    def _take(self, path: str, chunk: bytes) -> None:
        held = sum(map(len, self.files.values()))
        if self.cut_after_bytes is not None and held + len(chunk) > self.cut_after_bytes:
            self.put(path, self.files[path] + chunk[: self.cut_after_bytes - held])
            self.cut_after_bytes = 0
            raise ConnectionLost
        if self.room_bytes is not None and held + len(chunk) > self.room_bytes:
            raise PlaceFull
        self.put(path, self.files[path] + chunk)

    def _ask(self, method: str, *paths: str) -> None:
        """What is no path of a place is refused before it is asked for, as every driver does. Raises ValueError."""
        self.asked.append(f"{method} {' -> '.join(map(taken_path, paths))}")
        if self.cut_after_bytes == 0:
            raise ConnectionLost
        if method in self.refuses:
            raise AccessDenied

    def _require(self, path: str) -> None:
        if path not in self.files:
            raise FileGone

    def _require_place(self, path: str) -> None:
        """A file can lie there: its directory is there, and it is none itself."""
        if split(path)[0] not in self.directories or path in self.directories:
            raise DirectoryMissing

    def _stamp(self, path: str) -> FileStamp:
        return FileStamp(path=path, size_bytes=len(self.files[path]), modified_at=self.times[path])


def _above(path: str) -> set[str]:
    """The directories above a path, the place itself among them."""
    parts = path.split("/")
    return {"/".join(parts[:depth]) for depth in range(len(parts))}
