"""Whose turn it is: start a look at every connection that is due, many at a time, none waiting for another."""

import asyncio
from contextlib import suppress
from uuid import UUID

import structlog

from services.poller.look import look
from services.poller.tools import Tools
from shared.domain.failures import StorageUnavailable
from shared.storage import connections

log = structlog.get_logger()

TICK_SECONDS = 1.0


async def watch(tools: Tools, stopping: asyncio.Event) -> None:
    """Look at due connections until told to stop; looks under way are finished."""
    under_way: dict[UUID, asyncio.Task[None]] = {}
    while not stopping.is_set():
        for connection_id in [key for key, task in under_way.items() if task.done()]:
            under_way.pop(connection_id).result()
        free = tools.concurrency - len(under_way)
        for account_id, connection_id in await _due(tools, free):
            if connection_id not in under_way:
                under_way[connection_id] = asyncio.create_task(_look(tools, account_id, connection_id))
        tools.wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(tools.wake.wait(), TICK_SECONDS)
    await asyncio.gather(*under_way.values())


async def _due(tools: Tools, limit: int) -> list[tuple[UUID, UUID]]:
    if limit <= 0:
        return []
    try:
        async with tools.database.watching() as session:
            return await connections.due(session, limit)
    except StorageUnavailable as failure:
        log.warning("poller.blind", code=failure.code)
        return []


async def _look(tools: Tools, account_id: UUID, connection_id: UUID) -> None:
    try:
        await look(tools, account_id, connection_id)
    except StorageUnavailable as failure:
        # The lease runs out and the connection is due again: nothing was written, nothing is lost.
        log.warning("look.not_recorded", code=failure.code, connection_id=str(connection_id))
