"""Who is on which list, in the account's own schema. Writes `list_members`, and how many there are in `lists`.

Who is taken off stays here with the time of it, so that an export of what changed can tell that too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.storage.database import Tx

LISTS_SHOWN = 100
"""Of one profile: a goal that makes a list for each file may have put it on thousands."""


@dataclass(frozen=True, slots=True)
class Member:
    """A profile on a list."""

    profile_id: int
    added_at: datetime
    added_by_run: UUID | None


@dataclass(frozen=True, slots=True)
class ListOfProfile:
    """A list that a profile is on."""

    id: UUID
    number: int
    name: str
    added_at: datetime


async def page(tx: Tx, list_number: int, *, after_profile: int, limit: int) -> list[Member]:
    """Who is on a list, in the order of the profiles' ids; `after_profile` is 0 at the start."""
    return [Member(**dict(row)) for row in await tx.fetch("list_members.page", list_number, after_profile, limit)]


async def lists_of(tx: Tx, profile_ids: Sequence[int]) -> dict[int, list[ListOfProfile]]:
    """The lists that profiles are on, `LISTS_SHOWN` of each at most, those first that they were put on last."""
    found: dict[int, list[ListOfProfile]] = {}
    for row in await tx.fetch("list_members.lists_of", profile_ids, LISTS_SHOWN):
        one = ListOfProfile(row["list_id"], row["number"], row["name"], row["added_at"])
        found.setdefault(row["profile_id"], []).append(one)
    return found
