"""What is answered: a status, headers, a body; and refusals that are an answer of their own."""

import errno
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from services.dropserver.refusals import LinkFound, NameTaken, NotNow, QuotaUsedUp, Refusal
from shared.domain.failures import Failure

log = structlog.get_logger()

XML = "application/xml; charset=utf-8"

_REFUSALS: dict[type[Refusal], int] = {NameTaken: 412, QuotaUsedUp: 507, LinkFound: 403}
_ERRORS = {
    errno.ENOENT: 404,
    errno.ENOTDIR: 404,
    errno.EEXIST: 405,
    errno.EISDIR: 405,
    errno.EACCES: 403,
    errno.EPERM: 403,
    errno.ENOTEMPTY: 409,
    errno.EINVAL: 409,
    errno.ENAMETOOLONG: 400,
    errno.ENOSPC: 507,
    errno.EDQUOT: 507,
    errno.EFBIG: 507,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Where the body comes in pieces, `Content-Length` says how long it is."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
    put_down: Callable[[], None] = lambda: None
    """To be called once it was sent, or was not."""


class NotDone(Exception):
    """It is not done, and this is the answer."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None, condition: str = "") -> None:
        """`condition`: the name of what RFC 4918, 16 calls a precondition; then the answer is XML."""
        super().__init__(text)
        self.answer = Answer(status, {**(headers or {}), **_kind(condition)}, _body(text, condition))


class ClientGone(Exception):
    """The client went away in the middle of its request: there is nobody to answer."""


def answer_of(error: Refusal | OSError | Failure) -> Answer:
    """What a client is answered to what went wrong."""
    if isinstance(error, Failure | NotNow):
        text = str(error) if isinstance(error, NotNow) else "It cannot be done now; try again in a minute."
        return NotDone(503, text, {"Retry-After": "60"}).answer
    if isinstance(error, Refusal):
        return NotDone(_REFUSALS.get(type(error), 409), str(error)).answer
    status = _ERRORS.get(error.errno or 0, 500)
    if status == 500:
        log.warning("webdav.failed", errno=error.errno)
    return NotDone(status, f"{error.strerror}.").answer


def _kind(condition: str) -> dict[str, str]:
    return {"Content-Type": XML if condition else "text/plain; charset=utf-8"}


def _body(text: str, condition: str) -> bytes:
    if condition:
        return f'<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:{condition}/></D:error>'.encode()
    return f"{text}\n".encode()
