"""See whether files came as goals expect them, and tell people where they did not: each thing once.

Judged at each deadline, and soon after a file came or a run ended. What is told stands in the transaction that notes
that it was told.
"""

import asyncio
from uuid import UUID

import structlog

from services.poller.tools import Tools
from shared.domain.expected_files import judge
from shared.domain.goal import AnyImport
from shared.domain.timetable import timetable
from shared.runtime.expecting import came_lately
from shared.storage import connections, expectations, goals

log = structlog.get_logger()


async def judge_goal(tools: Tools, account_id: UUID, goal_id: UUID) -> None:
    """Judge a goal whose time for it has come. Raises StorageUnavailable."""
    now = tools.now()
    told: list[str] = []
    async with tools.database.account(account_id) as tx:
        since = await expectations.hold(tx, goal_id, now)
        if since is None:
            return
        stored = await goals.get(tx, goal_id, even_deleted=True)
        goal, expected = stored.goal, None if stored.deleted_at else expectations.of_goal(stored.goal)
        if expected is None or not isinstance(goal, AnyImport):
            await expectations.drop(tx, goal_id)
            return
        connection = await connections.get(tx, stored.connection_id, even_deleted=True)
        times = timetable(expected, goal.source.readiness, connection.settings)
        next_at = times.next_deadline(now)
        if await expectations.rests(tx, goal_id):
            await expectations.pass_over(tx, goal_id, now, next_at)
            return
        await expectations.judge_next(tx, goal_id, next_at)
        lately = await came_lately(tx, goal_id, goal, times, now)
        # Of thousands of files, or many blackouts, it takes a moment.
        findings = await asyncio.to_thread(judge, times, lately.came, since, now, lately.until)
        told += [each.finding for each in findings if await expectations.tell(tx, stored.connection_id, goal_id, each)]
    for finding in told:
        tools.metrics.expectations.labels(finding).inc()
        log.warning("file.not_as_expected", account_id=str(account_id), goal_id=str(goal_id), finding=finding)
