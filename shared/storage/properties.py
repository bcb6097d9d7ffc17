"""Properties: the typed columns that an account gave its profiles, and its groups. Writes `properties` and the columns.

Whoever does not say which kind of record means profiles: no property of groups ever stands among theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from shared.domain.built_in import OFFERED, RESERVED_NAMES
from shared.domain.failures import AlreadyExists, NotFound, PropertyIsBuiltIn, TooManyChoices, TooManyProperties
from shared.domain.property import MAX_CHOICES, MAX_PROPERTIES, Property, PropertyType, RecordType
from shared.storage import columns
from shared.storage.database import Record, Tx
from shared.storage.statements import statement

KEY_INDEX_PREFIX = "profiles_key_"
"""Indexes that keep identifiers unique are named so; with the longest property name just what PostgreSQL allows."""
_GROUP_KEY_PREFIX = "groups_key_"
_TABLES = {RecordType.PROFILE: "profiles", RecordType.GROUP: "groups"}
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredProperty:
    """A property as it is stored."""

    id: UUID
    property: Property
    version: int
    created_at: datetime


async def define(tx: Tx, new: Property, record: RecordType = RecordType.PROFILE) -> UUID:
    """Add a property and its column, for an identifier its key with a unique index too; the property's id.

    Raises AlreadyExists, PropertyIsBuiltIn, TooManyProperties, and TransactionConflict when the profiles are in use for
    too long.
    """
    if new.name in RESERVED_NAMES:
        raise PropertyIsBuiltIn
    await tx.execute("properties.lock_account", tx.account_id)
    await _demand_room(tx, record, 1)
    property_id = await _insert(tx, record, new)
    if property_id is None:
        raise AlreadyExists(f"Found the property {new.name!r} already.")
    await _add_columns(tx, record, [new])
    return property_id


async def ensure(tx: Tx, wanted: Sequence[Property], *, made_by: UUID | None = None) -> list[Property]:
    """Add those that the account has none of that name for; which they were. `made_by` is the run that needs them.

    Raises PropertyIsBuiltIn and TooManyProperties before anything is added, TransactionConflict when the profiles are
    in use for too long.
    """
    if not wanted or not await _missing(tx, wanted):
        return []
    await tx.execute("properties.lock_account", tx.account_id)
    new = await _missing(tx, wanted)
    if not RESERVED_NAMES.isdisjoint(each.name for each in new):
        raise PropertyIsBuiltIn
    if new:
        await _demand_room(tx, RecordType.PROFILE, len(new))
        for each in new:
            await _insert(tx, RecordType.PROFILE, each, made_by)
        await _add_columns(tx, RecordType.PROFILE, new)
    return new


async def made_by(tx: Tx, run_id: UUID) -> list[str]:
    """The names of the properties that a run made, in any of its attempts, in order."""
    return [row["name"] for row in await tx.fetch("properties.made_by", tx.account_id, run_id)]


async def list_all(tx: Tx) -> list[Property]:
    """The properties of profiles in the order in which they were defined, and behind them those that are built in.

    A property that an account defined before one of its name was built in is what that name means there.
    """
    defined = await _defined(tx, RecordType.PROFILE)
    return [*defined, *(each.property for each in _built_in(defined))]


async def of_groups(tx: Tx) -> list[Property]:
    """The properties of the account's groups, of whatever type, in the order in which they were defined."""
    return await _defined(tx, RecordType.GROUP)


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """Which properties a list shows; None is any. `after` is the (created_at, id) of the last one seen."""

    record: RecordType = RecordType.PROFILE
    type: PropertyType | None = None
    is_identifier: bool | None = None
    after: tuple[datetime, UUID] | None = None

    def takes(self, found: StoredProperty) -> bool:
        """Whether the list shows a property."""
        return (
            (self.type is None or found.property.type is self.type)
            and (self.is_identifier is None or found.property.is_identifier == self.is_identifier)
            and (self.after is None or (found.created_at, found.id) > self.after)
        )


async def page(tx: Tx, chosen: PropertyFilter, limit: int) -> list[StoredProperty]:
    """Properties that are built in (of profiles), then the account's in the order in which they were defined."""
    created_at, property_id = chosen.after or (None, None)
    first: list[StoredProperty] = []
    if chosen.record is RecordType.PROFILE and (created_at is None or created_at == _BEFORE_ALL):
        defined = await _defined(tx, chosen.record)
        first = [each for each in _built_in(defined) if chosen.takes(each)][:limit]
    rows = await tx.fetch(
        "properties.page",
        tx.account_id,
        chosen.record,
        chosen.type,
        chosen.is_identifier,
        created_at,
        property_id,
        limit - len(first),
    )
    return [*first, *map(_stored, rows)]


