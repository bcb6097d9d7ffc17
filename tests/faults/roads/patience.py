"""What a client does whom nothing and nobody answers: it asks again. Held by a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncssh
import httpx

from tests.acceptance.shop import Shop

END_SECONDS = 60.0
CLIENT_SECONDS = 6.0
CLIENT_PAUSE_SECONDS = 0.3


async def persist(attempt: Callable[[], Awaitable[None]], *, patience_seconds: float = END_SECONDS) -> None:
    """Do something over a network as a patient client does: again, when it breaks off or nobody answers."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            async with asyncio.timeout(CLIENT_SECONDS):
                await attempt()
            return
        except (OSError, asyncssh.Error, httpx.HTTPError, TimeoutError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(CLIENT_PAUSE_SECONDS)


async def accepted(shop: Shop, path: str, **more: Any) -> None:
    """Ask for something to be done. That it was done already is as good. Raises httpx.HTTPError."""
    answer = await shop.client.post(path, **more)
    if answer.status_code != 409:
        answer.raise_for_status()
