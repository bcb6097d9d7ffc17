"""Properties: the typed columns that an account gave its profiles. Writes `properties` and the columns themselves."""

from uuid import UUID

from shared.domain.failures import AlreadyExists, TooManyProperties
from shared.domain.property import MAX_PROPERTIES, Property, PropertyType
from shared.storage import columns
from shared.storage.database import Tx
from shared.storage.statements import statement

KEY_INDEX_PREFIX = "profiles_key_"
"""Indexes that keep identifiers unique are named so; with the longest property name just what PostgreSQL allows."""


async def define(tx: Tx, new: Property) -> UUID:
    """Add a property and its column, for an identifier its key with a unique index too; the property's id.

    Raises AlreadyExists, TooManyProperties, and TransactionConflict when the profiles are in use for too long.
    """
    await tx.execute("properties.lock_account", tx.account_id)
    if await tx.value("properties.columns_used", f"{tx.schema}.profiles") >= MAX_PROPERTIES:
        raise TooManyProperties
    property_id: UUID | None = await tx.value(
        "properties.insert", tx.account_id, new.name, new.type.value, new.is_identifier, new.label
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
    rows = await tx.fetch("properties.list", tx.account_id)
    return [
        Property(
            name=row["name"], type=PropertyType(row["type"]), is_identifier=row["is_identifier"], label=row["label"]
        )
        for row in rows
    ]


async def _run(tx: Tx, name: str, **fragments: str) -> None:
    text = statement(name).replace("{schema}", tx.schema)
    for slot, fragment in fragments.items():
        text = text.replace("{" + slot + "}", fragment)
    await tx.connection.execute(text)
