"""Timeline events of profiles as files' rows: a row an event, and a row an item of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.domain.event import EventProperty
from shared.domain.event_files import MOST_TABLES, EventFiles, EventTable, EventTableColumn, Told, tables_of
from shared.domain.failures import InvalidGoal
from shared.domain.property import PropertyType
from shared.storage import event_types
from shared.storage.columns import TYPES
from shared.storage.conditions import SqlCondition
from shared.storage.database import Tx
from shared.storage.selections.news import Since
from shared.storage.selections.profiles import Profiles
from shared.storage.selections.selection import Condition, Parameters, SelectedColumn, Selection
from shared.storage.statements import statement

_FACTS = {
    Told.EVENT_NUMBER: "e.event_number",
    Told.EVENT_ID: "e.event_id",
    Told.ITEM_NUMBER: "i.number",
    Told.OCCURRED_AT: "e.occurred_at",
    Told.MESSAGE_REFERENCE: "msg.reference",
    Told.MESSAGE_NAME: "msg.name",
}
_CAST = (PropertyType.BOOLEAN, PropertyType.DATETIME)
"""What PostgreSQL writes otherwise than an event says it."""


async def event_tables(tx: Tx, files: EventFiles) -> tuple[EventTable, ...]:
    """The files of an export, of which `tx` sees the moment. Raises InvalidGoal.

    Where all types are wanted they are those of which that moment has events: so none of an event that it has is
    missing, and whatever comes later is news to the next export. A run that is repeated makes the files that it made
    before, and maybe more: events are not taken away, and a type that has any stays.
    """
    known = {each.type.name: each for each in await event_types.in_order(tx)}
    if files.types == "all":
        seen = {row["event_type"] for row in await tx.fetch("event_files.types_seen")}
        tables = tuple(each for each in tables_of(each.type for each in known.values()) if each.type.name in seen)
    else:
        missing = [each for each in files.types if each not in known]
        if missing:
            raise InvalidGoal(f"There is no type of events {missing[0]!r}.")
        tables = tables_of(known[each].type for each in files.types)
    if len(tables) > MOST_TABLES:
        raise InvalidGoal(f"Found {len(tables)} files of events, expected {MOST_TABLES} at most: name some types.")
    return tables


@dataclass(frozen=True, slots=True)
class Events:
    """The events of the profiles that a goal is about."""

    about: Profiles
    files: EventFiles
    now: datetime
    """When the run was asked for: what its period goes by."""

    def selected(self, table: EventTable, since: Since | None = None) -> Selection:
        """One file of them; since a mark, of those that are news. Raises InvalidGoal."""
        key = self.about.key
        columns = table.columns(key.heading, key.type)
        parameters = Parameters([self.about.domain_group])
        joins = "" if since is None else f" {parameters.fill(since.join_told)}"
        text = statement("event_files.events" if table.kind is None else "event_files.items")
        selected = [_value(each, key.text, parameters, is_item=table.kind is not None) for each in columns]
        shows_name = any(each.holds is Told.MESSAGE_NAME for each in columns)
        news = self._news(since, shows_name=shows_name)
        conditions = [*self.about.conditions(), *_between(*self.files.bounds(self.now)), *news]
        slots = {
            "{joins}": joins,
            "{type}": parameters.add(table.type.name, "text"),
            "{kind}": "" if table.kind is None else parameters.add(table.kind.name, "text"),
            "{conditions}": parameters.narrowed(conditions),
            "{columns}": "".join(f", {each}" for each in selected),
        }
        for slot, fragment in slots.items():
            text = text.replace(slot, fragment)
        return Selection(
            columns=tuple(SelectedColumn(each.heading, each.type) for each in columns),
            text=text,
            parameters=tuple(parameters.values),
            part=table.part,
            processors=self.files.processors.get(table.part, ()),
        )

    def _news(self, since: Since | None, *, shows_name: bool) -> Sequence[Condition]:
        """New or changed, or come into the period by time alone, or of a profile that was not told of, or of a message
        that was changed and whose name is shown."""
        if since is None:
            return ()
        _, told_until = self.files.bounds(since.requested_at)
        others = [] if told_until is None else [_bound("event_files.from", told_until)]
        if shows_name:
            others.append(partial(since.newer, xid="msg.changed_xid"))
        return (partial(since.news, changed="e.changed_xid", others=others),)


def _between(begin: datetime | None, end: datetime | None) -> list[Condition]:
    bounds = [("event_files.from", begin), ("event_files.until", end)]
    return [_bound(name, at) for name, at in bounds if at is not None]


def _bound(name: str, at: datetime) -> Condition:
    text = statement(name)
    return lambda first: SqlCondition(text.replace("{at}", f"${first}::timestamptz"), (at,))


def _value(column: EventTableColumn, profile: str, parameters: Parameters, *, is_item: bool) -> str:
    """What selects a column of an event, or of an item."""
    match column.holds:
        case EventProperty(name=name, type=kind):
            frame = "event_files.many" if kind.is_many else "event_files.typed" if kind in _CAST else "event_files.text"
            text = statement(frame).replace("{holder}", "i.item" if is_item else "e.properties")
            return text.replace("{cast}", TYPES[kind]).replace("{name}", parameters.add(name, "text"))
        case Told.PROFILE:
            return profile
        case fact:
            return _FACTS[fact]
