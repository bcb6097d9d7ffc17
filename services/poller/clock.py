"""Ask for the runs of goals whose time has come, and have goals of a connection carried out one after another.

Beside that it has goals judged that expect files: however long this takes, no time waits for it.

Every poller looks; a goal that one has in hand is left alone by the others, and a time makes one run. Times that passed
while no poller lived make one run together, as soon as one lives again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from uuid import UUID

import structlog

from services.poller.expect import judge_goal
from services.poller.tools import Tools
from shared.domain.blackout import blackout_until
from shared.domain.failures import InternalError, StorageUnavailable
from shared.observe.failpoints import reach
from shared.storage import connections, dues, expectations, goals, turns
from shared.storage.errors import TransactionConflict

log = structlog.get_logger()

TICK_SECONDS = 1.0
GOALS_AT_ONCE = 100


async def keep_time(tools: Tools, stopping: asyncio.Event) -> None:
    """Look at the clock until told to stop."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_again_and_again(tick, tools, stopping), name="tick")
        group.create_task(_again_and_again(judge_due, tools, stopping), name="judge")


async def _again_and_again(work: Callable[[Tools], Awaitable[None]], tools: Tools, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await work(tools)
        except StorageUnavailable as failure:
            log.warning("clock.blind", code=failure.code)
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS):
                await stopping.wait()


async def tick(tools: Tools) -> None:
    """Begin what is due. What breaks here keeps nothing else waiting. Raises StorageUnavailable."""
    now = tools.now()
    async with tools.database.watching() as watch:
        goals_due = await dues.due(watch, now, GOALS_AT_ONCE)
        rounds_due = await connections.rounds_due(watch, now, GOALS_AT_ONCE)
    for account_id, goal_id in goals_due:
        await _apart(_begin(tools, account_id, goal_id), goal_id=str(goal_id))
    for account_id, connection_id in rounds_due:
        await _apart(_ask_round(tools, account_id, connection_id), connection_id=str(connection_id))
    async with tools.database.watching() as watch:
        movable = await turns.movable(watch, now)
    for account_id, connection_id in movable:
        await _apart(_move_on(tools, account_id, connection_id), connection_id=str(connection_id))


async def judge_due(tools: Tools) -> None:
    """Judge goals that expect files, where it is time for that. Raises StorageUnavailable."""
    async with tools.database.watching() as watch:
        to_judge = await expectations.due(watch, tools.now(), GOALS_AT_ONCE)
    for account_id, goal_id in to_judge:
        await _apart(judge_goal(tools, account_id, goal_id), goal_id=str(goal_id))


async def _apart(work: Coroutine[None, None, None], **about: str) -> None:
    [outcome] = await asyncio.gather(work, return_exceptions=True)
    if isinstance(outcome, TransactionConflict):
        log.warning("clock.in_the_way", code=outcome.code, **about)
    elif isinstance(outcome, Exception) and not isinstance(outcome, StorageUnavailable):
        log.error("clock.broken", code=InternalError.code, exc_info=outcome, **about)
    elif isinstance(outcome, BaseException):
        raise outcome


async def _begin(tools: Tools, account_id: UUID, goal_id: UUID) -> None:
    async with tools.database.account(account_id) as tx:
        stored = await goals.get(tx, goal_id, even_deleted=True)
        connection = await connections.get(tx, stored.connection_id, even_deleted=True)
        is_on = stored.deleted_at is None and stored.goal.active and connection.settings.active
        now = tools.now()
        run_id = await dues.begin(
            tx,
            goal_id,
            stored.goal,
            now,
            is_on=is_on,
            connection_id=connection.id,
            not_before=blackout_until((*stored.goal.blackouts, *connection.settings.blackouts), now),
        )
        reach("clock.beginning")
    reach("clock.begun")
    if run_id is not None:
        log.info("run.due", account_id=str(account_id), goal_id=str(goal_id), run_id=str(run_id))


async def _ask_round(tools: Tools, account_id: UUID, connection_id: UUID) -> None:
    """A connection's time has come: its active goals have a turn each. Switched off, it lets times pass."""
    async with tools.database.account(account_id) as tx:
        connection = await connections.take_round(tx, connection_id, tools.now())
        if connection is None or connection.deleted_at is not None or not connection.settings.active:
            return
        active = [each.id for each in await goals.of_connection(tx, connection_id) if each.goal.active]
        await turns.ask_round(tx, connection_id, active)
        reach("clock.beginning")
    log.info("round.due", account_id=str(account_id), connection_id=str(connection_id), goals=len(active))


async def _move_on(tools: Tools, account_id: UUID, connection_id: UUID) -> None:
    async with tools.database.account(account_id) as tx:
        run_id = await turns.move_on(tx, connection_id, tools.now())
    reach("clock.begun")
    if run_id is not None:
        log.info("run.in_turn", account_id=str(account_id), connection_id=str(connection_id), run_id=str(run_id))
