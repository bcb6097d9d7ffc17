"""Take what work came to as a value, so that one mail or message that fails does not end the loop over all of them."""

import asyncio
import traceback
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from shared.domain.failures import Failure, InternalError

log = structlog.get_logger()

T = TypeVar("T")


async def outcome_of(work: Awaitable[T]) -> T | Exception:
    """The work's result or its exception. A cancellation passes through."""
    [answer] = await asyncio.gather(work, return_exceptions=True)
    if isinstance(answer, BaseException) and not isinstance(answer, Exception):
        raise answer
    return answer


def tell(event: str, error: Exception, **facts: str) -> None:
    """Log what went wrong: a failure by its code; anything else is a mistake of ours, and its place is told.

    Its text is not, because it may hold anything.
    """
    if isinstance(error, Failure):
        log.warning(event, code=error.code, **facts)
    else:
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error(event, code=InternalError.code, error=type(error).__name__, frames=frames, **facts)
