"""Whose turn it is: start a look at every connection that is due, many at a time, none waiting for another.

Whatever a look raises is its own connection's: it is told here and ends no other's. The lease of such a look is left
to run out, so that it is not tried over and over.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from uuid import UUID

import structlog

from services.poller.look import look
from services.poller.tools import Tools
from shared.domain.failures import Failure, InternalError, StorageUnavailable
from shared.runtime.waiting import first_of
from shared.storage import connections

log = structlog.get_logger()

TICK_SECONDS = 1.0
SLOW_SECONDS = 5.0
"""A look under way for longer gives its place to the next: places that hang cost memory, and healthy ones no time."""
MOST_AT_ONCE = 20
"""Looks under way altogether, as a multiple of those that may be starting: the memory that may be spent so."""
FINISH_SECONDS = 10.0
"""How long looks under way may take when the service stops."""


async def watch(tools: Tools, stopping: asyncio.Event) -> None:
    """Look at due connections until told to stop; looks under way have a moment to be finished."""
    under_way: dict[UUID, asyncio.Task[bool]] = {}
    began: dict[UUID, float] = {}
    try:
        while not stopping.is_set():
            for connection_id in [key for key, task in under_way.items() if task.done()]:
                _tell(tools, connection_id, under_way.pop(connection_id).exception())
                del began[connection_id]
            free = room(time.monotonic(), began.values(), tools.concurrency)
            for account_id, connection_id in await _due(tools, free):
                if connection_id not in under_way:
                    under_way[connection_id] = asyncio.create_task(look(tools, account_id, connection_id))
                    began[connection_id] = time.monotonic()
            tools.wake.clear()
            await first_of(tools.wake.wait(), stopping.wait(), limit_seconds=TICK_SECONDS)
    finally:
        await _finish(tools, under_way)


def room(now: float, began: Collection[float], concurrency: int) -> int:
    """How many looks may start now, where those under way began at these times (seconds)."""
    fresh = sum(now - each < SLOW_SECONDS for each in began)
    return max(0, min(concurrency - fresh, MOST_AT_ONCE * concurrency - len(began)))


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
