"""Lists of an account, in its own schema. Writes `lists`; who is on them is written by `list_members`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import UUID

from shared.domain.failures import AlreadyExists, ListInUse, NotFound
from shared.domain.lists import MAX_NAME_CHARACTERS, numbered
from shared.domain.profile_conditions import OnList
from shared.storage import segments
from shared.storage.database import Record, Tx
from shared.storage.errors import names_guarded


@dataclass(frozen=True, slots=True)
class StoredList:
    """A list as it is stored."""

    id: UUID
    number: int
    name: str
    members: int
    """How many profiles are on it."""
    version: int
    created_at: datetime
    created_by_run: UUID | None

    @property
    def references(self) -> tuple[UUID, int]:
        """What goals can name it by."""
        return self.id, self.number


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which lists are wanted; None is any. `after` is the number of the last one seen."""

    name: str | None = None
    number: int | None = None
    after: int = 0


async def create(tx: Tx, name: str) -> StoredList:
    """Make a list, with a number that no list of the account ever had. Raises AlreadyExists."""
    row = await tx.row("lists.insert", name, None)
    if row is None:
        raise AlreadyExists(f"Found a list {name!r} already.")
    return _list(row)


async def get(tx: Tx, list_id: UUID) -> StoredList:
    """One list. Raises NotFound."""
    return _list(await tx.row("lists.get", list_id))


async def lock(tx: Tx, list_id: UUID) -> StoredList:
    """One list, held until the transaction ends. Raises NotFound."""
    return _list(await tx.row("lists.lock", list_id))


async def page(tx: Tx, chosen: ListFilter, limit: int) -> list[StoredList]:
    """Lists in the order of their numbers."""
    return [_list(row) for row in await tx.fetch("lists.page", chosen.name, chosen.number, chosen.after, limit)]


async def rename(tx: Tx, held: StoredList, name: str) -> StoredList:
    """Give a held list another name: a new version. Raises AlreadyExists."""
    others = await page(tx, ListFilter(name=name), 1)
    if others and others[0].id != held.id:
        raise AlreadyExists(f"Found a list {name!r} already.")
    with names_guarded():
        return _list(await tx.row("lists.rename", held.id, name))


async def delete(tx: Tx, held: StoredList) -> None:
    """Take a held list away with who is on it; the profiles stay. Raises ListInUse where something names it."""
    users = await tx.fetch("lists.users", tx.account_id, [str(held.id)], [held.number])
    if users:
        raise ListInUse(f"Found the goals {', '.join(str(row['goal_id']) for row in users)}.")
    asking = await segments.asking(tx, lambda leaf: isinstance(leaf, OnList) and leaf.list in held.references)
    if asking:
        raise ListInUse(f"Found the segments {', '.join(str(each) for each in asking)}.")
    await tx.execute("lists.take_all_off", held.number)
    await tx.execute("lists.delete", held.id)


async def create_for_run(tx: Tx, run_id: UUID, name: str) -> StoredList:
    """Make the list of an import, under a free name where this one is taken: see `numbered`."""
    wanted = name
    while (row := await tx.row("lists.insert", wanted, run_id)) is None:
        # Cut as far as any number may cut it.
        taken = {each["name"] for each in await tx.fetch("lists.taken", name[: MAX_NAME_CHARACTERS - 20])}
        wanted = next(free for n in count(2) if (free := numbered(name, n)) not in taken)
    return _list(row)


async def hold(tx: Tx, references: Collection[UUID | int]) -> list[StoredList]:
    """Those of these lists that there are, by number, kept from being deleted until the transaction ends.

    `references` are ids and numbers.
    """
    return [_list(row) for row in await tx.fetch("lists.hold", *_apart(references))]


async def numbers_of(tx: Tx, references: Collection[UUID | int]) -> dict[UUID | int, int]:
    """The numbers of those of these lists that there are, by what they are named by. `references` are as for `hold`."""
    found: dict[UUID | int, int] = {}
    for row in await tx.fetch("lists.named", *_apart(references)):
        found |= {name: row["number"] for name in (row["list_id"], row["number"]) if name in references}
    return found


async def count_members(tx: Tx, number: int, more: int) -> None:
    """Note that so many more are on a list; fewer where `more` is negative. Of who writes members."""
    if more:
        await tx.execute("lists.count", number, more)


def _apart(references: Collection[UUID | int]) -> tuple[list[UUID], list[int]]:
    """Ids, and numbers."""
    return [each for each in references if isinstance(each, UUID)], [
        each for each in references if isinstance(each, int)
    ]


def _list(row: Record | None) -> StoredList:
    if row is None:
        raise NotFound
    facts = dict(row)
    return StoredList(id=facts.pop("list_id"), **facts)
