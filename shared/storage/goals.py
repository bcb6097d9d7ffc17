"""Goals and their versions. Writes `goals` and `goal_versions`, through `dues` when they are due, and has
`export_marks` forget what exports of those that are taken away told.

Every saved change is a new version, and a run keeps to the version that it was made for. Whether settings make
sense is not judged here: `shared/processing/goal_checks.py` does, before anything is saved.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from shared.domain.failures import NotFound
from shared.domain.goal import Goal
from shared.storage import claims, dues, expectations, export_marks
from shared.storage.database import Record, Tx

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)


@dataclass(frozen=True, slots=True)
class StoredGoal:
    """A goal as it is stored, in its present version."""

    id: UUID
    connection_id: UUID
    version: int
    goal: Goal
    contact_email: str | None
    """The address of the key that made it: where receipts go if the goal names none."""
    created_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """That a goal was saved: when, and by which key where that was noted."""

    number: int
    saved_at: datetime
    saved_by: UUID | None
    saved_by_name: str | None


async def create(
    tx: Tx, connection_id: UUID, goal: Goal, *, email: str | None, saved_by: UUID | None = None
) -> StoredGoal:
    """Save a new goal as its version 1; `saved_by` is the key that asked for it. The connection must exist."""
    settings = _stored(goal)
    goal_id: UUID = await tx.value(
        "goals.insert",
        tx.account_id,
        connection_id,
        goal.kind,
        goal.name,
        goal.active,
        goal.position,
        settings,
        email,
    )
    await tx.execute("goals.insert_version", tx.account_id, goal_id, 1, settings, saved_by)
    await dues.plan(tx, goal_id, goal)
    await expectations.plan(tx, goal_id, goal)
    return await get(tx, goal_id)


async def update(tx: Tx, goal_id: UUID, goal: Goal, *, saved_by: UUID | None = None) -> StoredGoal:
    """Save a change as the goal's next version; what changes nothing is none. Raises NotFound."""
    settings = _stored(goal)
    present = await lock(tx, goal_id)
    if _stored(present.goal) == settings:
        return present
    version = await tx.value(
        "goals.update", tx.account_id, goal_id, goal.kind, goal.name, goal.active, goal.position, settings
    )
    await tx.execute("goals.insert_version", tx.account_id, goal_id, version, settings, saved_by)
    await dues.plan(tx, goal_id, goal, before=present.goal)
    await expectations.plan(tx, goal_id, goal, before=present.goal)
    await claims.let_go(tx, goal_id=goal_id)
    return await get(tx, goal_id)


async def delete(tx: Tx, goal_id: UUID) -> None:
    """Take a goal away; its runs and versions stay. Raises NotFound."""
    if await tx.row("goals.delete", tx.account_id, goal_id) is None:
        raise NotFound
    await _leave(tx, goal_id)


async def delete_of_connection(tx: Tx, connection_id: UUID) -> None:
    """Take all goals of a connection away; their runs and versions stay."""
    for row in await tx.fetch("goals.delete_of_connection", tx.account_id, connection_id):
        await _leave(tx, row["goal_id"])


async def get(tx: Tx, goal_id: UUID, *, even_deleted: bool = False) -> StoredGoal:
    """One goal. Raises NotFound."""
    return _present(await tx.row("goals.get", tx.account_id, goal_id), even_deleted=even_deleted)


async def lock(tx: Tx, goal_id: UUID) -> StoredGoal:
    """One goal, held until the transaction ends. Raises NotFound."""
    return _present(await tx.row("goals.lock", tx.account_id, goal_id), even_deleted=False)


async def kinds(tx: Tx, goal_ids: Collection[UUID]) -> dict[UUID, str]:
    """The kinds of those of the goals that there are."""
    rows = await tx.fetch("goals.kinds", tx.account_id, sorted(goal_ids)) if goal_ids else []
    return {row["goal_id"]: row["kind"] for row in rows}


async def of_connection(tx: Tx, connection_id: UUID) -> list[StoredGoal]:
    """A connection's goals in their run order, inactive ones too."""
    return [_goal(row) for row in await tx.fetch("goals.of_connection", tx.account_id, connection_id)]


async def of_segment(tx: Tx, segment_id: UUID) -> list[StoredGoal]:
    """The active goals of all connections that are about a segment."""
    return [_goal(row) for row in await tx.fetch("goals.of_segment", tx.account_id, str(segment_id))]


@dataclass(frozen=True, slots=True)
class GoalFilter:
    """Which goals a list shows; None is any. `after` is the (position, name, id) of the last one seen."""

    kind: str | None = None
    is_active: bool | None = None
    name: str | None = None
    after: tuple[int, str, UUID] | None = None


async def page(tx: Tx, connection_id: UUID, chosen: GoalFilter, limit: int) -> list[StoredGoal]:
    """A connection's goals in their run order, inactive ones too."""
    after = chosen.after or (None, None, None)
    rows = await tx.fetch(
        "goals.page", tx.account_id, connection_id, chosen.kind, chosen.is_active, chosen.name, *after, limit
    )
    return [_goal(row) for row in rows]


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """Which versions of a goal a list shows; None is any. `before` is the number of the last one seen."""

    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None


async def versions(tx: Tx, goal_id: UUID, chosen: VersionFilter, limit: int) -> list[SavedVersion]:
    """What was saved of a goal, newest first."""
    rows = await tx.fetch("goals.versions", tx.account_id, goal_id, chosen.before, chosen.since, chosen.until, limit)
    return [_saved(row) for row in rows]


async def saved_version(tx: Tx, goal_id: UUID, number: int) -> tuple[SavedVersion, Goal]:
    """One version of a goal, with when and by which key it was saved. Raises NotFound."""
    row = await tx.row("goals.version_saved", tx.account_id, goal_id, number)
    if row is None:
        raise NotFound
    return _saved(row), _GOAL.validate_python(row["settings"])


async def version(tx: Tx, goal_id: UUID, number: int) -> Goal:
    """What the goal said in one of its versions. Raises NotFound."""
    settings = await tx.value("goals.version", tx.account_id, goal_id, number)
    if settings is None:
        raise NotFound
    return _GOAL.validate_python(settings)


async def _leave(tx: Tx, goal_id: UUID) -> None:
    await dues.plan(tx, goal_id, None)
    await expectations.plan(tx, goal_id, None)
    await export_marks.forget(tx, goal_id)


def _stored(goal: Goal) -> dict[str, object]:
    return goal.model_dump(mode="json", by_alias=True)


def _saved(row: Record) -> SavedVersion:
    return SavedVersion(row["version"], row["saved_at"], row["saved_by"], row["saved_by_name"])


def _present(row: Record | None, *, even_deleted: bool) -> StoredGoal:
    if row is None or (row["deleted_at"] is not None and not even_deleted):
        raise NotFound
    return _goal(row)


def _goal(row: Record) -> StoredGoal:
    return StoredGoal(
        id=row["goal_id"],
        connection_id=row["connection_id"],
        version=row["version"],
        goal=_GOAL.validate_python(row["settings"]),
        contact_email=row["created_by_email"],
        created_at=row["created_at"],
        deleted_at=row["deleted_at"],
    )
