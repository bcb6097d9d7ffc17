"""Which goals' files wait although they are complete, and why: it is not the goals' turn yet."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from shared.domain.arrival import ArrivalState
from shared.domain.blackout import blackout_until
from shared.domain.connection import ConnectionSettings
from shared.domain.goal import AnyImport
from shared.storage import claims, dues, turns
from shared.storage.arrivals import Explained
from shared.storage.database import Tx

HELD = ("scheduled", "turn", claims.BLACKOUT)
"""Why complete files wait."""


async def held(
    tx: Tx, connection_id: UUID, settings: ConnectionSettings, goals: Mapping[UUID, AnyImport], now: datetime
) -> dict[UUID, Explained]:
    """What files wait for, by goal, of goals that take none now.

    A goal has times where it or its connection says so; in a round it waits for those before it. A turn of its own,
    because it is due or a person asked, goes before both; a blackout before all.
    """
    known = await turns.of_connection(tx, connection_id)
    open_now = {turn.goal_id for turn in known if turn.takes_files}
    to_come = {turn.goal_id for turn in known if turn.in_round and turn.begun_at is None}
    timed = {goal_id for goal_id, goal in goals.items() if goal.when or settings.when}
    due = await dues.next_of(tx, timed) if timed else {}
    waiting = {}
    for goal_id, goal in goals.items():
        until = shut(settings, goal, now)
        if until is not None:
            waiting[goal_id] = in_blackout(until)
        elif goal_id in open_now:
            continue
        elif goal_id in to_come:
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


def shut(settings: ConnectionSettings, goal: AnyImport, moment: datetime) -> datetime | None:
    """Until when a goal takes no files, where a moment lies in a blackout of it or of its connection."""
    return blackout_until((*goal.blackouts, *settings.blackouts), moment)


def in_blackout(until: datetime) -> Explained:
    """That a file waits for the end of a window in which nothing is begun."""
    return _waits(claims.BLACKOUT, f"Nothing is begun until {_shown(until)}.")


def _waits(code: str, detail: str) -> Explained:
    return Explained(ArrivalState.WAITING, code, detail)


def _shown(due_at: datetime | None) -> str:
    return "a time that is not known yet" if due_at is None else f"{due_at:%Y-%m-%dT%H:%M:%SZ}"
