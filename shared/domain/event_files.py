"""Files of timeline events beside the main file of an export of profiles: which, of when, and what stands in them.

One file for each type of events, and one for each kind of items that its events hold: `order`, `order_products`. What
joins them stands in both: the number that Tidegate gave the event, which every event has, the sender's own id, and the
profile. Nothing here knows how events are stored.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared.domain.event import EventProperty, EventType, EventTypeName, ItemKind
from shared.domain.model import Model
from shared.domain.processor import Processors
from shared.domain.profile_conditions import Days
from shared.domain.property import PropertyType

MOST_TABLES = 100
"""Of one export, split or not."""
Part = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,149}\z")]
"""What is put behind the main file's name."""
LEFT = "left"
"""What is put behind the name of the file of who has left, and so of none of events."""


class EventPeriod(Model):
    """When events occurred, or are to occur; exactly one of these. A day is 24 hours."""

    last_days: Days | None = Field(default=None, description="Before the run was asked for")
    next_days: Days | None = Field(default=None, description="From when the run was asked for, that moment included")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.last_days is None) == (self.next_days is None):
            raise ValueError("expected exactly one of last_days, next_days")
        return self

    def bounds(self, requested_at: datetime) -> tuple[datetime, datetime]:
        """From when on and until before when, for a run that was asked for then."""
        if self.next_days is not None:
            return requested_at, requested_at + timedelta(days=self.next_days)
        return requested_at - timedelta(days=self.last_days or 0), requested_at


class EventFiles(Model):
    """Further files, of the timeline events of the segment's profiles that have the goal's identifier.

    Beside `all.csv` they are `all_order.csv`, and `all_order_products.csv` with a row for each product; where another
    file has that name, `_events` or `_items` follows. In every row stand `event_number` (Tidegate's), `event_id` (the
    sender's, where it has one) and the profile's identifier, under the heading that it has in the main file; else its
    `system_id`. Then come `occurred_at`, of what refers to messages `message_reference` and `message_name`, and what
    the type has; of items `item_number`, from 1 on, and what they have. A property that is called as one of these
    gets its type's name before its own: `order.event_id`.

    With changed_only they tell the events that are new or changed since the last delivered export, those that came into
    the period since, and all events of profiles that it did not tell of. Who is in the main file has nothing to do with
    it: neither that a profile itself did not change, nor that a processor leaves it out.
    """

    types: Literal["all"] | Annotated[tuple[EventTypeName, ...], Field(min_length=1, max_length=MOST_TABLES)] = Field(
        description="All of which the account had any event, whosever and whenever, when the run was asked for; or "
        "these, whose files are there also without events"
    )
    period: EventPeriod | None = Field(default=None, description="When they occur; null: all time, what is to come too")
    processors: dict[Part, Processors] = Field(
        default={},
        max_length=MOST_TABLES,
        description="Steps that filter or change the rows of one of these files, by what is put behind the main file's "
        "name: `order`, `order_products`. They name its columns by their headings, and cannot ask for segments. A row "
        "that one cannot work on is held back and counted. Those of the main file do nothing here.",
    )

    @field_validator("types")
    @classmethod
    def _each_once(cls, value: Literal["all"] | tuple[str, ...]) -> Literal["all"] | tuple[str, ...]:
        if value != "all" and len(set(value)) != len(value):
            raise ValueError("found an event type twice")
        return value

    @property
    def named(self) -> tuple[EventTypeName, ...]:
        """The types that it names."""
        return () if self.types == "all" else self.types

    def bounds(self, requested_at: datetime) -> tuple[datetime | None, datetime | None]:
        """From when on and until before when its events occur, for a run that was asked for then; None without end."""
        return (None, None) if self.period is None else self.period.bounds(requested_at)


class Told(StrEnum):
    """What an event, or an item of one, says beside its properties."""

    EVENT_NUMBER = "event_number"
    EVENT_ID = "event_id"
    PROFILE = "profile"
    ITEM_NUMBER = "item_number"
    OCCURRED_AT = "occurred_at"
    MESSAGE_REFERENCE = "message_reference"
    MESSAGE_NAME = "message_name"


@dataclass(frozen=True, slots=True)
class EventTableColumn:
    """One column: its heading, how it is written, and what it holds."""

    heading: str
    type: PropertyType
    holds: Told | EventProperty


class _Wanted(NamedTuple):
    heading: str
    of: str
    """What goes before the heading where another column has it."""
    type: PropertyType
    holds: Told | EventProperty


@dataclass(frozen=True, slots=True)
class EventTable:
    """What becomes one file: the events of a type, or their items of one kind."""

    part: Part
    type: EventType
    kind: ItemKind | None = None

    def columns(self, identifier: str, identifier_type: PropertyType) -> tuple[EventTableColumn, ...]:
        """What stands in its rows; `identifier` is the heading of what names the profile."""
        known: set[str] = set()
        wanted = [
            _fact(Told.EVENT_NUMBER, PropertyType.INTEGER),
            _fact(Told.EVENT_ID),
            _Wanted(identifier, "profile", identifier_type, Told.PROFILE),
            *self._facts(),
            *self._properties(),
        ]
        return tuple(EventTableColumn(_own(each.heading, each.of, known), each.type, each.holds) for each in wanted)

    def _facts(self) -> Iterator[_Wanted]:
        if self.kind is not None:
            yield _fact(Told.ITEM_NUMBER, PropertyType.INTEGER, of="item")
            return
        yield _fact(Told.OCCURRED_AT, PropertyType.DATETIME)
        if self.type.message is not None:
            yield _fact(Told.MESSAGE_REFERENCE)
            yield _fact(Told.MESSAGE_NAME)

    def _properties(self) -> Iterator[_Wanted]:
        holder = self.type if self.kind is None else self.kind
        return (_Wanted(each.name, holder.name, each.type, each) for each in holder.properties)


def _fact(told: Told, kind: PropertyType = PropertyType.TEXT, of: str = "event") -> _Wanted:
    return _Wanted(told.value, of, kind, told)


def tables_of(types: Iterable[EventType]) -> tuple[EventTable, ...]:
    """The files of these types, in their order, each before its items; no two of one name, and none that is LEFT.

    Who comes first keeps the name: a type that is made later takes none away.
    """
    known = {LEFT}
    return tuple(table for each in types for table in _of_type(each, known))


def _of_type(each: EventType, known: set[str]) -> Iterator[EventTable]:
    yield EventTable(_free(each.name, "_events", known), each)
    for kind in each.items:
        yield EventTable(_free(f"{each.name}_{kind.name}", "_items", known), each, kind)


def _free(name: str, behind: str, known: set[str]) -> str:
    while name in known:
        name += behind
    known.add(name)
    return name


def _own(heading: str, of: str, known: set[str]) -> str:
    """A heading that no column before has."""
    while heading in known:
        heading = f"{of}.{heading}"
    known.add(heading)
    return heading
