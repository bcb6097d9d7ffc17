"""Timeline events of an account, in its own schema. Writes `events`; messages are written by `messages`.

The same id of the same type and domain group is the same event: said again, it becomes what is said now. What events
do to the profiles that they are about is `consent`'s to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.storage.database import Record, Tx
from shared.storage.statements import statement

Became = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event that somebody tells of, about a profile and a message that there are. Values are typed already."""

    event_type: str
    event_id: str | None
    profile_id: int
    occurred_at: datetime
    message_number: int | None
    properties: dict[str, Any]
    items: dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is stored."""

    number: int
    domain_group: int
    type: str
    id: str | None
    profile_id: int
    occurred_at: datetime
    message_number: int | None
    properties: dict[str, Any]
    items: dict[str, list[dict[str, Any]]]
    received_at: datetime
    created_by_run: UUID | None
    updated_by_run: UUID | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None is any. `since` is included, `until` is not."""

    type: str | None = None
    id: str | None = None
    profile_id: int | None = None
    message_number: int | None = None
    domain_group: int | None = None
    since: datetime | None = None
    until: datetime | None = None


async def record(tx: Tx, domain_group: int, told: Sequence[Arrived]) -> list[Became]:
    """Write events in their order, and say what became of each. One that comes twice is told of twice."""
    became: list[Became] = ["unchanged"] * len(told)
    text = _recording(tx, statement("events.given").replace("{events}", "$3"))
    for places in _rounds(told):
        rows = await tx.connection.fetch(text, domain_group, None, [_written(place, told[place]) for place in places])
        for row in rows:
            became[row["place"]] = row["became"]
    return became


async def record_told(tx: Tx, domain_group: int, arrived: str, *, run_id: UUID, into: str) -> None:
    """Write the events that a run has staged; what became of those that were not unchanged goes where `into` says.

    `arrived` is a quoted table with the columns of `events.given`, no event twice; `into` the head of an insert.
    """
    await tx.connection.execute(_recording(tx, arrived, into), domain_group, run_id)


def _recording(tx: Tx, arrived: str, into: str = "") -> str:
    text = statement("events.record").replace("{schema}", tx.schema)
    return text.replace("{arrived}", arrived).replace("{into}", into)


async def responded(tx: Tx) -> list[int]:
    """The numbers of the messages to which responses came with the events that this transaction wrote."""
    return [row["message_number"] for row in await tx.fetch("events.responded")]


async def page(tx: Tx, chosen: EventFilter, *, after_number: int, limit: int) -> list[Event]:
    """Events in the order in which they came; `after_number` is 0 at the start."""
    rows = await tx.fetch(
        "events.page",
        after_number,
        chosen.type,
        chosen.id,
        chosen.profile_id,
        chosen.message_number,
        chosen.domain_group,
        chosen.since,
        chosen.until,
        limit,
    )
    return [_event(row) for row in rows]


async def of_profile(
    tx: Tx, profile_id: int, chosen: EventFilter, *, before: tuple[datetime, int] | None, limit: int
) -> list[Event]:
    """A profile's events, newest first, by type and period; `before` is time and number of the last one seen."""
    at, number = before or (None, None)
    rows = await tx.fetch("events.of_profile", profile_id, chosen.type, chosen.since, chosen.until, at, number, limit)
    return [_event(row) for row in rows]


def _rounds(told: Sequence[Arrived]) -> list[list[int]]:
    """The places of events so that none comes twice in one round: the second time in the second."""
    seen: dict[tuple[str, str], int] = {}
    rounds: list[list[int]] = []
    for place, each in enumerate(told):
        turn = 0
        if each.event_id is not None:
            name = (each.event_type, each.event_id)
            turn = seen[name] = seen.get(name, -1) + 1
        while len(rounds) <= turn:
            rounds.append([])
        rounds[turn].append(place)
    return rounds


def _written(place: int, one: Arrived) -> dict[str, Any]:
    return {
        "place": place,
        "event_type": one.event_type,
        "event_id": one.event_id,
        "profile_id": one.profile_id,
        "occurred_at": one.occurred_at.isoformat(),
        "message_number": one.message_number,
        "properties": one.properties,
        "items": one.items,
    }


def _event(row: Record) -> Event:
    return Event(
        number=row["event_number"],
        domain_group=row["domain_group"],
        type=row["event_type"],
        id=row["event_id"],
        profile_id=row["profile_id"],
        occurred_at=row["occurred_at"],
        message_number=row["message_number"],
        properties=row["properties"],
        items=row["items"],
        received_at=row["received_at"],
        created_by_run=row["created_by_run"],
        updated_by_run=row["updated_by_run"],
    )
