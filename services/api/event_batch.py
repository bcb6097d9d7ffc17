"""A batch of events, taken: each is recorded, or refused for itself with a code and a place; the others go on.

One transaction of the caller's. What a request must be like as a whole was judged before.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, WithJsonSchema, model_validator

from services.api.pointers import escaped
from services.api.problems import FIELD_CODES, FieldError
from services.api.routes.answers import Asked
from shared.domain.built_in import identifier_named
from shared.domain.event import MAX_ITEMS, EventId, EventType, MessageKind, MessageReference
from shared.domain.lists import MAX_NUMBER
from shared.domain.moment import Moment
from shared.domain.reject import MESSAGES, RejectCode
from shared.processing.event_values import TypedEvent, typed_events
from shared.storage import event_effects, event_types, events, messages, profiles, properties
from shared.storage.database import Tx
from shared.storage.events import Arrived

MAX_EVENTS = 1_000
"""Of one request."""

SOURCE = "api"
"""Where a consent comes from that an event withdraws."""

State = Literal["created", "updated", "unchanged", "refused"]
Value = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "number"},
                {"type": "boolean"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "null"},
            ]
        }
    ),
]
Values = Annotated[dict[str, Value], Field(max_length=1_000)]


class MessageNamed(Asked):
    """The message that an event is about: by its reference, or by the number that Tidegate gave it."""

    reference: MessageReference | None = None
    number: Annotated[StrictInt, Field(ge=1, le=MAX_NUMBER)] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "MessageNamed":
        if (self.reference is None) == (self.number is None):
            raise ValueError("expected exactly one of reference, number")
        return self


class EventTold(Asked):
    """An event, about one profile."""

    type: str = Field(min_length=1, max_length=50, description="The name of an event type")
    id: EventId | None = Field(
        default=None,
        description="What the sender calls it: the same id of the same type and domain group is the same event, and "
        "says what it was told to say last. Without one, each is a new event",
    )
    identifiers: dict[str, Annotated[str, Field(max_length=1_000)]] = Field(
        min_length=1,
        max_length=10,
        description="Values of identifier properties by name, such as `email`; `system_id` is the profile's `id`. "
        "Several must name the same profile",
    )
    occurred_at: Moment
    message: MessageNamed | None = Field(
        default=None, description="A reference that is new makes a message of the kind that the type refers to"
    )
    properties: Values = Field(default={}, description="By name, as the event type has them; null is as if left out")
    items: dict[str, Annotated[list[Values], Field(max_length=MAX_ITEMS)]] = Field(
        default={}, max_length=100, description="By kind of item, as the event type has them"
    )


@dataclass(slots=True)
class Taken:
    """What became of an event."""

    told: EventTold
    place: int
    state: State = "refused"
    error: FieldError | None = None
    kind: EventType | None = None
    typed: TypedEvent = field(default_factory=TypedEvent)
    profile_id: int = 0
    message_number: int | None = None

    @property
    def is_refused(self) -> bool:
        """Whether something was found that keeps it from being recorded."""
        return self.error is not None

    @property
    def message_kind(self) -> MessageKind | None:
        """What kind of message events of the type refer to."""
        return None if self.kind is None else self.kind.message

    def refuse(self, code: str, *at: str | int) -> None:
        """Keep the first thing that is wrong, with its place in the request."""
        if self.error is None:
            pointer = "".join(f"/{escaped(str(part))}" for part in ("events", self.place, *at))
            self.error = FieldError(pointer=pointer, code=code, detail=_SENTENCES[code])


async def take(tx: Tx, domain_group: int, told: Sequence[EventTold]) -> list[Taken]:
    """Record the events of a request, and say what became of each, in their order.

    What they say about suppression reaches their profiles: see `event_effects`.
    """
    batch = [Taken(each, place) for place, each in enumerate(told)]
    await _judge_values(tx, batch)
    await _find_profiles(tx, domain_group, batch)
    await _find_messages(tx, batch)
    good = [each for each in batch if not each.is_refused]
    became = await events.record(tx, domain_group, [_arrived(each) for each in good])
    for each, state in zip(good, became, strict=True):
        each.state = state
    await event_effects.take_effect(tx, run_id=None, source=SOURCE)
    return batch


async def _judge_values(tx: Tx, batch: Sequence[Taken]) -> None:
    kinds = await event_types.hold(tx, {each.told.type for each in batch})
    for each in batch:
        each.kind = kinds.get(each.told.type)
        if each.kind is None:
            each.refuse("unknown_event_type", "type")
    known = [each for each in batch if each.kind is not None]
    said = [(each.kind, each.told.properties, each.told.items) for each in known if each.kind is not None]
    # Off the loop: thousands of values are milliseconds, in which everybody else would wait.
    for each, typed in zip(known, await asyncio.to_thread(typed_events, said), strict=True):
        each.typed = typed
        if typed.code is not None:
            each.refuse(typed.code, *typed.at)


async def _find_profiles(tx: Tx, domain_group: int, batch: Sequence[Taken]) -> None:
    known = {each.name: each for each in await properties.list_all(tx)}
    wanted: dict[str, set[str]] = {}
    for each in batch:
        for name, value in each.told.identifiers.items():
            identifier = identifier_named(name, known)
            if identifier is None or not identifier.is_identifier:
                each.refuse("not_an_identifier", "identifiers", name)
            else:
                wanted.setdefault(name, set()).add(value)
    found = {}
    for name, values in wanted.items():
        identifier = identifier_named(name, known)
        assert identifier is not None
        found[name] = await profiles.named(tx, identifier, domain_group, values)
    for each in batch:
        if not each.is_refused:
            named = {found[name].get(value) for name, value in each.told.identifiers.items()}
            if None in named:
                each.refuse(RejectCode.UNKNOWN_PROFILE, "identifiers")
            elif len(named) > 1:
                each.refuse(RejectCode.IDENTIFIER_CONFLICT, "identifiers")
            else:
                (each.profile_id,) = (number for number in named if number is not None)


async def _find_messages(tx: Tx, batch: Sequence[Taken]) -> None:
    numbers: set[tuple[MessageKind, int]] = set()
    references: set[tuple[MessageKind, str]] = set()
    for each in batch:
        kind, named = each.message_kind, each.told.message
        if each.is_refused or named is None:
            continue
        if kind is None:
            each.refuse("message_not_allowed", "message")
        elif named.number is not None:
            numbers.add((kind, named.number))
        elif named.reference is not None:
            references.add((kind, named.reference))
    there = await messages.numbered(tx, numbers)
    by_reference = await messages.referred(tx, references)
    for each in batch:
        kind, named = each.message_kind, each.told.message
        if each.is_refused or named is None or kind is None:
            continue
        if named.reference is not None:
            each.message_number = by_reference[kind, named.reference]
        elif (kind, named.number) in there:
            each.message_number = named.number
        else:
            each.refuse("unknown_message", "message", "number")


def _arrived(each: Taken) -> Arrived:
    return Arrived(
        event_type=each.told.type,
        event_id=each.told.id,
        profile_id=each.profile_id,
        occurred_at=each.told.occurred_at,
        message_number=each.message_number,
        properties=each.typed.properties,
        items=each.typed.items,
    )


_SENTENCES: dict[str, str] = FIELD_CODES | {code.value: sentence for code, sentence in MESSAGES.items()}
