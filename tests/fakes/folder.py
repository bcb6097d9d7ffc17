"""A drop folder in memory that can be as bad as some servers are."""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.domain.arrival import FileStamp
from shared.domain.failures import AccessDenied, ConnectionLost, DirectoryMissing, FileGone, NameTaken, PlaceFull
from shared.domain.names import split
from shared.transfer.folder import Listing

_TIME = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(slots=True)
class FakeFolder:
    """Keeps files by their paths, and what was asked of it."""

    files: dict[str, bytes] = field(default_factory=dict)
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

    async def list(self, directory: str) -> Listing:
        self._ask("list", directory)
        inside = [path for path in self.files if split(path)[0] == directory]
        prefix = f"{directory}/" if directory else ""
        below = {path[len(prefix) :].partition("/")[:2] for path in self.files if path.startswith(prefix)}
        if directory and not inside and not below:
            raise DirectoryMissing
        return Listing(
            [self._stamp(path) for path in inside],
            directories=[prefix + name for name, slash in sorted(below) if slash],
        )

    async def stat(self, path: str) -> FileStamp:
        self._ask("stat", path)
        self._require(path)
        return self._stamp(path)

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        self._ask("read", path)
        self._require(path)
        yield self.files[path]

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        self._ask("write", path)
        self.files[path] = b""
        async for chunk in chunks:
            self._take(path, chunk)
        if self.loses_bytes:
            self.files[path] = self.files[path][: -self.loses_bytes]
        return len(self.files[path])

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        self._ask("rename", f"{source} -> {target}")
        self._require(source)
        if not replace and target in self.files:
            raise NameTaken
        if self.renames_left is not None:
            if self.renames_left == 0:
                self.cut_after_bytes = 0
                raise ConnectionLost
            self.renames_left -= 1
        self.files[target] = self.files.pop(source)

    async def remove(self, path: str) -> None:
        self._ask("remove", path)
        self._require(path)
        if self.removals_left is not None:
            if self.removals_left == 0:
                self.cut_after_bytes = 0
                raise ConnectionLost
            self.removals_left -= 1
        del self.files[path]

    async def make_directory(self, path: str) -> None:
        self._ask("make_directory", path)

    def shown(self) -> dict[str, bytes]:
        """What a partner sees: files that are not hidden."""
        return {path: data for path, data in self.files.items() if not split(path)[1].startswith(".")}

    def _take(self, path: str, chunk: bytes) -> None:
        held = sum(map(len, self.files.values()))
        if self.cut_after_bytes is not None and held + len(chunk) > self.cut_after_bytes:
            self.files[path] += chunk[: self.cut_after_bytes - held]
            self.cut_after_bytes = 0
            raise ConnectionLost
        if self.room_bytes is not None and held + len(chunk) > self.room_bytes:
            raise PlaceFull
        self.files[path] += chunk

    def _ask(self, method: str, what: str) -> None:
        self.asked.append(f"{method} {what}")
        if self.cut_after_bytes == 0:
            raise ConnectionLost
        if method in self.refuses:
            raise AccessDenied

    def _require(self, path: str) -> None:
        if path not in self.files:
            raise FileGone

    def _stamp(self, path: str) -> FileStamp:
        return FileStamp(path=path, size_bytes=len(self.files[path]), modified_at=_TIME)
