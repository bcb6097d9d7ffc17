"""Take what work came to as a value, so that one mail or message that fails does not end the loop over all of them."""

import asyncio
import traceback
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def outcome_of(work: Awaitable[T]) -> T | Exception:
    """The work's result or its exception. A cancellation passes through."""
    [answer] = await asyncio.gather(work, return_exceptions=True)
    if isinstance(answer, BaseException) and not isinstance(answer, Exception):
        raise answer
    return answer


def frames_of(error: Exception) -> dict[str, str]:
    """What may be logged of an unexpected error: its class and place, not its text, which may hold anything."""
    return {"error": type(error).__name__, "frames": "".join(traceback.format_tb(error.__traceback__))}
