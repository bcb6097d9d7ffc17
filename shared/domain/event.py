"""Timeline events: what a profile did, or what was done to it, at a time.

Each event is of a type, which says what it can hold: properties of its own, and nested items such as an order's
products, all typed as properties of profiles are. Some types are built in and are the same in every account. What a
sender says of an event replaces what it said of it before; what events do to suppression stands in
`shared/storage/consent.py`. Nothing here knows how events are stored.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StrictInt, StringConstraints, field_validator, model_validator

from shared.domain.identifier import MAX_IDENTIFIER_BYTES, key_of
from shared.domain.model import Model
from shared.domain.property import MAX_CHOICES, Choice, Property, PropertyName, PropertyType
from shared.domain.trimmed import folded

MAX_EVENT_TYPES = 500
"""Of one account, those that are built in aside."""
MAX_PROPERTIES = 200
"""Of one event type, and of one kind of item."""
MAX_ITEM_KINDS = 20
MAX_ITEMS = 1_000
"""Of one kind in one event."""
MAX_EVENT_BYTES = 1024 * 1024
"""Of all that one event says, as JSON."""

EventTypeName = PropertyName
Label = Annotated[str, StringConstraints(max_length=200)]
MessageKind = Literal["mailing", "sms"]
"""A message is a mailing or an SMS that was sent to many."""


def _key(value: str) -> str:
    key = key_of(value, PropertyType.TEXT)
    if not key or len(key.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"expected 1 to {MAX_IDENTIFIER_BYTES:,} bytes, white space at the ends aside")
    return key


EventId = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER_BYTES), AfterValidator(_key)]
"""What the sender calls an event; compared as identifiers of type text are."""
MessageReference = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER_BYTES), AfterValidator(_key)]
"""What the system that sent a message calls it; compared in the same way."""

MessageNamed = UUID | Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
"""A message of an account, by its id or by its number."""


class EventProperty(Model):
    """One thing that an event, or an item of one, can say."""

    name: PropertyName
    type: PropertyType
    label: Label = ""
    choices: tuple[Choice, ...] = Field(
        default=(), max_length=MAX_CHOICES, description="What a choice can be, in order"
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> "EventProperty":
        self.as_property()
        return self

    def as_property(self) -> Property:
        """The same as a property of a profile: values of both are read by the same rules."""
        return Property(name=self.name, type=self.type, label=self.label, choices=self.choices)


def _each_once(found: tuple[EventProperty, ...]) -> tuple[EventProperty, ...]:
    if len({each.name for each in found}) != len(found):
        raise ValueError("found a name twice")
    return found


class ItemKind(Model):
    """Things of one kind that an event holds several of, such as an order's products."""

    name: PropertyName
    label: Label = ""
    properties: tuple[EventProperty, ...] = Field(min_length=1, max_length=MAX_PROPERTIES)

    @field_validator("properties")
    @classmethod
    def _names_differ(cls, value: tuple[EventProperty, ...]) -> tuple[EventProperty, ...]:
        return _each_once(value)


class EventType(Model):
    """What events of one type can hold."""

    name: EventTypeName
    label: Label = ""
    message: MessageKind | None = Field(
        default=None, description="The kind of message that events of the type can refer to; null where to none"
    )
    properties: tuple[EventProperty, ...] = Field(default=(), max_length=MAX_PROPERTIES)
    items: tuple[ItemKind, ...] = Field(default=(), max_length=MAX_ITEM_KINDS)

    @field_validator("properties")
    @classmethod
    def _names_differ(cls, value: tuple[EventProperty, ...]) -> tuple[EventProperty, ...]:
        return _each_once(value)

    @field_validator("items")
    @classmethod
    def _kinds_differ(cls, value: tuple[ItemKind, ...]) -> tuple[ItemKind, ...]:
        if len({each.name for each in value}) != len(value):
            raise ValueError("found a kind of item twice")
        return value

    @property
    def is_built_in(self) -> bool:
        """Whether every account has it."""
        return self.name in BUILT_IN

    def property_named(self, name: str) -> EventProperty | None:
        """One of the event's own properties."""
        return next((each for each in self.properties if each.name == name), None)

    def item_kind(self, name: str) -> ItemKind | None:
        """One kind of its items."""
        return next((each for each in self.items if each.name == name), None)

    def keeps(self, before: "EventType") -> bool:
        """Whether everything that events of the type could hold before can be held still: events rely on it."""
        kinds = {each.name: each for each in self.items}
        return (
            self.message == before.message
            and _keeps(self.properties, before.properties)
            and all(
                each.name in kinds and _keeps(kinds[each.name].properties, each.properties) for each in before.items
            )
        )


def _keeps(after: tuple[EventProperty, ...], before: tuple[EventProperty, ...]) -> bool:
    known = {each.name: each for each in after}
    return all(
        each.name in known
        and known[each.name].type is each.type
        and {folded(choice) for choice in each.choices} <= {folded(choice) for choice in known[each.name].choices}
        for each in before
    )


def _text(*names: str) -> tuple[EventProperty, ...]:
    return tuple(EventProperty(name=name, type=PropertyType.TEXT) for name in names)


def _number(*names: str) -> tuple[EventProperty, ...]:
    return tuple(EventProperty(name=name, type=PropertyType.NUMBER) for name in names)


def _url(*names: str) -> tuple[EventProperty, ...]:
    return tuple(EventProperty(name=name, type=PropertyType.URL) for name in names)


HARD = "hard"
"""The kind of bounce after which a mailbox is not written to."""

_PRODUCTS = ItemKind(
    name="products",
    label="Products",
    properties=(
        *_text("product_id", "sku", "name", "category", "brand"),
        *_number("quantity", "price", "total"),
        *_url("url", "image_url"),
    ),
)
_KINDS_OF_BOUNCE = EventProperty(
    name="kind", type=PropertyType.SINGLE_CHOICE, label="Kind of bounce", choices=(HARD, "soft")
)

BUILT_IN: dict[str, EventType] = {
    each.name: each
    for each in (
        EventType(
            name="order",
            label="Order",
            properties=(
                *_text("number", "status", "currency", "coupon", "store", "channel"),
                *_number("total", "subtotal", "tax", "shipping", "discount"),
            ),
            items=(_PRODUCTS,),
        ),
        EventType(name="sent", label="Sent", message="mailing"),
        EventType(name="opened", label="Opened", message="mailing", properties=_text("device", "user_agent")),
        EventType(
            name="clicked",
            label="Clicked",
            message="mailing",
            properties=(*_url("url"), *_text("link", "device", "user_agent")),
        ),
        EventType(
            name="bounced",
            label="Bounced",
            message="mailing",
            properties=(_KINDS_OF_BOUNCE, *_text("code", "reason")),
        ),
        EventType(name="complained", label="Complained", message="mailing", properties=_text("reason")),
        EventType(name="unsubscribed", label="Unsubscribed", message="mailing", properties=_text("reason")),
        EventType(
            name="sms_sent",
            label="SMS sent",
            message="sms",
            properties=(EventProperty(name="parts", type=PropertyType.INTEGER),),
        ),
        EventType(name="sms_delivered", label="SMS delivered", message="sms"),
        EventType(name="sms_failed", label="SMS failed", message="sms", properties=_text("code", "reason")),
        EventType(name="interaction_seen", label="Interaction seen", properties=_text("name", "channel")),
    )
}
"""The types that every account has, by name."""
