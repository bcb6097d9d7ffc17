"""Properties: the typed columns that an account gave its profiles. Writes `properties` and the columns themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.failures import AlreadyExists, NotFound, TooManyChoices, TooManyProperties
from shared.domain.property import MAX_CHOICES, MAX_PROPERTIES, Property, PropertyType
from shared.storage import columns
from shared.storage.database import Record, Tx
from shared.storage.statements import statement

KEY_INDEX_PREFIX = "profiles_key_"
"""Indexes that keep identifiers unique are named so; with the longest property name just what PostgreSQL allows."""


@dataclass(frozen=True, slots=True)
class StoredProperty:
    """A property as it is stored."""

    id: UUID
    property: Property
    version: int
    created_at: datetime


async def define(tx: Tx, new: Property) -> UUID:
    """Add a property and its column, for an identifier its key with a unique index too; the property's id.

    Raises AlreadyExists, TooManyProperties, and TransactionConflict when the profiles are in use for too long.
    """
    await tx.execute("properties.lock_account", tx.account_id)
    if await tx.value("properties.columns_used", f"{tx.schema}.profiles") >= MAX_PROPERTIES:
        raise TooManyProperties
    property_id: UUID | None = await tx.value(
        "properties.insert",
        tx.account_id,
        new.name,
        new.type.value,
        new.is_identifier,
        new.label,
        new.choices,
        {language: list(names) for language, names in new.aliases.items()},
    )
    if property_id is None:
        raise AlreadyExists(f"Found the property {new.name!r} already.")
    added = [f"ADD COLUMN {columns.quoted(new.column)} {columns.TYPES[new.type]}"]
    if new.is_identifier:
        added.append(f"ADD COLUMN {columns.quoted(new.key_column)} {columns.KEY_TYPE}")
    # A reader queued behind a waiting ALTER TABLE waits too: rather give up soon and be asked again.
    await tx.execute("properties.wait_briefly")
    await _run(tx, "properties.add_columns", columns=", ".join(added))
    if new.is_identifier:
        index = columns.quoted(KEY_INDEX_PREFIX + new.name)
        await _run(tx, "properties.add_key_index", index=index, key=columns.quoted(new.key_column))
    await tx.execute("properties.wait_as_usual")
    return property_id


async def list_all(tx: Tx) -> list[Property]:
    """The account's properties in the order in which they were defined."""
    return [_property(row) for row in await tx.fetch("properties.list", tx.account_id)]


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """Which properties a list shows; None is any. `after` is the (created_at, id) of the last one seen."""

    type: PropertyType | None = None
    is_identifier: bool | None = None
    after: tuple[datetime, UUID] | None = None


async def page(tx: Tx, chosen: PropertyFilter, limit: int) -> list[StoredProperty]:
    """The account's properties in the order in which they were defined."""
    created_at, property_id = chosen.after or (None, None)
    rows = await tx.fetch(
        "properties.page", tx.account_id, chosen.type, chosen.is_identifier, created_at, property_id, limit
    )
    return [_stored(row) for row in rows]


async def get(tx: Tx, name: str) -> StoredProperty:
    """One property. Raises NotFound."""
    return _stored(await tx.row("properties.get", tx.account_id, name))


async def lock(tx: Tx, name: str) -> StoredProperty:
    """One property, held until the transaction ends. Raises NotFound."""
    return _stored(await tx.row("properties.lock", tx.account_id, name))


async def change(tx: Tx, stored: StoredProperty, changed: Property) -> StoredProperty:
    """Give a property that the caller holds another label, other aliases, other choices: a new version."""
    aliases = {language: list(names) for language, names in changed.aliases.items()}
    await tx.execute("properties.change", tx.account_id, stored.id, changed.label, aliases, changed.choices)
    return await get(tx, stored.property.name)


async def add_choices(tx: Tx, name: str, words: Sequence[str]) -> int:
    """Make words choices of a property, behind those it has; how many were given. Raises TooManyChoices."""
    choices: int | None = await tx.value("properties.add_choices", tx.account_id, name, words)
    if choices is not None and choices > MAX_CHOICES:
        raise TooManyChoices(f"Found {choices} with those of the file, expected at most {MAX_CHOICES}.")
    return len(words)


def _stored(row: Record | None) -> StoredProperty:
    if row is None:
        raise NotFound
    return StoredProperty(row["property_id"], _property(row), row["version"], row["created_at"])


def _property(row: Record) -> Property:
    return Property(
        name=row["name"],
        type=PropertyType(row["type"]),
        is_identifier=row["is_identifier"],
        label=row["label"],
        choices=row["choices"],
        aliases=row["aliases"],
    )


async def _run(tx: Tx, name: str, **fragments: str) -> None:
    text = statement(name).replace("{schema}", tx.schema)
    for slot, fragment in fragments.items():
        text = text.replace("{" + slot + "}", fragment)
    await tx.connection.execute(text)
