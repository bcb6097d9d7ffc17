"""Wait for whichever comes first, and no longer than a limit."""

import asyncio
from collections.abc import Awaitable


async def first_of(*waits: Awaitable[object], limit_seconds: float) -> None:
    """Return when one of these is over, or so many seconds have passed; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Also where we are cancelled, or they would be there for ever.
        for task in tasks:
            task.cancel()
        # Not one by one: their cancellation could not be told from ours.
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
