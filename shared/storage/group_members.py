"""Who belongs to which group, in the account's own schema. Writes `group_members`.

Who is taken out stays here with the time of it, so that an export of what changed can tell that too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.property import Property
from shared.storage import columns
from shared.storage.database import Tx
from shared.storage.list_members import Member
from shared.storage.statements import statement

GROUPS_SHOWN = 100
"""Of one profile."""


@dataclass(frozen=True, slots=True)
class GroupOfProfile:
    """A group that a profile belongs to; `values` are those of its identifiers, by name."""

    id: int
    group_type: int
    added_at: datetime
    values: dict[str, Any]


async def fitting(tx: Tx, profile_ids: Collection[int], domain_group: int) -> set[int]:
    """Those of these profiles that there are in a domain group, kept until the transaction ends."""
    return {row["id"] for row in await tx.fetch("group_members.fitting", list(profile_ids), domain_group)}


async def add(tx: Tx, group_id: int, profile_ids: Collection[int]) -> int:
    """Put profiles into a group that the caller holds; how many of them did not belong to it before."""
    return await tx.execute("group_members.add", group_id, list(profile_ids))


async def remove(tx: Tx, group_id: int, profile_ids: Collection[int]) -> int:
    """Take profiles out of a group that the caller holds; how many of them belonged to it."""
    return await tx.execute("group_members.remove", group_id, list(profile_ids))


async def remove_all(tx: Tx, group_id: int) -> None:
    """Take everybody out of a group."""
    await tx.execute("group_members.remove_all", group_id)


async def page(tx: Tx, group_id: int, *, after_profile: int, limit: int) -> list[Member]:
    """Who belongs to a group, in the order of the profiles' ids; `after_profile` is 0 at the start."""
    return [Member(**dict(row)) for row in await tx.fetch("group_members.page", group_id, after_profile, limit)]


async def groups_of(
    tx: Tx, profile_ids: Sequence[int], identifiers: Sequence[Property]
) -> dict[int, list[GroupOfProfile]]:
    """The groups that profiles belong to, `GROUPS_SHOWN` of each at most, the latest first, with their identifiers."""
    selected = "".join(f", g.{columns.quoted(each.column)}" for each in identifiers)
    text = statement("group_members.groups_of").replace("{schema}", tx.schema).replace("{columns}", selected)
    found: dict[int, list[GroupOfProfile]] = {}
    for row in await tx.connection.fetch(text, list(profile_ids), GROUPS_SHOWN):
        values = {each.name: row[each.column] for each in identifiers}
        one = GroupOfProfile(row["id"], row["group_type"], row["added_at"], values)
        found.setdefault(row["profile_id"], []).append(one)
    return found
