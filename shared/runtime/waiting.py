"""Wait for whichever comes first, and no longer than a limit."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress


async def first_of(*waits: Awaitable[object], limit_seconds: float) -> None:
    """Return when one of these is over, or so many seconds have passed; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
