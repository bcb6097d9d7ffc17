"""Ask for the runs of goals whose time has come.

Every poller looks; a goal that one has in hand is left alone by the others, and a time makes one run. Times that passed
while no poller lived make one run together, as soon as one lives again.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

import structlog

from services.poller.tools import Tools
from shared.domain.failures import InternalError, StorageUnavailable
from shared.observe.failpoints import reach
from shared.storage import connections, dues, goals
from shared.storage.errors import TransactionConflict

log = structlog.get_logger()

TICK_SECONDS = 1.0
GOALS_AT_ONCE = 100


async def keep_time(tools: Tools, stopping: asyncio.Event) -> None:
    """Look at the clock until told to stop."""
    while not stopping.is_set():
        try:
            await tick(tools)
        except StorageUnavailable as failure:
            log.warning("clock.blind", code=failure.code)
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS):
                await stopping.wait()


async def tick(tools: Tools) -> None:
    """Begin what is due. A goal that breaks here keeps no other waiting. Raises StorageUnavailable."""
    now = tools.now()
    async with tools.database.watching() as watch:
        due = await dues.due(watch, now, GOALS_AT_ONCE)
    for account_id, goal_id in due:
        [outcome] = await asyncio.gather(_begin(tools, account_id, goal_id), return_exceptions=True)
        if isinstance(outcome, TransactionConflict):
            log.warning("clock.in_the_way", code=outcome.code, goal_id=str(goal_id))
        elif isinstance(outcome, Exception) and not isinstance(outcome, StorageUnavailable):
            log.error("clock.broken", code=InternalError.code, goal_id=str(goal_id), exc_info=outcome)
        elif isinstance(outcome, BaseException):
            raise outcome


async def _begin(tools: Tools, account_id: UUID, goal_id: UUID) -> None:
    async with tools.database.account(account_id) as tx:
        stored = await goals.get(tx, goal_id, even_deleted=True)
        connection = await connections.get(tx, stored.connection_id, even_deleted=True)
        is_on = stored.deleted_at is None and stored.goal.active and connection.settings.active
        run_id = await dues.begin(tx, goal_id, stored.goal, tools.now(), is_on=is_on)
        reach("clock.beginning")
    reach("clock.begun")
    if run_id is not None:
        log.info("run.due", account_id=str(account_id), goal_id=str(goal_id), run_id=str(run_id))
