"""Decide which column of a file feeds which property, before any row is looked at.

Names of a header are compared exactly, after trimming and Unicode's canonical composition (NFC): case, punctuation and
order of words are not guessed at. Columns may have moved; those that are not mapped are left.
What a value must look like is the business of `typing`.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from difflib import get_close_matches

from shared.domain.built_in import OPT_IN, OWN, identifier_named
from shared.domain.dates import AUTO, DatePattern, date_pattern
from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, InvalidGoal
from shared.domain.fields import IdentifierField, MappedField
from shared.domain.goal import AnyImport
from shared.domain.merge import MergeRule, allowed
from shared.domain.property import Property, PropertyType
from shared.domain.reject import ALL_OWN_COLUMNS, hands_back, hands_values_back
from shared.domain.trimmed import folded
from shared.processing.file_columns import FileColumn, FileColumns, listed, shortened

Entry = IdentifierField | MappedField


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column of the file that goes into one property."""

    position: int | None
    """None where the file lacks the column and the goal does not ask for it."""
    shown: str
    """How messages and rejects name the column."""
    property: Property
    rule: MergeRule
    dialect: Dialect
    """The file's, with what this column writes otherwise."""
    pattern: DatePattern | None = None
    """How dates and times are written, where the property is one."""
    entry: Entry | None = None
    """What the goal says of it; None where a column stands for itself."""
    is_lenient: bool = False
    """Whether a bad value leaves the rest of its row."""
    flag: str | None = None
    """The staged column that tells an absent value from an empty one, where that makes a difference."""
    is_blank_absent: bool = False
    """Whether nothing in the column says nothing: in files of rejected values that come back."""


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """What to make of the columns of one file."""

    columns: tuple[MappedColumn, ...]
    """The goal's identifiers first, in their order, then its mapping, then what its other settings read."""
    identifiers: int
    """How many of the columns name the profile."""
    left: tuple[FileColumn, ...]
    """Columns with a name that are not mapped."""
    renamed: int = 0
    """How many columns were known by another name of their property."""
    names_rejects: bool = False
    """Whether rows that are rejected are asked whom they name."""

    @property
    def naming(self) -> tuple[int, ...]:
        """The positions of the columns that say whom a rejected row names, where that is asked."""
        return tuple(self._positions()) if self.names_rejects else ()

    def _positions(self) -> Iterator[int]:
        for column in (*self.names, *self.words):
            if column.position is not None:
                yield column.position

    @property
    def names(self) -> tuple[MappedColumn, ...]:
        """The columns that name a profile: the goal's identifiers, then those that rows set and are not found by."""
        mapped = self.columns[self.identifiers :]
        return self.columns[: self.identifiers] + tuple(each for each in mapped if each.property.is_identifier)

    @property
    def words(self) -> tuple[MappedColumn, ...]:
        """The column that says whether a row's person opts in or out, where there is one."""
        return tuple(column for column in self.columns[self.identifiers :] if column.property == OPT_IN)

    @property
    def staged(self) -> tuple[str, ...]:
        """The names of the columns that a typed frame has, in order."""
        keys = [column.property.key_column for column in self.columns if column.property.is_identifier]
        flags = [column.flag for column in self.columns if column.flag is not None]
        return ("record_number", "line_number", *keys, *(column.property.column for column in self.columns), *flags)


def plan_of(goal: AnyImport, properties: Sequence[Property], columns: FileColumns) -> MappingPlan:
    """Resolve the goal's columns against the account's properties and the file's columns, as the processors leave them.

    Raises `InvalidGoal` where the goal contradicts the properties, `HeaderChanged` where the file lacks a column or
    has one twice. Neither text holds a value of a row.
    """
    # An account's own first: what a goal's settings go into may be called like one.
    known = {each.name: each for each in reversed(properties)}
    own = OWN | {each.name: each for each in properties if each.is_built_in}
    entries: list[Entry] = [*goal.identifiers, *goal.mapping]
    chosen = [_property_of(entry, goal, known) for entry in entries]
    entries += goal.own_fields
    chosen += [own[entry.property] for entry in goal.own_fields]
    places, renamed = _places(list(zip(entries, chosen, strict=True)), columns)
    is_partial = hands_values_back([column.name for column in columns.columns])
    mapped = tuple(
        replace(_column(entry, each, place, goal), is_blank_absent=is_partial)
        for entry, each, place in zip(entries, chosen, places, strict=True)
    )
    used = set(places)
    left = tuple(
        column
        for place, column in enumerate(columns.columns)
        if column.name is not None and place not in used and folded(column.name) not in ALL_OWN_COLUMNS
    )
    return MappingPlan(mapped, len(goal.identifiers), left, renamed, goal.wants_named_rejects)


def names_lacking(goal: AnyImport, properties: Sequence[Property], header: Sequence[str]) -> frozenset[str]:
    """All names, folded, of the columns that the goal reads by name and that a header has under none of them."""
    other_names = {each.name: each.other_names for each in (*properties, *OWN.values())}
    present = {folded(name) for name in header}
    lacking: set[str] = set()
    entries: list[Entry] = [*goal.identifiers, *goal.mapping, *goal.own_fields]
    for entry in entries:
        names = {folded(name) for name in (entry.field, *other_names.get(entry.property, ())) if name is not None}
        if entry.field is not None and names.isdisjoint(present):
            lacking |= names
    return frozenset(lacking)


