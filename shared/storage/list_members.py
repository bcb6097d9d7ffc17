"""Who is on which list, in the account's own schema. Writes `list_members`, and how many there are in `lists`.

Who is taken off stays here with the time of it, so that an export of what changed can tell that too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.storage import lists
from shared.storage.database import Tx
from shared.storage.statements import statement

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


async def add(tx: Tx, list_number: int, chosen: str, *, run_id: UUID) -> int:
    """Put profiles on a list that the caller holds; how many of them were not on it before.

    `chosen` is a quoted table of the transaction, or a select in brackets, with the profiles' numbers as `id`.
    """
    text = statement("list_members.add").replace("{schema}", tx.schema).replace("{chosen}", chosen)
    added = int((await tx.connection.execute(text, list_number, run_id)).rsplit(" ", 1)[-1])
    await lists.count_members(tx, list_number, added)
    return added


async def remove(tx: Tx, list_number: int, chosen: str, *, run_id: UUID) -> int:
    """Take profiles off a list that the caller holds; how many of them were on it. `chosen` as for `add`."""
    text = statement("list_members.remove").replace("{schema}", tx.schema).replace("{chosen}", chosen)
    removed = int((await tx.connection.execute(text, list_number, run_id)).rsplit(" ", 1)[-1])
    await lists.count_members(tx, list_number, -removed)
    return removed


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
