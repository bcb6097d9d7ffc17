"""The columns of an import of events as properties that typing and staging know: by the types of the events.

They are built in, so that their staged columns have no prefix and meet none of the account's; what names an event (its
type, its id, its message) is compared by its key. Pure.
"""

from collections.abc import Iterator, Mapping

from shared.domain.event import EventProperty, EventType
from shared.domain.event_rules import (
    EVENT_ID,
    EVENT_TYPE,
    MESSAGE,
    OCCURRED_AT,
    EventColumn,
    ToldEvent,
    item_column,
    property_column,
)
from shared.domain.failures import InvalidGoal
from shared.domain.property import Property, PropertyType


def properties_of(told: ToldEvent, types: Mapping[str, EventType]) -> tuple[Property, ...]:
    """What the columns of `told.columns` go into. Raises InvalidGoal where the types have it no longer."""
    return tuple(_properties(told, types))


def said_by(told: ToldEvent, types: Mapping[str, EventType], column: EventColumn) -> list[EventProperty]:
    """What a column says in events of each type that has its property."""
    found = (types[name].property_named(column.property) for name in told.types if name in types)
    return [each for each in found if each is not None]


def said_of_items(
    told: ToldEvent, types: Mapping[str, EventType], kind: str, column: EventColumn
) -> list[EventProperty]:
    """The same of a column of items."""
    kinds = (types[name].item_kind(kind) for name in told.types if name in types)
    return [each for found in kinds if found for each in found.properties if each.name == column.property]


def _properties(told: ToldEvent, types: Mapping[str, EventType]) -> Iterator[Property]:
    yield _own(EVENT_TYPE, PropertyType.SINGLE_CHOICE, is_identifier=True, choices=told.types)
    yield _own(EVENT_ID, PropertyType.TEXT, is_identifier=True)
    yield _own(MESSAGE, PropertyType.TEXT, is_identifier=True)
    yield _own(OCCURRED_AT, PropertyType.DATETIME)
    for number, column in enumerate(told.mapping):
        yield _of(property_column(number), column, said_by(told, types, column))
    for place, items in enumerate(told.items):
        for number, column in enumerate(items.mapping):
            yield _of(item_column(place, number), column, said_of_items(told, types, items.kind, column))


def _of(name: str, column: EventColumn, said: list[EventProperty]) -> Property:
    if not said:
        raise InvalidGoal(f"No event type of the goal has the property {column.property!r}.")
    return _own(name, said[0].type, choices=said[0].choices)


def _own(name: str, kind: PropertyType, *, is_identifier: bool = False, choices: tuple[str, ...] = ()) -> Property:
    return Property(name=name, type=kind, is_identifier=is_identifier, choices=choices, is_built_in=True)