def _column(entry: Entry, kind: Property, place: int | None, goal: AnyImport) -> MappedColumn:
    is_constant = isinstance(entry, MappedField) and entry.constant is not None
    dialect = Dialect() if is_constant else entry.within(goal.dialect)
    return MappedColumn(
        position=place,
        shown=entry.shown,
        property=kind,
        rule=goal.rule_of(entry) if isinstance(entry, MappedField) else MergeRule.SET,
        dialect=dialect,
        pattern=_pattern_of(entry, kind, dialect),
        entry=entry,
        is_lenient=isinstance(entry, MappedField) and not is_constant and goal.is_lenient(entry),
        flag=kind.flag_column if isinstance(entry, MappedField) and goal.flags_absent(entry) else None,
    )


def _property_of(entry: Entry, goal: AnyImport, known: Mapping[str, Property]) -> Property:
    found = identifier_named(entry.property, known) if isinstance(entry, IdentifierField) else known.get(entry.property)
    if found is None:
        near = get_close_matches(entry.property, known, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise InvalidGoal(f"There is no property {entry.property!r}.{hint}")
    if isinstance(entry, IdentifierField) and not found.is_identifier:
        raise InvalidGoal(f"The property {found.name!r} is used as an identifier, but is none.")
    rule = goal.rule_of(entry) if isinstance(entry, MappedField) else MergeRule.SET
    if not allowed(rule, found.type, is_identifier=found.is_identifier):
        kind = "an identifier" if found.is_identifier else found.type.value
        raise InvalidGoal(f"The rule {rule.value!r} cannot be used on {found.name!r}, which is {kind}.")
    return found


def _pattern_of(entry: Entry, kind: Property, dialect: Dialect) -> DatePattern | None:
    """How the column's dates are written; None where it has none, or where the whole column is to tell (`auto`)."""
    if kind.type not in (PropertyType.DATE, PropertyType.DATETIME) or dialect.date_format == AUTO:
        return None
    try:
        return date_pattern(dialect.date_format, dialect.pivot_year)
    except ValueError as error:
        raise InvalidGoal(f"The dateFormat of {entry.shown!r}: {error}.") from error


def _places(wanted: Sequence[tuple[Entry, Property]], columns: FileColumns) -> tuple[list[int | None], int]:
    """Where each column stands, and how many of them the file calls by another name of their property."""
    by_name: dict[str, list[int]] = {}
    for place, column in enumerate(columns.columns):
        if column.name is not None:
            by_name.setdefault(folded(column.name), []).append(place)
    # A column that one entry names is not another's under one of its other names.
    named = {folded(entry.field) for entry, _ in wanted if entry.field is not None}
    names = [_name_in(entry, kind, by_name, named) for entry, kind in wanted]
    _demand_names(wanted, names, by_name, columns)
    by_position = {column.position: place for place, column in enumerate(columns.columns)}
    lacking = [
        entry.position
        for entry, _ in wanted
        if entry.position is not None and entry.position not in by_position and _is_required(entry, columns)
    ]
    if lacking:
        raise HeaderChanged(
            f"Expected a field at position {min(lacking)} (0-based), found {len(columns.columns)} fields."
        )
    places = [
        by_name[name][0]
        if name is not None
        else by_position.get(entry.position)
        if entry.position is not None
        else None
        for (entry, _), name in zip(wanted, names, strict=True)
    ]
    renamed = sum(
        name is not None and entry.field is not None and name != folded(entry.field)
        for (entry, _), name in zip(wanted, names, strict=True)
    )
    return places, renamed


def _demand_names(
    wanted: Sequence[tuple[Entry, Property]],
    names: Sequence[str | None],
    by_name: Mapping[str, list[int]],
    columns: FileColumns,
) -> None:
    """Raise HeaderChanged where a column that must be there is not, or where one is there twice."""
    asked = [entry.field for entry, _ in wanted if entry.field is not None]
    missing = [
        entry.field
        for (entry, _), name in zip(wanted, names, strict=True)
        if entry.field is not None and name is None and _is_required(entry, columns)
    ]
    if missing:
        raise HeaderChanged(_lack(missing, asked, columns.header or ()))
    twice = sorted({name for name in names if name is not None and len(by_name[name]) > 1})
    if twice:
        raise HeaderChanged(f"Expected each mapped field once, found more than once: {listed(twice)}.")


def _name_in(entry: Entry, kind: Property, by_name: Mapping[str, list[int]], named: Set[str]) -> str | None:
    """What the file calls an entry's column: as the goal does, or else by one of its property's other names.

    Raises HeaderChanged where two columns go by other names of one property.
    """
    if entry.field is None:
        return None
    if folded(entry.field) in by_name:
        return folded(entry.field)
    others = sorted({folded(name) for name in kind.other_names} & by_name.keys() - named)
    if len(others) > 1:
        raise HeaderChanged(
            f"Expected {shortened(entry.field)}; found {listed(others)}, which are all names of {kind.name!r}."
        )
    return others[0] if others else None


def _is_required(entry: Entry, columns: FileColumns) -> bool:
    """Whether a file without the column is refused. One that hands rejects back may hold their columns alone."""
    if not isinstance(entry, MappedField):
        return True
    return entry.required and not hands_back(column.name for column in columns.columns)


def _lack(missing: Sequence[str], wanted: Sequence[str], header: tuple[str, ...]) -> str:
    """What is expected and found. The first line of a file without a header is a person's record: it is not shown."""
    expected = f"Expected {listed(missing)}"
    if len(set(missing)) == len(set(wanted)) and not any(get_close_matches(name, header) for name in missing):
        return f"{expected}, found {len(header)} fields with none of the mapped names; is there a header at all?"
    near = {name: get_close_matches(name, header, n=1) for name in missing}
    hints = [f"{shortened(name)} may now be {shortened(found[0])}" for name, found in near.items() if found]
    return ". ".join([f"{expected}, found {listed(header)}", *hints]) + "."
