"""Open a directory that the operator has mounted for accounts to use: the right one, or none at all.

A mount point whose file system is gone is an empty directory like any other. To list it would mean that every file
has vanished, and to write into it, to fill another disk. So a directory that is offered holds a marker, which an empty
mount point does not. It is looked for through the descriptor that everything afterwards goes through: what is unmounted
or mounted meanwhile leads to an error, and not into another directory. Not chosen: the number of the device, which
differs from host to host and after every start; and whether it is a mount point, which a container's own always is.
"""

import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.domain.failures import DirectoryMissing, DirectoryNotMounted
from shared.transfer.directory import LocalDirectory, Modes, told
from shared.transfer.disk_calls import MountCalls
from shared.transfer.folder import Deadlines, Folder
from shared.transfer.tree import Tree

MARKER = ".tidegate-directory"
"""A regular file of this name lies in every directory that is offered; what it holds is not read."""

_SHARED = Modes(files=0o666, directories=0o777)
"""Others are meant to read what we write there; how far, the umask of our process says."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """Where a directory lies that is offered, and its calls, which all who use it share."""

    path: Path
    calls: MountCalls = field(default_factory=MountCalls)


@asynccontextmanager
async def open_mounted(mounted: Mounted, home_directory: str, deadlines: Deadlines) -> AsyncIterator[Folder]:
    """A Folder in a mounted directory.

    Raises DirectoryNotMounted, DirectoryMissing, AccessDenied, ServerFailed; ConnectionLost where it hangs.
    """
    calls = mounted.calls
    root = await calls.open(deadlines.step_seconds, _opened, mounted.path)
    try:
        home = await calls.open(deadlines.step_seconds, _at_home, root, home_directory)
    finally:
        calls.close(root)
    try:
        not_listed = () if home_directory else (MARKER,)
        yield LocalDirectory(home, calls=calls, deadlines=deadlines, modes=_SHARED, not_listed=not_listed)
    finally:
        calls.close(home)


def _opened(path: Path) -> int:
    """A descriptor of the directory, which holds the marker."""
    with _told():
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with _told():
            if stat.S_ISREG(os.stat(MARKER, dir_fd=root, follow_symlinks=False).st_mode):
                return root
        raise DirectoryNotMounted(f"Found something else than a file called {MARKER}.")
    except BaseException:
        os.close(root)
        raise


def _at_home(root: int, home_directory: str) -> int:
    """A descriptor of the home directory; no symbolic link leads there."""
    with told(DirectoryMissing, home_directory), Tree(root).directory(home_directory) as found:
        return os.dup(found)


@contextmanager
def _told() -> Iterator[None]:
    """Whatever keeps us from the marker means that the directory is not there."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DirectoryNotMounted(f"Looked for a file called {MARKER} in it.") from error
    except OSError as error:
        raise DirectoryNotMounted(f"The disk answered: {os.strerror(error.errno or 0)}.") from error
