"""Whose turn it is: imports that are due, and rounds, in which a connection's goals are carried out one after another.

An import that is due has a turn of its own, until a look that began in it is written down: times that passed meanwhile
are one. In a round a turn begins when the one before is over, which is when its runs have ended or wait for a person;
how they ended does not matter. What is asked for while a round is under way goes behind it, and is content with turns
that are still to come. Writes `turns`; nothing here commits.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from shared.domain.blackout import blackout_until
from shared.domain.export_goal import ExportGoal
from shared.domain.goal import Goal
from shared.observe import tracing
from shared.storage import arrivals, connections, outbox, runs
from shared.storage.database import Session, Tx

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)
MOVED_AT_ONCE = 100
"""Rounds that are moved on at a time; those left over come with the next."""
_PASSED_AT_ONCE = 100
"""Turns that are over, or of goals that were switched off, which one transaction ends; the next ends the rest."""
_ASKED_AGAIN = timedelta(minutes=1)
"""When a round in a blackout is tried again at the latest: the blackout may be taken away."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A goal's turn: to come, under way, or of an import looked for and not over."""

    number: int
    goal_id: UUID
    in_round: bool
    asked_at: datetime
    begun_at: datetime | None
    looked_at: datetime | None
    run_id: UUID | None

    @property
    def takes_files(self) -> bool:
        """Whether an import takes in it what is complete."""
        return self.begun_at is not None and self.looked_at is None


async def open_(tx: Tx, connection_id: UUID, goal_id: UUID) -> None:
    """It is an import goal's turn now: its folder is looked at soon, and what is complete then is taken."""
    # The connection first, as looks do: they hold it, and then take turns away.
    await connections.look_now(tx, connection_id)
    await tx.execute("turns.open", tx.account_id, goal_id)


async def close(tx: Tx, goal_id: UUID) -> None:
    """A goal is switched off or gone, and due no longer."""
    await tx.execute("turns.close", tx.account_id, goal_id)


async def of_connection(tx: Tx, connection_id: UUID) -> list[Turn]:
    """The turns of a connection's goals, in their order."""
    return [Turn(**dict(row)) for row in await tx.fetch("turns.of_connection", tx.account_id, connection_id)]


async def looked(tx: Tx, goal_ids: Collection[UUID], began_at: datetime, *, in_vain: Collection[UUID] = ()) -> None:
    """A look that began then was written down, and took what it was these goals' turn to take.

    Of goals that were looked for `in_vain` the turn in a round is over, so that others have theirs; a turn of its own
    waits.
    """
    await tx.execute("turns.taken", tx.account_id, list(goal_ids), began_at)
    await tx.execute("turns.looked", tx.account_id, [*goal_ids, *in_vain], began_at)


async def ask_round(tx: Tx, connection_id: UUID, goal_ids: Sequence[UUID]) -> None:
    """Have goals of a connection carried out in this order, each once the one before has ended."""
    await arrivals.lock_connection(tx, connection_id)
    await tx.execute("turns.add", tx.account_id, connection_id, list(goal_ids))


async def movable(watch: Session, now: datetime, limit: int = MOVED_AT_ONCE) -> list[tuple[UUID, UUID]]:
    """(account, connection) of rounds in which the next turn may begin, or the first is over."""
    return [(row["account_id"], row["connection_id"]) for row in await watch.fetch("turns.movable", limit, now)]


async def move_on(tx: Tx, connection_id: UUID, now: datetime) -> UUID | None:
    """End what is over of a connection's round, and begin the turn that is next; the run that came of it, if any.

    Nothing happens where another moves the round, or its turn is under way. In a blackout the round waits.
    """
    await arrivals.lock_connection(tx, connection_id)
    for _ in range(_PASSED_AT_ONCE):
        head = await tx.row("turns.head", tx.account_id, connection_id)
        if head is None:
            return None
        if head["is_active"] and head["begun_at"] is None:
            goal = _GOAL.validate_python(head["settings"])
            settings = (await connections.get(tx, connection_id)).settings
            until = blackout_until((*goal.blackouts, *settings.blackouts), now)
            if until is not None:
                # It keeps no round of another connection waiting meanwhile.
                await tx.execute("turns.put_off", tx.account_id, head["number"], min(until, now + _ASKED_AGAIN))
                return None
            return await _begin(tx, connection_id, head["number"], head["goal_id"], goal)
        if head["is_active"] and not head["is_over"]:
            return None
        await tx.execute("turns.end", tx.account_id, head["number"])
    return None


async def _begin(tx: Tx, connection_id: UUID, number: int, goal_id: UUID, goal: Goal) -> UUID | None:
    run_id = await _export(tx, goal_id, goal) if isinstance(goal, ExportGoal) else None
    await tx.execute("turns.begin", tx.account_id, number, run_id)
    if run_id is None:
        await connections.look_now(tx, connection_id)
    return run_id


async def _export(tx: Tx, goal_id: UUID, goal: ExportGoal) -> UUID:
    trace = tracing.traceparent()
    now = datetime.now(UTC)
    new = runs.NewRun("export", goal_id, now, goal.name, request_id=uuid4(), traceparent=trace)
    run_id = await runs.create(tx, new)
    assert run_id is not None, "a request's identity is new"
    await outbox.ring_run(tx, run_id, "export", trace)
    return run_id


async def drop_round(tx: Tx, connection_id: UUID) -> None:
    """Call off the turns of a round that have not begun."""
    await tx.execute("turns.drop_round", tx.account_id, connection_id)


async def forget(tx: Tx, connection_id: UUID) -> None:
    """The connection is taken away, and its turns with it."""
    await tx.execute("turns.forget", tx.account_id, connection_id)
