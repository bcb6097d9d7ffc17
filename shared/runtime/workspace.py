"""A run's own directory on this worker: sealed off while it is there, and gone afterwards."""

import errno
import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.domain.failures import DiskFull
from shared.domain.run import ClaimedRun


@contextmanager
def workspace(directory: Path, run: ClaimedRun) -> Iterator[Path]:
    """A directory for one attempt of one run, readable by nobody else. Raises DiskFull, also out of the block."""
    with private_place(directory, f"{run.id}-{run.token}") as place:
        yield place


@contextmanager
def private_place(directory: Path, name: str) -> Iterator[Path]:
    """A directory of a name of ours, readable by nobody else, gone afterwards. Raises DiskFull, as `workspace` does."""
    place = directory / name
    try:
        with has_room():
            place.mkdir(mode=0o700, parents=True)
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def has_room() -> Iterator[None]:
    """Raise DiskFull where the disk is."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull from error
        raise


@contextmanager
def work_directory(directory: Path) -> Iterator[Path]:
    """This process's own place for workspaces.

    What killed processes left behind is removed: it is full of personal data.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in directory.iterdir():
        _remove_if_left(other)
    own = directory / secrets.token_hex(8)
    own.mkdir(mode=0o700)
    with (own / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield own
        finally:
            shutil.rmtree(own, ignore_errors=True)


def _remove_if_left(other: Path) -> None:
    """A living process holds the lock of its place; one that has no lock yet is just being made."""
    try:
        with (other / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(other, ignore_errors=True)
    except (FileNotFoundError, NotADirectoryError, BlockingIOError):
        return
