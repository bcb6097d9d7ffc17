"""Which goals' files wait although they are complete, and why: it is not the goals' turn yet."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from shared.domain.arrival import ArrivalState
from shared.domain.connection import ConnectionSettings
from shared.domain.goal import AnyImport
from shared.storage import dues, turns
from shared.storage.arrivals import Explained
from shared.storage.database import Tx


async def held(
    tx: Tx, connection_id: UUID, settings: ConnectionSettings, goals: Mapping[UUID, AnyImport]
) -> dict[UUID, Explained]:
    """What files wait for, by goal, of goals that take none now.

    A goal has times where it or its connection says so; in a round it waits for those before it. A turn of its own,
    because it is due or a person asked, goes before both.
    """
    known = await turns.of_connection(tx, connection_id)
    open_now = {turn.goal_id for turn in known if turn.takes_files}
    to_come = {turn.goal_id for turn in known if turn.in_round and turn.begun_at is None}
    timed = {goal_id for goal_id, goal in goals.items() if goal.when or settings.when}
    due = await dues.next_of(tx, timed) if timed else {}
    waiting = {}
    for goal_id, goal in goals.items():
        if goal_id in open_now:
            continue
        if goal_id in to_come:
            waiting[goal_id] = _waits(
                "turn", "Goals of the connection are carried out in order, and this is not its turn yet."
            )
        elif goal_id in timed:
            if goal.when and goal_id not in due:
                # A poller of the release before knew no times of imports, and took what was noted of them.
                await dues.plan(tx, goal_id, goal)
            waiting[goal_id] = _waits(
                "scheduled", f"The goal takes files at its times, next at {_shown(due.get(goal_id))}."
            )
    return waiting


def _waits(code: str, detail: str) -> Explained:
    return Explained(ArrivalState.WAITING, code, detail)


def _shown(due_at: datetime | None) -> str:
    return "a time that is not known yet" if due_at is None else f"{due_at:%Y-%m-%dT%H:%M:%SZ}"
