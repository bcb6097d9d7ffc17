"""Whose turn it is: start a look at every connection that is due, many at a time, none waiting for another.

Whatever a look raises is its own connection's: it is told here and ends no other's. The lease of such a look is left
to run out, so that it is not tried over and over.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

import structlog

from services.poller.look import look
from services.poller.tools import Tools
from shared.domain.failures import Failure, InternalError, StorageUnavailable
from shared.storage import connections

log = structlog.get_logger()

TICK_SECONDS = 1.0
FINISH_SECONDS = 10.0
"""How long looks under way may take when the service stops."""


async def watch(tools: Tools, stopping: asyncio.Event) -> None:
    """Look at due connections until told to stop; looks under way have a moment to be finished."""
    under_way: dict[UUID, asyncio.Task[bool]] = {}
    while not stopping.is_set():
        for connection_id in [key for key, task in under_way.items() if task.done()]:
            _tell(tools, connection_id, under_way.pop(connection_id).exception())
        free = tools.concurrency - len(under_way)
        for account_id, connection_id in await _due(tools, free):
            if connection_id not in under_way:
                under_way[connection_id] = asyncio.create_task(look(tools, account_id, connection_id))
        tools.wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(tools.wake.wait(), TICK_SECONDS)
    await _finish(tools, under_way)


async def _finish(tools: Tools, under_way: Mapping[UUID, asyncio.Task[bool]]) -> None:
    """A place that does not answer must not keep the process; what was not recorded is looked at again."""
    if not under_way:
        return
    done, late = await asyncio.wait(under_way.values(), timeout=FINISH_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    for connection_id, task in under_way.items():
        if task in done:
            _tell(tools, connection_id, task.exception())


async def _due(tools: Tools, limit: int) -> list[tuple[UUID, UUID]]:
    if limit <= 0:
        return []
    try:
        async with tools.database.watching() as session:
            return await connections.due(session, limit)
    except StorageUnavailable as failure:
        log.warning("poller.blind", code=failure.code)
        return []


def _tell(tools: Tools, connection_id: UUID, error: BaseException | None) -> None:
    """Say why a look was not recorded: nothing was written, and nothing is lost."""
    if isinstance(error, Failure):
        log.warning("look.not_recorded", code=error.code, connection_id=str(connection_id))
    elif isinstance(error, Exception):
        tools.metrics.connection_failures.labels(InternalError.code).inc()
        log.error("look.broken", code=InternalError.code, connection_id=str(connection_id), exc_info=error)
    elif error is not None:
        raise error
