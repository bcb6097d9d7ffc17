"""Keep what was taken for a limited time while it is being worked on.

The time is short, so that another takes it soon when this process dies. What keeps it decides by its fence whether it
is still ours; nothing here tells the worker when it is not.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from shared.domain.failures import StorageUnavailable


@asynccontextmanager
async def kept(keep: Callable[[], Awaitable[object]], lease_seconds: float) -> AsyncIterator[None]:
    """While inside, call `keep` three times a lease. A database that is away for a moment costs nothing."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(lease_seconds / 3)
            with suppress(StorageUnavailable):
                await keep()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])
