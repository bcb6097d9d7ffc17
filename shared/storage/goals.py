"""Goals and their versions. Writes `goals` and `goal_versions`.

Every saved change is a new version, and a run keeps to the version that it was made for. Whether settings make
sense is not judged here: `shared/processing/goal_checks.py` does, before anything is saved.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from shared.domain.failures import NotFound
from shared.domain.goal import Goal
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


async def create(tx: Tx, connection_id: UUID, goal: Goal, *, email: str | None) -> StoredGoal:
    """Save a new goal as its version 1. The connection must exist."""
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
    await tx.execute("goals.insert_version", tx.account_id, goal_id, 1, settings)
    return await get(tx, goal_id)


async def update(tx: Tx, goal_id: UUID, goal: Goal) -> StoredGoal:
    """Save a change as the goal's next version. Raises NotFound."""
    settings = _stored(goal)
    version = await tx.value(
        "goals.update", tx.account_id, goal_id, goal.kind, goal.name, goal.active, goal.position, settings
    )
    if version is None:
        raise NotFound
    await tx.execute("goals.insert_version", tx.account_id, goal_id, version, settings)
    return await get(tx, goal_id)


async def delete(tx: Tx, goal_id: UUID) -> None:
    """Take a goal away; its runs and versions stay. Raises NotFound."""
    if await tx.row("goals.delete", tx.account_id, goal_id) is None:
        raise NotFound


async def get(tx: Tx, goal_id: UUID, *, even_deleted: bool = False) -> StoredGoal:
    """One goal. Raises NotFound."""
    return _present(await tx.row("goals.get", tx.account_id, goal_id), even_deleted=even_deleted)


async def lock(tx: Tx, goal_id: UUID) -> StoredGoal:
    """One goal, held until the transaction ends. Raises NotFound."""
    return _present(await tx.row("goals.lock", tx.account_id, goal_id), even_deleted=False)


async def of_connection(tx: Tx, connection_id: UUID) -> list[StoredGoal]:
    """A connection's goals in their run order, inactive ones too."""
    return [_goal(row) for row in await tx.fetch("goals.of_connection", tx.account_id, connection_id)]


async def version(tx: Tx, goal_id: UUID, number: int) -> Goal:
    """What the goal said in one of its versions. Raises NotFound."""
    settings = await tx.value("goals.version", tx.account_id, goal_id, number)
    if settings is None:
        raise NotFound
    return _GOAL.validate_python(settings)


def _stored(goal: Goal) -> dict[str, object]:
    return goal.model_dump(mode="json", by_alias=True)


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
