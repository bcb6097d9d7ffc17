"""Replays: files of a period run again, each as a new run of its goal with a number of its own. Writes through `runs`.

Nothing is moved: a file is read from where it lies now, under the name that its first run gave it, and stays there.
What cannot be run again is told with its reason. Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.domain.run import RunState
from shared.observe import tracing
from shared.storage import arrivals, manual_imports, outbox, runs
from shared.storage.database import Record, Tx

MAX_FILES = 2_000
"""Of one replay; who wants more asks for shorter periods."""


class PassedOver(StrEnum):
    """Why a file is not run again. The list is closed."""

    NOT_ENDED = "not_ended"
    FILE_GONE = "file_gone"
    FILE_EXPIRED = "file_expired"
    FILE_CHANGED = "file_changed"
    GOAL_INACTIVE = "goal_inactive"
    RUN_SKIPPED = "run_skipped"
    RUN_CANCELLED = "run_cancelled"
    PASSWORD_FORGOTTEN = "password_forgotten"  # noqa: S105 a reason, not a password


@dataclass(frozen=True, slots=True)
class Replayed:
    """A file of the period with one of its goals: what will be run, or why it will not be."""

    arrival_id: UUID
    goal_id: UUID
    path: str
    lies_at: str
    seen_at: datetime
    number: int
    """Of the replay that it would be: 1 is the first."""
    order_at: datetime
    order_name: str
    is_kept: bool
    """Whether a client sent it, so that it is kept by the gateway."""
    passed_over: PassedOver | None
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Files of a connection, or of one goal of it, by when they were first seen."""

    connection_id: UUID
    goal_id: UUID | None
    since: datetime
    until: datetime


async def listed(tx: Tx, period: Period) -> list[Replayed]:
    """What a replay would run, in that order; one more than MAX_FILES where there are too many."""
    found = await tx.fetch(
        "replays.candidates",
        tx.account_id,
        period.connection_id,
        period.goal_id,
        period.since,
        period.until,
        MAX_FILES + 1,
    )
    return [_replayed(row) for row in found]


async def start(tx: Tx, period: Period, wanted: Sequence[Replayed]) -> list[Replayed]:
    """Make the runs of what can be run again; all of them as they are now. Raises KeptFileGone.

    The caller has listed them under `arrivals.lock_connection`, so that nobody else replays the same.
    """
    again = [each for each in wanted if each.passed_over is None]
    with tracing.span("replay", kind="sends", account_id=str(tx.account_id), connection_id=str(period.connection_id)):
        trace = tracing.traceparent()
    for each in again:
        if each.is_kept:
            await manual_imports.keep_file_of(tx, each.arrival_id)
    made = await runs.create_all(tx, [_run_of(each, trace) for each in again])
    run_ids = dict(zip(((each.arrival_id, each.goal_id) for each in again), made, strict=True))
    # Each goal's first run rings the next one when it ends.
    first = {each.goal_id: run_ids[each.arrival_id, each.goal_id] for each in reversed(again)}
    for run_id in filter(None, first.values()):
        await outbox.ring_run(tx, run_id, "import", trace)
    return [replace(each, run_id=run_ids.get((each.arrival_id, each.goal_id))) for each in wanted]


async def hold(tx: Tx, connection_id: UUID) -> None:
    """Keep others from replaying files of the connection until the transaction ends."""
    await arrivals.lock_connection(tx, connection_id)


def _run_of(each: Replayed, trace: str | None) -> runs.NewRun:
    return runs.NewRun(
        "import",
        each.goal_id,
        each.order_at,
        each.order_name,
        arrival_id=each.arrival_id,
        traceparent=trace,
        replay=each.number,
    )


def _replayed(row: Record) -> Replayed:
    return Replayed(
        arrival_id=row["arrival_id"],
        goal_id=row["goal_id"],
        path=row["path"],
        lies_at=row["settled_path"] or row["path"],
        seen_at=row["seen_at"],
        number=row["replay"] + 1,
        order_at=row["order_at"],
        order_name=row["order_name"],
        is_kept=row["is_kept"],
        passed_over=_why_not(row),
    )


def _why_not(row: Record) -> PassedOver | None:
    if not row["has_ended"]:
        return PassedOver.NOT_ENDED
    if not row["is_active"]:
        return PassedOver.GOAL_INACTIVE
    if row["is_one_shot"]:
        return PassedOver.PASSWORD_FORGOTTEN
    if row["state"] == RunState.SKIPPED:
        return PassedOver.RUN_SKIPPED
    if row["state"] == RunState.CANCELLED:
        return PassedOver.RUN_CANCELLED
    if row["is_expired"]:
        return PassedOver.FILE_EXPIRED
    if row["settled_as"] == "changed":
        return PassedOver.FILE_CHANGED
    return PassedOver.FILE_GONE if row["is_gone"] else None
