"""The driver for folders on our own disk: hosted drop folders, and local directories in tests.

Confinement is tree.py's business. Blocking calls run in threads, so that a slow disk delays nobody else; a
disk has no deadline, for a thread cannot be stopped.
"""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.domain.arrival import FileStamp
from shared.domain.failures import (
    AccessDenied,
    DirectoryMissing,
    FileGone,
    NameTaken,
    PlaceFull,
    ServerFailed,
    TooManyFiles,
)
from shared.domain.names import split
from shared.transfer.folder import CHUNK_BYTES, MAX_ENTRIES, Listing, refuse, sort_out
from shared.transfer.tree import Tree, stamp_of


class LocalDirectory:
    """A Folder on our own disk."""

    def __init__(self, root: Path, *, max_entries: int = MAX_ENTRIES) -> None:
        self._tree = Tree(root)
        self._max_entries = max_entries

    async def list(self, directory: str) -> Listing:
        """The regular files of a directory."""
        return await asyncio.to_thread(self._list, directory)

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file."""
        return await asyncio.to_thread(self._stat, path)

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file."""
        descriptor = await asyncio.to_thread(self._open, path, os.O_RDONLY)
        try:
            while chunk := await asyncio.to_thread(_read, descriptor):
                yield chunk
        finally:
            os.close(descriptor)

    async def write(self, path: str, chunks: AsyncIterable[bytes]) -> int:
        """Create or overwrite a file; it is on disk when this returns."""
        written = 0
        descriptor = await asyncio.to_thread(self._open, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            async for chunk in chunks:
                await asyncio.to_thread(_write, descriptor, chunk)
                written += len(chunk)
            await asyncio.to_thread(os.fsync, descriptor)
        finally:
            os.close(descriptor)
        await asyncio.to_thread(self._tree.flush_name, path)
        return written

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another name or directory."""
        await asyncio.to_thread(self._rename, source, target, replace)

    async def remove(self, path: str) -> None:
        """Delete a file."""
        await asyncio.to_thread(self._remove, path)

    async def make_directory(self, path: str) -> None:
        """Create a directory and those above it."""
        await asyncio.to_thread(self._make_directory, path)

    def _list(self, directory: str) -> Listing:
        listing = Listing()
        with _told(DirectoryMissing, directory):
            for count, (name, found) in enumerate(self._tree.scan(directory)):
                if count >= self._max_entries:
                    raise TooManyFiles(f"Found more than {self._max_entries} entries in {directory!r}.")
                if stat.S_ISDIR(found.st_mode) or (path := sort_out(listing, directory, name)) is None:
                    continue
                if stat.S_ISREG(found.st_mode):
                    listing.files.append(stamp_of(path, found))
                else:
                    refuse(listing, name, "it is a symbolic link or a special file, not a regular file")
        return listing

    def _stat(self, path: str) -> FileStamp:
        with _told(FileGone, path):
            found = self._tree.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise FileGone(f"Expected a regular file at {path!r}, found something else.")
        return stamp_of(path, found)

    def _open(self, path: str, flags: int) -> int:
        with _told(DirectoryMissing if flags & os.O_CREAT else FileGone, path):
            return self._tree.open(path, flags)

    def _rename(self, source: str, target: str, replace: bool) -> None:
        with _told(FileGone, source):
            self._tree.stat(source)
        with _told(DirectoryMissing, split(target)[0]):
            self._tree.rename(source, target, replace=replace)

    def _remove(self, path: str) -> None:
        with _told(FileGone, path):
            self._tree.remove(path)

    def _make_directory(self, path: str) -> None:
        parts = path.split("/") if path else []
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            with _told(DirectoryMissing, part):
                try:
                    self._tree.make_directory(part)
                except FileExistsError:
                    if not stat.S_ISDIR(self._tree.stat(part).st_mode):
                        raise


def _read(descriptor: int) -> bytes:
    return os.read(descriptor, CHUNK_BYTES)


def _write(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PlaceFull from error
        raise ServerFailed(f"The disk answered: {os.strerror(error.errno or 0)}.") from error


@contextmanager
def _told(missing: type[FileGone] | type[DirectoryMissing], path: str) -> Iterator[None]:
    """Translate what the operating system says."""
    try:
        yield
    except FileExistsError as error:
        raise NameTaken(f"Found {path!r}.") from error
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise missing(f"Looked for {path!r}.") from error
    except OSError as error:
        # ELOOP is what O_NOFOLLOW answers for a symbolic link.
        if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP, errno.EROFS):
            raise AccessDenied(f"At {path!r}.") from error
        raise ServerFailed(f"The disk answered: {os.strerror(error.errno or 0)}.") from error
