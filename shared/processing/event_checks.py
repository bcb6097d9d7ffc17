"""Whether the columns of an import of events make sense for its event types. Asked by goal_checks.py. Pure."""

from collections.abc import Iterator, Mapping

from shared.domain.dates import AUTO
from shared.domain.event import EventProperty, EventType
from shared.domain.event_rules import EventColumn, ToldEvent
from shared.processing.event_columns import said_by, said_of_items
from shared.processing.goal_flaws import Flaw, Surroundings, date_flaws


def columns_of(
    told: ToldEvent, types: Mapping[str, EventType]
) -> Iterator[tuple[str, EventColumn, list[EventProperty]]]:
    """Every column of a property, with its pointer and what it says in events of each type that has the property."""
    for number, column in enumerate(told.mapping):
        yield f"/event/mapping/{number}", column, said_by(told, types, column)
    for place, items in enumerate(told.items):
        for number, column in enumerate(items.mapping):
            said = said_of_items(told, types, items.kind, column)
            yield f"/event/items/{place}/mapping/{number}", column, said


def event_flaws(told: ToldEvent, around: Surroundings) -> Iterator[Flaw]:
    """What is wrong with the types, the message, the time, and with what the columns go into."""
    known = around.event_types
    missing = [name for name in told.types if name not in known]
    if missing:
        detail = f"The account has no event type {missing[0]!r}; make it first."
        yield Flaw("/event/type" if isinstance(told.type, str) else "/event/type/types", "unknown_event_type", detail)
        return
    if told.message is not None and all(known[name].message is None for name in told.types):
        detail = f"Found a message for {', '.join(told.types)}, which refer to none."
        yield Flaw("/event/message", "message_not_allowed", detail)
    if told.occurred_at.date_format not in (None, AUTO):
        yield from date_flaws("/event/occurred_at/dateFormat", str(told.occurred_at.date_format))
    for pointer, column, said in columns_of(told, known):
        if not said:
            detail = f"No event of the goal has a property {column.property!r} there; add it to the event type first."
            yield Flaw(f"{pointer}/property", "unknown_property", detail)
        elif len({(each.type, each.choices) for each in said}) > 1:
            detail = f"The property {column.property!r} is not of one type in all event types that have it."
            yield Flaw(f"{pointer}/property", "other_type", detail)
