"""Waiting for a condition, with a limit: the only way tests wait for what happens in the background."""

import asyncio
import time
from collections.abc import Awaitable, Callable

LIMIT_SECONDS = 30.0


async def eventually(
    holds: Callable[[], Awaitable[bool] | bool],
    what: str,
    *,
    limit_seconds: float = LIMIT_SECONDS,
    every_seconds: float = 0.02,
) -> None:
    """Return as soon as the condition holds; fail, saying what was waited for, when it does not in time.

    A condition that costs something is asked for more seldom.
    """
    deadline = time.monotonic() + limit_seconds
    while True:
        answer = holds()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, f"waited {limit_seconds:g} seconds in vain: {what}"
        await asyncio.sleep(every_seconds)
