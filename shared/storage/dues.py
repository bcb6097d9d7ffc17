"""When goals are next carried out by themselves, and the runs that come of it. Writes `dues`.

A goal is due at its times, after each completed run of a goal that it follows, and when a message has had responses
and for a while no more. An import that is due gets its turn (`turns`), in which a look makes its runs. A run that waits
in the queue already will see all that the new one would, so none is added beside it. Nothing here commits.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from shared.domain.export_goal import ExportGoal
from shared.domain.goal import Goal
from shared.domain.schedule import AfterResponses, AtTimes, When
from shared.storage import outbox, runs, turns
from shared.storage.database import Session, Tx

_TIMES = "times:"


async def plan(tx: Tx, goal_id: UUID, goal: Goal | None, *, before: Goal | None = None) -> None:
    """Note when a goal that was saved is due next; None where it is gone. What is switched off is never due.

    A time that stays as it was `before` keeps what it is due for: it may have passed, and its run not be asked for yet.
    """
    when = _when(goal)
    forgotten = await tx.fetch(
        "dues.forget_times", tx.account_id, goal_id, any(isinstance(each, AfterResponses) for each in when)
    )
    if goal is None or not goal.active:
        await turns.close(tx, goal_id)
    due_at = {row["cause"]: row["due_at"] for row in forgotten}
    kept = {each: due_at.get(f"{_TIMES}{number}") for number, each in enumerate(_when(before))}
    for number, each in enumerate(when):
        if isinstance(each, AtTimes):
            await _plan(tx, goal_id, f"{_TIMES}{number}", kept.get(each) or each.next_after(datetime.now(UTC)))


def _when(goal: Goal | None) -> tuple[When, ...]:
    return goal.when if goal is not None and goal.active else ()


async def _plan(tx: Tx, goal_id: UUID, cause: str, due_at: datetime | None) -> None:
    if due_at is not None:
        await tx.execute("dues.set", tx.account_id, goal_id, cause, due_at)


async def responded(tx: Tx, message_numbers: Collection[int], at: datetime) -> None:
    """Messages had responses: goals that wait until these cease begin to wait anew.

    Of goals that are about messages only those that these are messages of.
    """
    if message_numbers:
        await tx.execute("dues.responded", tx.account_id, sorted(message_numbers), at)


async def due(watch: Session, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """Goals that are due, with their accounts, those first that were due first."""
    return [(row["account_id"], row["goal_id"]) for row in await watch.fetch("dues.due", now, limit)]


async def next_of(tx: Tx, goal_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When goals are due next, as far as that is known; a goal that is due at no time is left out."""
    rows = await tx.fetch("dues.next_of", tx.account_id, sorted(goal_ids)) if goal_ids else []
    return {row["goal_id"]: row["due_at"] for row in rows}


async def begin(
    tx: Tx,
    goal_id: UUID,
    goal: Goal,
    now: datetime,
    *,
    is_on: bool,
    connection_id: UUID,
    not_before: datetime | None = None,
) -> UUID | None:
    """Ask for the run that a goal is due for, and note when it is due next; None where none is needed.

    An import gets its turn: the next look makes runs of what is complete. Times that passed while nobody looked are one
    run, or turn. Where `is_on` is false, because goal or connection is switched off, times pass without. In a blackout
    it is due again at its end, `not_before`.
    """
    taken = {row["cause"]: row["due_at"] for row in await tx.fetch("dues.take", tx.account_id, goal_id, now)}
    if not_before is not None and is_on:
        for cause in taken:
            await _plan(tx, goal_id, cause, not_before)
        return None
    for number, each in enumerate(goal.when):
        cause = f"{_TIMES}{number}"
        if isinstance(each, AtTimes) and cause in taken:
            await _plan(tx, goal_id, cause, each.next_after(now))
    if not taken or not is_on:
        return None
    if not isinstance(goal, ExportGoal):
        await turns.open_(tx, connection_id, goal_id)
        return None
    return await _ask(tx, goal_id, goal.name, due_at=min(taken.values()))


async def ask_followers(tx: Tx, goal_id: UUID, run_id: UUID) -> None:
    """A goal's run has completed: ask for a run of each goal that follows it."""
    for row in await tx.fetch("dues.followers", tx.account_id, str(goal_id)):
        await _ask(tx, row["goal_id"], row["name"], request_id=run_id)


async def _ask(
    tx: Tx, goal_id: UUID, name: str, *, due_at: datetime | None = None, request_id: UUID | None = None
) -> UUID | None:
    if await runs.is_queued(tx, goal_id):
        return None
    new = runs.NewRun(
        kind="export",
        goal_id=goal_id,
        order_at=due_at or datetime.now(UTC),
        order_name=name,
        request_id=request_id,
        due_at=due_at,
    )
    run_id = await runs.create(tx, new)
    if run_id is not None:
        await outbox.ring_run(tx, run_id, "export")
    return run_id
