"""Decide which column of a file feeds which property, before any row is looked at.

Names of a header are compared exactly, after trimming and Unicode's canonical composition (NFC): case, punctuation and
order of words are not guessed at. Columns may have moved; columns that are not mapped are reported and ignored.
What a value must look like is the business of `typing`.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from shared.domain.dates import DatePattern, date_pattern
from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, InvalidGoal
from shared.domain.goal import IdentifierField, ImportGoal, MappedField
from shared.domain.identifier import TRIMMED
from shared.domain.merge import MergeRule, allowed
from shared.domain.property import Property, PropertyType

Entry = IdentifierField | MappedField

_SHOWN_NAMES = 30
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column of the file that goes into one property."""

    position: int
    shown: str
    """How messages and rejects name the column."""
    property: Property
    rule: MergeRule
    pattern: DatePattern | None
    """How dates and times are written, where the property is one."""


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """What to make of the columns of one file."""

    columns: tuple[MappedColumn, ...]
    """The goal's identifiers first, in their order, then its mapping."""
    identifiers: int
    """How many of the columns name the profile."""
    dialect: Dialect
    ignored: tuple[str, ...]
    """Names in the header that are not mapped."""

    @property
    def staged(self) -> tuple[str, ...]:
        """The names of the columns that a typed frame has, in order."""
        keys = [column.property.key_column for column in self.columns if column.property.is_identifier]
        return ("record_number", "line_number", *keys, *(column.property.column for column in self.columns))


def plan_of(
    goal: ImportGoal, properties: Sequence[Property], header: tuple[str, ...] | None, width: int
) -> MappingPlan:
    """Resolve the goal's columns against the account's properties and the file's header.

    Raises `InvalidGoal` where the goal contradicts the properties, `HeaderChanged` where the file lacks a column or
    has one twice. Neither text holds a value of a row.
    """
    known = {each.name: each for each in properties}
    entries: list[Entry] = [*goal.identifiers, *goal.mapping]
    chosen = [_property_of(entry, known) for entry in entries]
    places = _places(entries, header, width)
    columns = tuple(
        MappedColumn(
            position=place,
            shown=entry.shown,
            property=each,
            rule=entry.rule if isinstance(entry, MappedField) else MergeRule.SET,
            pattern=_pattern_of(entry, each, goal.dialect),
        )
        for entry, each, place in zip(entries, chosen, places, strict=True)
    )
    used = set(places)
    ignored = tuple(name for place, name in enumerate(header or ()) if place not in used)
    return MappingPlan(columns, len(goal.identifiers), goal.dialect, ignored)


def _property_of(entry: Entry, known: Mapping[str, Property]) -> Property:
    found = known.get(entry.property)
    if found is None:
        near = get_close_matches(entry.property, known, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise InvalidGoal(f"There is no property {entry.property!r}.{hint}")
    if isinstance(entry, IdentifierField) and not found.is_identifier:
        raise InvalidGoal(f"The property {found.name!r} is used as an identifier, but is none.")
    if found.is_identifier and found.type is PropertyType.LIST:
        raise InvalidGoal(f"The property {found.name!r} is a list, and a list cannot name a profile.")
    rule = entry.rule if isinstance(entry, MappedField) else MergeRule.SET
    if not allowed(rule, found.type, is_identifier=found.is_identifier):
        kind = "an identifier" if found.is_identifier else found.type.value
        raise InvalidGoal(f"The rule {rule.value!r} cannot be used on {found.name!r}, which is {kind}.")
    return found


def _pattern_of(entry: Entry, kind: Property, dialect: Dialect) -> DatePattern | None:
    if kind.type not in (PropertyType.DATE, PropertyType.DATETIME):
        return None
    own = entry.date_format if isinstance(entry, MappedField) else None
    try:
        pattern = date_pattern(own or dialect.date_format)
    except ValueError as error:
        raise InvalidGoal(f"The dateFormat of {entry.shown!r}: {error}.") from error
    if kind.type is PropertyType.DATE and pattern.has_time:
        raise InvalidGoal(
            f"The dateFormat {pattern.pattern!r} of {entry.shown!r} has a time, but {kind.name!r} is a date. "
            "Give that mapping a dateFormat of its own, without the time."
        )
    return pattern


def _places(entries: Sequence[Entry], header: tuple[str, ...] | None, width: int) -> list[int]:
    wanted = [entry.field for entry in entries if entry.field is not None]
    by_name: dict[str, list[int]] = {}
    for place, name in enumerate(header or ()):
        by_name.setdefault(_folded(name), []).append(place)
    missing = [name for name in wanted if _folded(name) not in by_name]
    if missing:
        raise HeaderChanged(_lack(missing, wanted, header or ()))
    twice = [name for name in wanted if len(by_name[_folded(name)]) > 1]
    if twice:
        raise HeaderChanged(f"Expected each mapped field once, found more than once: {_listed(twice)}.")
    beyond = [entry.position for entry in entries if entry.position is not None and entry.position >= width]
    if beyond:
        raise HeaderChanged(f"Expected a field at position {min(beyond)} (0-based), found {width} fields.")
    return [
        entry.position if entry.position is not None else by_name[_folded(entry.field or "")][0] for entry in entries
    ]


def _lack(missing: Sequence[str], wanted: Sequence[str], header: tuple[str, ...]) -> str:
    """What is expected and found. The first line of a file without a header is a person's record: it is not shown."""
    expected = f"Expected {_listed(missing)}"
    if len(set(missing)) == len(set(wanted)) and not any(get_close_matches(name, header) for name in missing):
        return f"{expected}, found {len(header)} fields with none of the mapped names; is there a header at all?"
    near = {name: get_close_matches(name, header, n=1) for name in missing}
    hints = [f"{_shortened(name)} may now be {_shortened(found[0])}" for name, found in near.items() if found]
    return ". ".join([f"{expected}, found {_listed(header)}", *hints]) + "."


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip(TRIMMED))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_shortened(name) for name in names[:_SHOWN_NAMES])
    return shown if len(names) <= _SHOWN_NAMES else f"{shown} and {len(names) - _SHOWN_NAMES} more"


def _shortened(name: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in name.strip(TRIMMED))
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
