"""Values of events as clients send them in JSON: judged and converted by the rules that columns of files go by.

Texts are read as constants of goals are (12.5, 2024-12-31, 2024-12-31T09:00:00Z); a number may also come as a JSON
number, a boolean as a JSON boolean, and a list must come as one. What is nothing (null, a blank text, an empty list)
is left out. Pure: what cannot be taken is told by its code, and nothing is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.event import EventProperty, EventType
from shared.domain.merge import MergeRule
from shared.domain.property import PropertyType
from shared.domain.reject import RejectCode
from shared.domain.trimmed import TRIMMED, folded
from shared.processing.mapping import MappedColumn
from shared.processing.values import typed

WRONG_TYPE = "wrong_type"
UNKNOWN_FIELD = "unknown_field"

Properties = Mapping[str, Any]
Items = Mapping[str, Sequence[Properties]]


@dataclass(slots=True)
class TypedEvent:
    """What an event says, ready to be stored; or the first thing that keeps it from that."""

    properties: dict[str, Any] = field(default_factory=dict)
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    code: str | None = None
    at: tuple[str | int, ...] = ()
    """Where in the event: ("properties", "total"), ("items", "products", 0, "price")."""

    def refuse(self, code: str, *at: str | int) -> None:
        """Keep the first thing that is wrong."""
        if self.code is None:
            self.code, self.at = code, at


@dataclass(frozen=True, slots=True)
class _Cell:
    """One value, what it goes into, and where it stands."""

    event: TypedEvent
    into: dict[str, Any]
    value: Any
    at: tuple[str | int, ...]


def typed_events(said: Sequence[tuple[EventType, Properties, Items]]) -> list[TypedEvent]:
    """What each event says, by its type. Values of one property are converted together."""
    cells: dict[int, tuple[EventProperty, list[_Cell]]] = {}
    events = []
    for kind, properties, items in said:
        event = TypedEvent()
        events.append(event)
        _sort(cells, event, event.properties, kind.properties, properties, ("properties",))
        for name, rows in items.items():
            item_kind = kind.item_kind(name)
            if item_kind is None:
                event.refuse(UNKNOWN_FIELD, "items", name)
                continue
            event.items[name] = [{} for _ in rows]
            for place, row in enumerate(rows):
                into = event.items[name][place]
                _sort(cells, event, into, item_kind.properties, row, ("items", name, place))
    _fill(cells)
    for event in events:
        # Rows of which nothing is left say nothing.
        event.items = {name: kept for name, rows in event.items.items() if (kept := [row for row in rows if row])}
    return events


def typed_properties(known: Sequence[EventProperty], said: Properties) -> TypedEvent:
    """What a record says of itself, by the same rules."""
    record = TypedEvent()
    cells: dict[int, tuple[EventProperty, list[_Cell]]] = {}
    _sort(cells, record, record.properties, known, said, ("properties",))
    _fill(cells)
    return record


def _sort(
    cells: dict[int, tuple[EventProperty, list[_Cell]]],
    event: TypedEvent,
    into: dict[str, Any],
    known: Sequence[EventProperty],
    said: Properties,
    at: tuple[str | int, ...],
) -> None:
    by_name = {each.name: each for each in known}
    for name, value in said.items():
        entry = by_name.get(name)
        if entry is None:
            event.refuse(UNKNOWN_FIELD, *at, name)
            continue
        # By the entry itself: the same property of many events is one and the same.
        cells.setdefault(id(entry), (entry, []))[1].append(_Cell(event, into, value, (*at, name)))


def _fill(cells: Mapping[int, tuple[EventProperty, list[_Cell]]]) -> None:
    for entry, found in cells.values():
        for cell, (value, code) in zip(found, _converted(entry, [cell.value for cell in found]), strict=True):
            if code is not None:
                cell.event.refuse(code, *cell.at)
            elif value is not None:
                cell.into[entry.name] = value


def _converted(entry: EventProperty, values: Sequence[Any]) -> list[tuple[Any, str | None]]:
    if entry.type.is_many:
        return [_several(entry, value) for value in values]
    texts = [_text_of(entry.type, value) for value in values]
    dialect = Dialect()
    column = MappedColumn(
        None, entry.name, entry.as_property(), MergeRule.SET, dialect, date_pattern(dialect.date_format)
    )
    read = typed(pl.Series([text or "" for text in texts], dtype=pl.String), column)
    codes = [None] * len(texts) if read.codes is None else read.codes.to_list()
    return [
        (None, WRONG_TYPE) if text is None else (_stored(entry.type, value), code)
        for text, value, code in zip(texts, read.values.to_list(), codes, strict=True)
    ]


def _text_of(kind: PropertyType, value: Any) -> str | None:
    """A value as it would stand in a file; None where no such property can have one of its JSON type."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower() if kind is PropertyType.BOOLEAN else None
    if isinstance(value, int | float) and kind in (PropertyType.INTEGER, PropertyType.NUMBER):
        number = format(Decimal(repr(value)), "f")
        # 2.0 is a whole number in JSON; a file that says 2.0 where whole numbers are due is not believed.
        return number.removesuffix(".0") if isinstance(value, float) else number
    return None


def _stored(kind: PropertyType, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    return moment_text(datetime.fromisoformat(value)) if kind is PropertyType.DATETIME else str(value)


def moment_text(moment: datetime) -> str:
    """A moment in UTC as the database writes it in JSON: a fraction without the zeros at its end."""
    text = moment.isoformat()
    if not moment.microsecond:
        return text
    whole, _, rest = text.partition(".")
    fraction, _, offset = rest.partition("+")
    return f"{whole}.{fraction.rstrip('0')}+{offset}"


def _several(entry: EventProperty, value: Any) -> tuple[list[str] | None, str | None]:
    """Items trimmed, empty ones dropped, each once, in order: as lists in files are read."""
    if value is None:
        return None, None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return None, WRONG_TYPE
    items = list(dict.fromkeys(item for each in value if (item := each.strip(TRIMMED))))
    if entry.type is PropertyType.MULTI_CHOICE:
        known = {folded(choice): choice for choice in entry.choices}
        if any(folded(each) not in known for each in items):
            return None, RejectCode.UNKNOWN_CHOICE.value
        items = list(dict.fromkeys(known[folded(each)] for each in items))
    return items or None, None
