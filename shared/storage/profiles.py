"""Profiles as they are read. Only merge.py writes them.

Numbers come as Decimal, exactly; lists as lists. Columns are listed by name, so that a property which is defined
meanwhile changes nothing.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.domain.built_in import SYSTEM_ID
from shared.domain.consent import Suppression
from shared.domain.failures import InvalidRequest
from shared.domain.identifier import key_of
from shared.domain.property import Property
from shared.storage import columns
from shared.storage.database import Record, Tx
from shared.storage.statements import statement

_NUMBER = re.compile("[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Profile:
    """One person of the contact database; `values` by property name, None where there is none."""

    id: int
    domain_group: int
    created_at: datetime
    updated_at: datetime
    created_by_run: UUID | None
    updated_by_run: UUID | None
    opt_in: bool | None
    consent_at: datetime | None
    """When what `opt_in` says was said."""
    consent_source: str | None
    suppression: Suppression | None
    suppressed_at: datetime | None
    language: str | None
    permission_level: str | None
    values: dict[str, Any]


async def get(tx: Tx, properties: Sequence[Property], profile_id: int) -> Profile | None:
    """One profile with the values of those properties."""
    rows = await tx.connection.fetch(_text(tx, "profiles.get", properties), profile_id)
    return _profile(rows[0], properties) if rows else None


async def find(
    tx: Tx, properties: Sequence[Property], domain_group: int, identifiers: Mapping[str, str]
) -> Profile | None:
    """The profile that all the given identifiers name, whatever their spelling; None where they name none or two.

    Raises InvalidRequest for a property that is no identifier of the account, and where none is given.
    """
    known = {each.name: each for each in properties if each.is_identifier}
    if not identifiers or not identifiers.keys() <= known.keys():
        raise InvalidRequest(f"Expected at least one of these identifiers, and no other: {', '.join(known)}.")
    keys = [key_of(value, known[name].type) for name, value in identifiers.items()]
    if any("\0" in key for key in keys):
        return None
    conditions = " AND ".join(
        f"p.{columns.quoted(known[name].key_column)} = ${number}" for number, name in enumerate(identifiers, start=2)
    )
    text = _text(tx, "profiles.find", properties).replace("{conditions}", conditions)
    rows = await tx.connection.fetch(text, domain_group, *keys)
    return _profile(rows[0], properties) if rows else None


async def named(tx: Tx, identifier: Property, domain_group: int, values: Collection[str]) -> dict[str, int]:
    """The numbers of the profiles that values of one identifier name, by value; those that name none are left out."""
    if identifier == SYSTEM_ID:
        numbers = {value: int(value) for value in values if _NUMBER.fullmatch(value) and int(value) < 2**63}
        rows = await tx.fetch("profiles.numbered", domain_group, list(numbers.values()))
        known = {row["id"] for row in rows}
        return {value: number for value, number in numbers.items() if number in known}
    keys = {value: key_of(value, identifier.type) for value in values}
    text = statement("profiles.named").replace("{schema}", tx.schema)
    text = text.replace("{key}", columns.quoted(identifier.key_column))
    found = {row["key"]: row["id"] for row in await tx.connection.fetch(text, domain_group, list(keys.values()))}
    return {value: found[key] for value, key in keys.items() if key in found}


async def page(
    tx: Tx, properties: Sequence[Property], *, after_id: int, limit: int, domain_group: int | None = None
) -> list[Profile]:
    """Profiles in the order of their ids, of one domain group or of all; `after_id` is 0 at the start."""
    rows = await tx.connection.fetch(_text(tx, "profiles.page", properties), after_id, domain_group, limit)
    return [_profile(row, properties) for row in rows]


async def count(tx: Tx, domain_group: int | None = None) -> int:
    """How many profiles there are, of one domain group or of all."""
    return int(await tx.value("profiles.count", domain_group))


def _text(tx: Tx, name: str, properties: Sequence[Property]) -> str:
    selected = "".join(f", p.{columns.quoted(each.column)}" for each in properties)
    return statement(name).replace("{schema}", tx.schema).replace("{columns}", selected)


def _profile(row: Record, properties: Sequence[Property]) -> Profile:
    return Profile(
        id=row["id"],
        domain_group=row["domain_group"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        created_by_run=row["created_by_run"],
        updated_by_run=row["updated_by_run"],
        opt_in=row["opt_in"],
        consent_at=row["consent_at"],
        consent_source=row["consent_source"],
        suppression=None if row["suppression"] is None else Suppression(row["suppression"]),
        suppressed_at=row["suppressed_at"],
        language=row["language"],
        permission_level=row["permission_level"],
        values={each.name: row[each.column] for each in properties},
    )
