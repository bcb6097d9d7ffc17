"""What a driver is tried on: an open folder, and what lies there as somebody beside the driver sees it."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from shared.domain.names import from_bytes, split, to_bytes
from shared.transfer.folder import Folder
from tests.fakes.folder import FakeFolder


@dataclass(frozen=True, kw_only=True)
class Ground(ABC):
    """An open folder, and ways to what lies there that are not the driver's. Names are as the disk would have them."""

    folder: Folder
    takes_any_name: bool = True
    kinds: Literal["told", "told in listings", "directories alone", "hidden"] = "told"
    """How far the server tells what is no regular file: a link, a pipe, a socket, a directory."""
    cannot_say: bytes = b""
    """What names cannot hold where the protocol is lines: a file with such a name is told and left."""
    finds_bytes: bool = True
    """Whether the server finds a file again whose name is no UTF-8."""

    @abstractmethod
    def put(self, path: str, content: bytes) -> None:
        """Put a file there, in a directory that is made."""

    @abstractmethod
    def set_time(self, path: str, seconds: float) -> None:
        """Say when a file was written, in seconds since 1970."""

    @abstractmethod
    def content(self, path: str) -> bytes:
        """The bytes of a file."""

    @abstractmethod
    def names(self, directory: str) -> set[bytes]:
        """What lies in a directory, which is there."""


@dataclass(frozen=True, kw_only=True)
class DiskGround(Ground):
    """One with a directory on disk behind it: only there links, pipes and sockets can lie, and something beside it."""

    disk: Path
    lay: Callable[[str, bytes], object] | None = None
    """Puts a file there as the server's own user would have."""

    def put(self, path: str, content: bytes) -> None:
        if self.lay is not None:
            self.lay(path, content)
            return
        file = self.disk / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def set_time(self, path: str, seconds: float) -> None:
        os.utime(self.disk / path, (seconds, seconds))

    def content(self, path: str) -> bytes:
        return (self.disk / path).read_bytes()

    def names(self, directory: str) -> set[bytes]:
        return {os.fsencode(each.name) for each in (self.disk / directory).iterdir()}


@dataclass(frozen=True, kw_only=True)
class FakeGround(Ground):
    """The fake that other tests rely on: it must keep the promises that they take for kept."""

    folder: FakeFolder

    def put(self, path: str, content: bytes) -> None:
        self.folder.put(from_bytes(os.fsencode(path)), content)

    def set_time(self, path: str, seconds: float) -> None:
        self.folder.times[path] = datetime.fromtimestamp(seconds, UTC)

    def content(self, path: str) -> bytes:
        return self.folder.files[path]

    def names(self, directory: str) -> set[bytes]:
        assert directory in self.folder.directories
        held = (*self.folder.files, *self.folder.directories - {""})
        return {to_bytes(split(path)[1]) for path in held if split(path)[0] == directory}
