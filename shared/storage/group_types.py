"""Types of groups of an account. Writes `group_types`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from shared.domain.failures import AlreadyExists, GroupTypeInUse, NotFound, TooManyGroupTypes
from shared.domain.group import MAX_GROUP_TYPES, GroupType
from shared.domain.profile_conditions import InGroup
from shared.storage import segments
from shared.storage.database import Record, Tx


@dataclass(frozen=True, slots=True)
class StoredGroupType:
    """A type of groups as it is stored."""

    number: int
    """What its groups carry."""
    type: GroupType
    version: int
    created_at: datetime


async def create(tx: Tx, new: GroupType) -> StoredGroupType:
    """Make a type of groups; its identifier must be one. Raises AlreadyExists, TooManyGroupTypes."""
    await tx.execute("group_types.lock_account", tx.account_id)
    if await tx.value("group_types.count", tx.account_id) >= MAX_GROUP_TYPES:
        raise TooManyGroupTypes(f"Expected at most {MAX_GROUP_TYPES}.")
    row = await tx.row("group_types.insert", tx.account_id, new.name, new.model_dump(mode="json"))
    if row is None:
        raise AlreadyExists(f"Found the type of groups {new.name!r} already.")
    return _stored(row)


async def get(tx: Tx, name: str) -> StoredGroupType:
    """One type. Raises NotFound."""
    return _stored(await tx.row("group_types.get", tx.account_id, name))


async def lock(tx: Tx, name: str) -> StoredGroupType:
    """One type, held until the transaction ends. Raises NotFound."""
    return _stored(await tx.row("group_types.lock", tx.account_id, name))


async def hold(tx: Tx, names: Collection[str]) -> dict[str, StoredGroupType]:
    """Those of these types that there are, by name; kept as they are until the transaction ends."""
    rows = await tx.fetch("group_types.hold", tx.account_id, sorted(set(names)))
    return {each.type.name: each for each in map(_stored, rows)}


async def list_all(tx: Tx) -> list[StoredGroupType]:
    """All types in the order in which they were made."""
    return [_stored(row) for row in await tx.fetch("group_types.list", tx.account_id)]


async def page(tx: Tx, *, after: int, limit: int) -> list[StoredGroupType]:
    """Types in the order in which they were made; `after` is 0 at the start."""
    return [_stored(row) for row in await tx.fetch("group_types.page", tx.account_id, after, limit)]


async def change(tx: Tx, held: StoredGroupType, changed: GroupType) -> StoredGroupType:
    """Give a held type another label: a new version."""
    return _stored(await tx.row("group_types.change", tx.account_id, held.number, changed.model_dump(mode="json")))


async def delete(tx: Tx, held: StoredGroupType) -> None:
    """Take a held type away. Raises GroupTypeInUse where there are groups of it, or a goal or a segment names it."""
    if await tx.value("group_types.has_groups", held.number):
        raise GroupTypeInUse("Found groups of the type.")
    users = await tx.fetch("group_types.goals", tx.account_id, {"type": held.type.name})
    if users:
        raise GroupTypeInUse(f"Found the goals {', '.join(str(row['goal_id']) for row in users)}.")
    asking = await segments.asking(tx, lambda leaf: isinstance(leaf, InGroup) and leaf.group.type == held.type.name)
    if asking:
        raise GroupTypeInUse(f"Found the segments {', '.join(map(str, asking))}.")
    await tx.execute("group_types.delete", tx.account_id, held.number)


def _stored(row: Record | None) -> StoredGroupType:
    if row is None:
        raise NotFound
    return StoredGroupType(row["number"], GroupType.model_validate(row["settings"]), row["version"], row["created_at"])