async def get(tx: Tx, name: str, record: RecordType = RecordType.PROFILE) -> StoredProperty:
    """One property. Raises NotFound."""
    row = await tx.row("properties.get", tx.account_id, record, name)
    if row is None and name in RESERVED_NAMES and record is RecordType.PROFILE:
        return next((each for each in _built_in([]) if each.property.name == name), None) or _stored(row)
    return _stored(row)


async def lock(tx: Tx, name: str, record: RecordType = RecordType.PROFILE) -> StoredProperty:
    """One property, held until the transaction ends. Raises NotFound, PropertyIsBuiltIn."""
    row = await tx.row("properties.lock", tx.account_id, record, name)
    if row is None and name in RESERVED_NAMES and record is RecordType.PROFILE:
        raise PropertyIsBuiltIn
    return _stored(row)


async def change(
    tx: Tx, stored: StoredProperty, changed: Property, record: RecordType = RecordType.PROFILE
) -> StoredProperty:
    """Give a property that the caller holds another label, other aliases, other choices: a new version."""
    aliases = {language: list(names) for language, names in changed.aliases.items()}
    await tx.execute("properties.change", tx.account_id, stored.id, changed.label, aliases, changed.choices)
    return await get(tx, stored.property.name, record)


async def add_choices(tx: Tx, name: str, words: Sequence[str]) -> int:
    """Make words choices of a property, behind those it has; how many were given. Raises TooManyChoices."""
    choices: int | None = await tx.value("properties.add_choices", tx.account_id, name, words)
    if choices is not None and choices > MAX_CHOICES:
        raise TooManyChoices(f"Found {choices} with those of the file, expected at most {MAX_CHOICES}.")
    return len(words)


def _built_in(defined: Sequence[Property]) -> list[StoredProperty]:
    names = {each.name for each in defined}
    return [
        StoredProperty(UUID(int=number), each, 1, _BEFORE_ALL)
        for number, each in enumerate(OFFERED, start=1)
        if each.name not in names
    ]


async def _missing(tx: Tx, wanted: Sequence[Property]) -> list[Property]:
    known = {each.name for each in await list_all(tx)}
    return [each for each in wanted if each.name not in known]


async def _defined(tx: Tx, record: RecordType) -> list[Property]:
    return [_property(row) for row in await tx.fetch("properties.list", tx.account_id, record)]


async def _demand_room(tx: Tx, record: RecordType, more: int) -> None:
    used = await tx.value("properties.columns_used", f"{tx.schema}.{_TABLES[record]}")
    if used + more > MAX_PROPERTIES:
        raise TooManyProperties(f"Found {used}, and {more} to be added.")


async def _insert(tx: Tx, record: RecordType, new: Property, made_by: UUID | None = None) -> UUID | None:
    """Its id; None where the name is taken."""
    property_id: UUID | None = await tx.value(
        "properties.insert",
        tx.account_id,
        record,
        new.name,
        new.type.value,
        new.is_identifier,
        new.label,
        new.choices,
        {language: list(names) for language, names in new.aliases.items()},
        made_by,
    )
    return property_id


async def _add_columns(tx: Tx, record: RecordType, new: Sequence[Property]) -> None:
    added = [f"ADD COLUMN {columns.quoted(each.column)} {columns.TYPES[each.type]}" for each in new]
    identifiers = [each for each in new if each.is_identifier]
    added += [f"ADD COLUMN {columns.quoted(each.key_column)} {columns.KEY_TYPE}" for each in identifiers]
    # A reader queued behind a waiting ALTER TABLE waits too: rather give up soon and be asked again.
    await tx.execute("properties.wait_briefly")
    await _run(tx, "properties.add_columns", table=_TABLES[record], columns=", ".join(added))
    is_of_profiles = record is RecordType.PROFILE
    for each in identifiers:
        index = columns.quoted((KEY_INDEX_PREFIX if is_of_profiles else _GROUP_KEY_PREFIX) + each.name)
        name = "properties.add_key_index" if is_of_profiles else "properties.add_group_key_index"
        await _run(tx, name, index=index, key=columns.quoted(each.key_column))
    await tx.execute("properties.wait_as_usual")


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
