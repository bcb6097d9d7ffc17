"""What SFTP calls the things that writing.py does: flags, times, refusals."""

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC

from services.dropserver.refusals import LinkFound, NameTaken, QuotaUsedUp, Refusal, told

Had = TypeVar("Had")

_ERRORS: dict[type[Refusal], Callable[[str], asyncssh.SFTPError]] = {
    NameTaken: asyncssh.SFTPFileAlreadyExists,
    QuotaUsedUp: asyncssh.SFTPQuotaExceeded,
    LinkFound: asyncssh.SFTPPermissionDenied,
}


@contextmanager
def answered() -> Iterator[None]:
    """Raise refusals as SFTP's errors; the driver makes those of OSErrors itself."""
    try:
        with told():
            yield
    except Refusal as refusal:
        raise _ERRORS.get(type(refusal), asyncssh.SFTPFailure)(str(refusal)) from refusal


async def answer_of(work: Awaitable[Had]) -> Had:
    """What that work answers. Raises SFTP's errors for its refusals."""
    with answered():
        return await work


def open_flags(pflags: int) -> int:
    """The operating system's flags (os.O_*) for those of an open request."""
    flags = os.O_RDWR if pflags & FXF_READ else os.O_WRONLY
    for theirs, ours in (
        (FXF_APPEND, os.O_APPEND),
        (FXF_CREAT, os.O_CREAT),
        (FXF_TRUNC, os.O_TRUNC),
        (FXF_EXCL, os.O_EXCL),
    ):
        flags |= ours if pflags & theirs else 0
    return flags


def accessed(attrs: asyncssh.SFTPAttrs) -> float:
    """The access time that goes with a modification time."""
    return float(attrs.atime if attrs.atime is not None else attrs.mtime or 0)
