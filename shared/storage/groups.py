"""Groups of an account, in its own schema. Writes `groups`; who belongs to them is written by `group_members`.

Values come as shared/processing/group_values.py types them. What is not said of a group stays as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.domain.failures import AlreadyExists, GroupTooWide, NotFound
from shared.domain.property import Property
from shared.storage import columns, group_members
from shared.storage.database import Record, Tx
from shared.storage.errors import identifiers_guarded
from shared.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Group:
    """A group; `values` by property name, None where there is none."""

    id: int
    group_type: int
    domain_group: int
    created_at: datetime
    updated_at: datetime
    version: int
    members: int
    """How many profiles belong to it."""
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which groups are wanted; None is any. `key` is an identifier's column and what stands there."""

    group_type: int | None = None
    domain_group: int | None = None
    key: tuple[str, str] | None = None
    after: int = 0


Said = Mapping[str, Any]
"""What becomes of a group's columns: values, and the keys of identifiers; None for what it has no more."""


async def create(tx: Tx, group_type: int, domain_group: int, said: Said, keys: Sequence[str]) -> int:
    """Make a group, of a type that the caller holds; its id. `keys` are those of the columns that are keys.

    Raises AlreadyExists where another group has one of them, GroupTooWide.
    """
    await _require_free(tx, group_type, domain_group, said, keys)
    text = statement("groups.insert").replace("{schema}", tx.schema)
    text = text.replace("{names}", "".join(f", {columns.quoted(name)}" for name in said))
    text = text.replace("{values}", "".join(f", ${number}" for number in range(3, 3 + len(said))))
    with _fitting():
        return int(await tx.connection.fetchval(text, group_type, domain_group, *said.values()))


async def get(tx: Tx, properties: Sequence[Property], group_id: int) -> Group:
    """One group with the values of those properties. Raises NotFound."""
    rows = await tx.connection.fetch(_text(tx, "groups.get", properties), group_id)
    if not rows:
        raise NotFound
    return _group(rows[0], properties)


async def lock(tx: Tx, properties: Sequence[Property], group_id: int) -> Group:
    """One group, held until the transaction ends. Raises NotFound."""
    if await tx.row("groups.lock", group_id) is None:
        raise NotFound
    return await get(tx, properties, group_id)


async def page(tx: Tx, properties: Sequence[Property], chosen: GroupFilter, limit: int) -> list[Group]:
    """Groups in the order in which they were made."""
    named, key = "", []
    if chosen.key is not None:
        column, value = chosen.key
        named, key = statement("groups.named").replace("{key}", columns.quoted(column)), [value]
    text = _text(tx, "groups.page", properties).replace("{named}", named)
    rows = await tx.connection.fetch(text, chosen.after, chosen.group_type, chosen.domain_group, limit, *key)
    return [_group(row, properties) for row in rows]


async def change(tx: Tx, held: Group, said: Said, keys: Sequence[str]) -> None:
    """Give a held group other values: a new version. Raises AlreadyExists, GroupTooWide as `create` does."""
    await _require_free(tx, held.group_type, held.domain_group, said, keys, held.id)
    values = ", ".join(f"{columns.quoted(name)} = ${number}" for number, name in enumerate(said, start=2))
    text = statement("groups.change").replace("{schema}", tx.schema).replace("{values}", values)
    with _fitting():
        await tx.connection.execute(text, held.id, *said.values())


async def delete(tx: Tx, held: Group) -> None:
    """Take a held group away, and everybody out of it; the profiles stay."""
    await group_members.remove_all(tx, held.id)
    await tx.execute("groups.delete", held.id)


async def _require_free(
    tx: Tx, group_type: int, domain_group: int, said: Said, keys: Sequence[str], own: int | None = None
) -> None:
    for column in keys:
        if said[column] is None:
            continue
        text = statement("groups.owner").replace("{schema}", tx.schema).replace("{key}", columns.quoted(column))
        owner = await tx.connection.fetchval(text, group_type, domain_group, said[column])
        if owner not in (None, own):
            raise AlreadyExists(f"The group {owner} has this {column.removeprefix('k_')} already.")


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        with identifiers_guarded():
            yield
    except asyncpg.ProgramLimitExceededError:
        # Not "from error": its text may tell of values.
        raise GroupTooWide from None


def _text(tx: Tx, name: str, properties: Sequence[Property]) -> str:
    selected = "".join(f", g.{columns.quoted(each.column)}" for each in properties)
    return statement(name).replace("{schema}", tx.schema).replace("{columns}", selected)


def _group(row: Record, properties: Sequence[Property]) -> Group:
    return Group(
        id=row["id"],
        group_type=row["group_type"],
        domain_group=row["domain_group"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
        members=row["members"],
        values={each.name: row[each.column] for each in properties},
    )
