"""What an import of timeline events says of its columns, beside what every import says of its files.

The columns are told as if they were mapped onto properties of their own (`columns`), so that files of events are read
as files of profiles are. Which values these have is told by the event types: see
`shared/processing/event_columns.py`.
"""

from typing import ClassVar, Literal

from pydantic import Field, StrictBool, field_validator, model_validator

from shared.domain.absent import Guards
from shared.domain.event import MAX_ITEM_KINDS, MAX_PROPERTIES, EventTypeName
from shared.domain.fields import FieldChoice, MappedField, TimeChoice, Word, WrittenField
from shared.domain.goal_base import GoalBase
from shared.domain.lists import ListReference, Lists
from shared.domain.merge import MergeRule
from shared.domain.model import Model
from shared.domain.property import MAX_CHOICES, Choice, PropertyName

EVENT_TYPE = "event_type"
EVENT_ID = "event_id"
OCCURRED_AT = "occurred_at"
MESSAGE = "message"


class EventTypeColumn(FieldChoice):
    """A column that says of which type each row's event is."""

    types: dict[Word, EventTypeName] = Field(
        min_length=1, max_length=MAX_CHOICES, description="The event type that each word stands for"
    )


class EventTime(TimeChoice):
    """The column that says when the event occurred; a row must have it."""


