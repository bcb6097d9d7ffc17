"""A directory tree of our own disk that nobody gets out of.

Every path is walked part by part with O_NOFOLLOW relative to the directory before, so that neither `..`, an
absolute path nor a symbolic link, however it came there or is swapped meanwhile, leads outside. Symbolic links
are not followed even inside. All of it blocks, and raises OSError: callers bring it into a thread where that matters.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.domain.arrival import FileStamp
from shared.domain.names import split, taken_path, to_bytes

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN, errno.ESTALE)
"""What a root says that is missing, or whose mount is broken."""


class RootMissing(OSError):
    """The tree's own root is not there. No FileNotFoundError: of what lies in the tree that says nothing."""


class Tree:
    """The tree under a root directory, which must exist when it is used."""

    def __init__(self, root: Path | int) -> None:
        """`root` may be a descriptor that the caller holds: the tree stays the same, whatever is mounted over it."""
        self._root = root

    @contextmanager
    def directory(self, path: str) -> Iterator[int]:
        """A descriptor of a directory inside the tree."""
        descriptor = self._opened()
        try:
            for part in taken_path(path).split("/") if path else []:
                deeper = os.open(to_bytes(part), _DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        if isinstance(self._root, int):
            return os.open(".", _DIRECTORY, dir_fd=self._root)
        try:
            return os.open(self._root, _DIRECTORY)
        except OSError as error:
            if error.errno in _NOT_THERE:
                raise RootMissing(error.errno, os.strerror(error.errno)) from error
            raise

    def open(self, path: str, flags: int, mode: int = 0o640) -> int:
        """A descriptor of a regular file."""
        directory, name = _parted(path)
        if not name:
            raise IsADirectoryError(errno.EISDIR, "expected a file, found the folder itself")
        with self.directory(directory) as parent:
            # O_NONBLOCK: a named pipe that somebody put there must not hold us.
            descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, mode, dir_fd=parent)
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            os.close(descriptor)
            raise OSError(errno.EISDIR if stat.S_ISDIR(kind) else errno.EACCES, "expected a regular file")
        return descriptor

    def stat(self, path: str) -> os.stat_result:
        """What lies there; a symbolic link is told as such."""
        directory, name = _parted(path)
        with self.directory(directory) as parent:
            return os.stat(name, dir_fd=parent, follow_symlinks=False) if name else os.fstat(parent)

    def scan(self, path: str) -> Iterator[tuple[bytes, os.stat_result]]:
        """The entries of a directory with what they are; those that vanish meanwhile are left out."""
        with self.directory(path) as descriptor, os.scandir(descriptor) as entries:
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield os.fsencode(entry.name), found

    def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another place; FileExistsError unless `replace`.

        There is no portable rename that refuses an existing name, and looking first leaves a gap. So the file gets
        its second name by a hard link, which refuses, and then loses its first. A crash in between leaves
        both names on one file; repeating the call then finishes the work.
        """
        source_directory, source_name = _parted(source)
        target_directory, target_name = _parted(target)
        if not source_name or not target_name:
            raise OSError(errno.EINVAL, "the folder itself cannot be renamed")
        with self.directory(source_directory) as old, self.directory(target_directory) as new:
            found = os.stat(source_name, dir_fd=old, follow_symlinks=False)
            if replace:
                os.replace(source_name, target_name, src_dir_fd=old, dst_dir_fd=new)
            elif stat.S_ISREG(found.st_mode) and self._has_link(old, source_name, new, target_name, found):
                os.unlink(source_name, dir_fd=old)
            else:
                self._rename_after_a_look(old, source_name, new, target_name)
            _flush(new)

    @staticmethod
    def _has_link(old: int, source: bytes, new: int, target: bytes, found: os.stat_result) -> bool:
        """Whether it could be given that name as well, by a hard link; not every file system has them."""
        try:
            os.link(source, target, src_dir_fd=old, dst_dir_fd=new, follow_symlinks=False)
        except FileExistsError:
            if not os.path.samestat(found, os.stat(target, dir_fd=new, follow_symlinks=False)):
                raise
            if (os.fstat(old).st_ino, source) == (os.fstat(new).st_ino, target):
                raise
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.ENOSYS, errno.EINVAL):
                return False
            raise
        return True

    @staticmethod
    def _rename_after_a_look(old: int, source: bytes, new: int, target: bytes) -> None:
        with suppress(FileNotFoundError):
            os.stat(target, dir_fd=new, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, "the name is taken")
        os.rename(source, target, src_dir_fd=old, dst_dir_fd=new)

    def set_aside(self, path: str, aside: str) -> None:
        """Give a file another name in its directory beside the one it has; on a file system without links, instead."""
        directory, name = _parted(path)
        with self.directory(directory) as parent:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            other = _parted(aside)[1]
            if not self._has_link(parent, name, parent, other, found):
                os.rename(name, other, src_dir_fd=parent, dst_dir_fd=parent)

    def remove(self, path: str) -> None:
        """Delete a file."""
        directory, name = _parted(path)
        with self.directory(directory) as parent:
            os.unlink(name, dir_fd=parent)

    def make_directory(self, path: str, mode: int = 0o750) -> None:
        """Create one directory; FileExistsError where there is something."""
        directory, name = _parted(path)
        if not name:
            raise FileExistsError(errno.EEXIST, "the folder itself is there")
        with self.directory(directory) as parent:
            os.mkdir(name, mode, dir_fd=parent)

    def remove_directory(self, path: str) -> None:
        """Delete an empty directory."""
        directory, name = _parted(path)
        with self.directory(directory) as parent:
            os.rmdir(name, dir_fd=parent)

    def set_times(self, path: str, accessed: float, modified: float) -> None:
        """Set a file's times, in seconds since 1970."""
        directory, name = _parted(path)
        with self.directory(directory) as parent:
            os.utime(name, (accessed, modified), dir_fd=parent, follow_symlinks=False)

    def flush_name(self, path: str) -> None:
        """Bring a file's entry in its directory safely to disk."""
        with self.directory(_parted(path)[0]) as parent:
            _flush(parent)


def _flush(directory: int) -> None:
    """Bring the names of a directory safely to disk, on the file systems where that can be asked for."""
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF):
            raise


def _parted(path: str) -> tuple[str, bytes]:
    """A path's directory, and its name as the disk has it; ValueError for a path that cannot be."""
    directory, name = split(taken_path(path))
    return directory, to_bytes(name)


def stamp_of(path: str, found: os.stat_result) -> FileStamp:
    """A local file's stamp. Microseconds: what the ledger keeps of a time, so that stamps survive the way there."""
    modified_at = _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1_000)
    return FileStamp(path=path, size_bytes=found.st_size, modified_at=modified_at)
