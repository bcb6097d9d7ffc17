"""A Folder in a directory of this machine: a hosted drop folder, or what the operator has mounted (mounted.py).

Confinement is tree.py's business, and how calls that block are made is disk_calls.py's.
"""

import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.domain.arrival import FileStamp
from shared.domain.failures import (
    AccessDenied,
    DirectoryMissing,
    DropFolderMissing,
    FileGone,
    NameTaken,
    PlaceFull,
    ServerFailed,
    TooManyFiles,
)
from shared.domain.names import quoted, split
from shared.transfer.disk_calls import DiskCalls, OwnDisk
from shared.transfer.folder import (
    CHUNK_BYTES,
    MAX_ENTRIES,
    NOT_A_FILE,
    Deadlines,
    Listing,
    note_directory,
    refuse,
    sort_out,
)
from shared.transfer.tree import RootMissing, Tree, stamp_of


@dataclass(frozen=True, slots=True)
class Modes:
    """The rights that what we make gets, less the process's umask."""

    files: int = 0o640
    directories: int = 0o750


class LocalDirectory:
    """A Folder in a directory of this machine."""

    def __init__(
        self,
        root: Path | int,
        *,
        calls: DiskCalls | None = None,
        deadlines: Deadlines | None = None,
        modes: Modes | None = None,
        not_listed: Container[str] = (),
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        """`root` may be a descriptor that the caller holds. `not_listed` are paths that are nobody's business."""
        self._tree = Tree(root)
        self._calls = calls or OwnDisk()
        self._deadlines = deadlines or Deadlines()
        self._modes = modes or Modes()
        self._not_listed = not_listed
        self._max_entries = max_entries

    async def list(self, directory: str) -> Listing:
        """The regular files of a directory."""
        return await self._calls(self._deadlines.listing_seconds, self._list, directory)

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file."""
        return await self._calls(self._deadlines.step_seconds, self._stat, path)

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file."""
        descriptor = await self._calls.open(self._deadlines.step_seconds, self._open, path, os.O_RDONLY)
        try:
            while chunk := await self._calls(self._deadlines.idle_seconds, _read, path, descriptor):
                yield chunk
        finally:
            self._calls.close(descriptor)

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        """Create or overwrite a file; it is on disk when this returns."""
        written = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        limits = self._deadlines
        descriptor = await self._calls.open(limits.step_seconds, self._open, path, flags)
        try:
            async for chunk in chunks:
                await self._calls(limits.idle_seconds, _write, path, descriptor, chunk)
                written += len(chunk)
            await self._calls(limits.listing_seconds, self._flush, path, descriptor)
        finally:
            self._calls.close(descriptor)
        return written

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another name or directory."""
        await self._calls(self._deadlines.step_seconds, self._rename, source, target, replace)

    async def remove(self, path: str) -> None:
        """Delete a file."""
        await self._calls(self._deadlines.step_seconds, self._remove, path)

    async def make_directory(self, path: str) -> None:
        """Create a directory and those above it."""
        await self._calls(self._deadlines.step_seconds, self._make_directory, path)

    def _list(self, directory: str) -> Listing:
        listing = Listing()
        with told(DirectoryMissing, directory):
            for count, (name, found) in enumerate(self._tree.scan(directory)):
                if count >= self._max_entries:
                    raise TooManyFiles(f"Found more than {self._max_entries} entries in {quoted(directory)}.")
                if stat.S_ISDIR(found.st_mode):
                    note_directory(listing, directory, name)
                elif (path := sort_out(listing, directory, name)) is None or path in self._not_listed:
                    continue
                elif stat.S_ISREG(found.st_mode):
                    listing.files.append(stamp_of(path, found))
                else:
                    refuse(listing, name, NOT_A_FILE)
        return listing

    def _stat(self, path: str) -> FileStamp:
        with told(FileGone, path):
            found = self._tree.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise FileGone(f"Expected a regular file at {quoted(path)}, found something else.")
        return stamp_of(path, found)

    def _open(self, path: str, flags: int) -> int:
        with told(DirectoryMissing if flags & os.O_CREAT else FileGone, path):
            return self._tree.open(path, flags, self._modes.files)

    def _flush(self, path: str, descriptor: int) -> None:
        with told(FileGone, path):
            os.fsync(descriptor)
            self._tree.flush_name(path)

    def _rename(self, source: str, target: str, replace: bool) -> None:
        with told(FileGone, source):
            self._tree.stat(source)
        with told(DirectoryMissing, split(target)[0]):
            self._tree.rename(source, target, replace=replace)

    def _remove(self, path: str) -> None:
        with told(FileGone, path):
            self._tree.remove(path)

    def _make_directory(self, path: str) -> None:
        parts = path.split("/") if path else []
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            with told(DirectoryMissing, part):
                try:
                    self._tree.make_directory(part, self._modes.directories)
                except FileExistsError:
                    if not stat.S_ISDIR(self._tree.stat(part).st_mode):
                        raise


def _read(path: str, descriptor: int) -> bytes:
    with told(FileGone, path):
        return os.read(descriptor, CHUNK_BYTES)


def _write(path: str, descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    with told(FileGone, path):
        while view:
            view = view[os.write(descriptor, view) :]


@contextmanager
def told(missing: type[FileGone] | type[DirectoryMissing], path: str) -> Iterator[None]:
    """Translate what the operating system says of a path; `missing` is what its absence means."""
    try:
        yield
    except RootMissing as error:
        raise DropFolderMissing from error
    except FileExistsError as error:
        raise NameTaken(f"Found {quoted(path)}.") from error
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise missing(f"Looked for {quoted(path)}.") from error
    except OSError as error:
        # ELOOP is what O_NOFOLLOW answers for a symbolic link.
        if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP, errno.EROFS):
            raise AccessDenied(f"At {quoted(path)}.") from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PlaceFull from error
        raise ServerFailed(f"The disk answered: {os.strerror(error.errno or 0)}.") from error