class EventColumn(WrittenField):
    """A column, or a constant, that goes into a property of the event, or of an item."""

    property: PropertyName
    constant: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="A value for every row instead of a column, written as Tidegate writes values",
    )
    required: StrictBool = Field(default=True, description="Whether a file without the column is refused")
    empty_allowed: StrictBool = Field(default=True, description="Whether a row may have nothing there")
    choices: dict[Word, Choice] = Field(
        default={}, max_length=MAX_CHOICES, description="What the file's words stand for, beside the choices themselves"
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "EventColumn":
        if sum(each is not None for each in (self.field, self.position, self.constant)) != 1:
            raise ValueError("expected exactly one of field, position, constant")
        if self.constant is not None:
            self.mapped("event")
        return self

    def mapped(self, name: str) -> MappedField:
        """The same as if it were mapped onto a property of that name."""
        return MappedField.model_validate(
            {**self.model_dump(exclude_unset=True), "property": name, "rule": MergeRule.SET}
        )


class EventItems(Model):
    """The columns that say one item of an event in each row."""

    kind: PropertyName
    mapping: tuple[EventColumn, ...] = Field(min_length=1, max_length=MAX_PROPERTIES)

    @field_validator("mapping")
    @classmethod
    def _each_once(cls, value: tuple[EventColumn, ...]) -> tuple[EventColumn, ...]:
        return _each_property_once(value)


class ToldEvent(Model):
    """The columns that say the event of each row."""

    type: EventTypeName | EventTypeColumn = Field(description="The event type of all rows, or the column that says it")
    id: FieldChoice | None = Field(
        default=None,
        description="The column of what the sender calls the event: the same id of the same type is the same event, "
        "and says what was said of it last. Without it, each row is a new event",
    )
    occurred_at: EventTime
    message: FieldChoice | None = Field(
        default=None, description="The column of a message's reference; one that is new makes a message"
    )
    mapping: tuple[EventColumn, ...] = Field(
        default=(),
        max_length=MAX_PROPERTIES,
        description="Where a column says the type: a value goes into events of the types that have the property",
    )
    items: tuple[EventItems, ...] = Field(default=(), max_length=MAX_ITEM_KINDS)

    @field_validator("mapping")
    @classmethod
    def _each_once(cls, value: tuple[EventColumn, ...]) -> tuple[EventColumn, ...]:
        return _each_property_once(value)

    @model_validator(mode="after")
    def _items_belong_to_an_event(self) -> "ToldEvent":
        if len({each.kind for each in self.items}) != len(self.items):
            raise ValueError("found a kind of item twice")
        if self.items and self.id is None:
            raise ValueError("found items without an id, expected the column that says whose they are")
        return self

    @property
    def types(self) -> tuple[EventTypeName, ...]:
        """The types that events of a file can be of."""
        return (self.type,) if isinstance(self.type, str) else tuple(dict.fromkeys(self.type.types.values()))

    @property
    def columns(self) -> tuple[MappedField, ...]:
        """All of them, as if they were mapped: those of the event itself, of its properties, of its items."""
        return (
            self._type_column(),
            *((_named(self.id, EVENT_ID, empty_allowed=False),) if self.id is not None else ()),
            *((_named(self.message, MESSAGE),) if self.message is not None else ()),
            _named(self.occurred_at, OCCURRED_AT, empty_allowed=False),
            *(each.mapped(property_column(number)) for number, each in enumerate(self.mapping)),
            *(
                each.mapped(item_column(kind, number))
                for kind, items in enumerate(self.items)
                for number, each in enumerate(items.mapping)
            ),
        )

    @property
    def shown_names(self) -> dict[str, str]:
        """What people call the properties of `columns`: where the event has them. None of them is an account's."""
        return {
            EVENT_TYPE: "event.type",
            EVENT_ID: "event.id",
            MESSAGE: "event.message",
            OCCURRED_AT: "event.occurred_at",
            **{
                property_column(number): f"event.properties.{each.property}" for number, each in enumerate(self.mapping)
            },
            **{
                item_column(kind, number): f"event.items.{items.kind}.{each.property}"
                for kind, items in enumerate(self.items)
                for number, each in enumerate(items.mapping)
            },
        }

    def _type_column(self) -> MappedField:
        if isinstance(self.type, str):
            return MappedField(constant=self.type, property=EVENT_TYPE, rule=MergeRule.SET)
        return _named(self.type, EVENT_TYPE, empty_allowed=False, choices=self.type.types)


def property_column(number: int) -> str:
    """What the staged column of a property is called, by its place in the mapping."""
    return f"event_property_{number}"


def item_column(kind: int, number: int) -> str:
    """The same of an item's, by the place of its kind and its own."""
    return f"event_item_{kind}_{number}"


class EventRules(GoalBase):
    """What an import of events says beside what every import says, and what it leaves as it is."""

    event: ToldEvent

    # What imports of profiles may say, and imports of events do not.
    mapping: ClassVar[tuple[MappedField, ...]] = ()
    map_all: ClassVar[None] = None
    create_properties: ClassVar[Literal[False]] = False
    lists: ClassVar[Lists] = Lists()
    named_lists: ClassVar[tuple[ListReference, ...]] = ()
    guards: ClassVar[Guards] = Guards()
    puts_on_lists: ClassVar[Literal[False]] = False
    judges_absent: ClassVar[Literal[False]] = False

    @property
    def is_idempotent(self) -> bool:
        """Whether importing the same file twice leaves what importing it once does."""
        return self.event.id is not None

    @property
    def wants_named_rejects(self) -> bool:
        """Whether it is asked of rejected rows which event they tell of: the others of that event come back too."""
        return bool(self.event.items)

    def rule_of(self, _: MappedField) -> MergeRule:
        """An event is what was said of it last."""
        return MergeRule.SET

    def is_lenient(self, _: MappedField) -> bool:
        """A bad value rejects its row: an event that lacks it would replace one that has it."""
        return False

    def flags_absent(self, _: MappedField) -> bool:
        """Nothing is told apart from nothing."""
        return False


def _named(choice: FieldChoice, name: str, **more: object) -> MappedField:
    said = choice.model_dump(exclude_unset=True, exclude={"types"})
    return MappedField.model_validate({**said, "property": name, "rule": MergeRule.SET, **more})


def _each_property_once(value: tuple[EventColumn, ...]) -> tuple[EventColumn, ...]:
    if len({each.property for each in value}) != len(value):
        raise ValueError("a property is named twice; one column feeds one property")
    return value
