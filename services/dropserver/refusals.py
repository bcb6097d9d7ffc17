"""Why something that a client asked for is not done, in words for the client; each protocol has its own way to say it.

Beside these an OSError may come, without a path of our machine in it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from shared.domain.failures import Failure, PlaceFull, UploadBrokenOff
from shared.transfer.tree import RootMissing

_AWAY = "The folder cannot be reached now: its volume is away. Try again in a few minutes."
MEANWHILE = "The file was meanwhile uploaded by another session, or removed."

log = structlog.get_logger()


class Refusal(Exception):
    """It is not done. The text tells the client why, and what to do."""


class NameTaken(Refusal):
    """Something has that name already."""


class QuotaUsedUp(Refusal):
    """There is no room for it."""


class NotNow(Refusal):
    """It may be done in a moment."""


class LinkFound(Refusal):
    """A symbolic link lies on the way."""


@contextmanager
def told() -> Iterator[None]:
    """Let the operating system's words through, but never a path of our machine. Raises OSError, LinkFound, NotNow."""
    try:
        yield
    except RootMissing as error:
        # Who is told that a file is not there may think it taken, and delete what it was made from.
        raise NotNow(_AWAY) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LinkFound("Links are not followed here.") from error
        raise OSError(error.errno, os.strerror(error.errno) if error.errno else "failed") from error


class NotOnDisk(Exception):
    """The operating system refused what was to be done while the ledger waited, which would take that for its own."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


@contextmanager
def on_disk() -> Iterator[None]:
    """As `told`, for what is done while the ledger waits. Raises NotOnDisk, LinkFound."""
    try:
        with told():
            yield
    except OSError as error:
        raise NotOnDisk(error) from error


@contextmanager
def registered() -> Iterator[None]:
    """What could not be written down has not happened, and the client has to know.

    Raises Refusal, QuotaUsedUp, OSError.
    """
    try:
        yield
    except NotOnDisk as refused:
        raise refused.error from None
    except PlaceFull as failure:
        raise QuotaUsedUp("The drop folder is full: its quota is used up.") from failure
    except UploadBrokenOff as failure:
        raise Refusal(MEANWHILE) from failure
    except Failure as failure:
        log.warning("upload.untold", code=failure.code)
        raise NotNow("It could not be registered, and is not done; try again in a minute.") from failure
