"""The columns of an exported file: what one shows, and what stands above it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag

from shared.domain.group import GroupTypeName
from shared.domain.lists import ListReference
from shared.domain.model import Model
from shared.domain.processors.base import Text
from shared.domain.property import PropertyName

MAX_COLUMNS = 400
MAX_SHOWN_SEGMENTS = 100
"""In one column: each is asked of every profile."""


def _in_one_line(text: str) -> str:
    if any(char in "\r\n\0" for char in text):
        raise ValueError("expected a heading in one line")
    return text


Header = Annotated[str, StringConstraints(min_length=1, max_length=1_000), AfterValidator(_in_one_line)]


class Headed(Model):
    """A column, and its heading."""

    header: Header | None = Field(default=None, description="What stands above it; without, what it is called here")

    @property
    def heading(self) -> str:
        """What stands above it in the file."""
        return self.header or self.called()

    @abstractmethod
    def called(self) -> str:
        """What it is called where nobody says otherwise."""


class PropertyColumn(Headed):
    """A property's value: one of the account's own, or one that every profile has.

    Every profile has `system_id`, `language`, `permission_level`, `opt_in`, `consent_at`, `consent_source`,
    `suppression`, `suppressed_at`, `created_at` and `updated_at`; a property of the account's own goes first.
    """

    property: PropertyName

    def called(self) -> str:
        """The property's name."""
        return self.property


class ListsColumn(Headed):
    """The lists that a profile is on, by their numbers in ascending order; by their names with `ids_as_names`."""

    lists: Literal["all"] | Annotated[tuple[ListReference, ...], Field(min_length=1, max_length=100)] = Field(
        description="Of all lists, or only of these, by id or number"
    )

    def called(self) -> str:
        """The field's name."""
        return "lists"


class SegmentsColumn(Headed):
    """The segments that a profile is in, by their ids; by their names with `ids_as_names`."""

    segments: Literal["all"] | Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_SHOWN_SEGMENTS)] = Field(
        description=f"All of the account, {MAX_SHOWN_SEGMENTS} at most, in the order of their names; or these alone"
    )

    def called(self) -> str:
        """The field's name."""
        return "segments"


class InteractionsColumn(Headed):
    """The names of the interactions that a profile has seen: of its events of type `interaction_seen`, each once."""

    interactions: Literal[True]

    def called(self) -> str:
        """The field's name."""
        return "interactions"


class ShownGroup(Model):
    """A property of groups of one type: the account's own, or `system_id`, `created_at`, `updated_at`."""

    type: GroupTypeName
    property: PropertyName


class GroupColumn(Headed):
    """What a property says of the groups of one type that a profile belongs to.

    Where they are several, their values stand there with the dialect's listDelimiter between them: each once, in the
    order in which the groups were made. Without a heading the column is called as type and property, `company_name`.
    """

    group: ShownGroup

    def called(self) -> str:
        """Type and property."""
        return f"{self.group.type}_{self.group.property}"


class TextColumn(Headed):
    """The same text in every row."""

    text: Text

    def called(self) -> str:
        """The field's name."""
        return "text"


KINDS: Mapping[str, type[Headed]] = {
    "property": PropertyColumn,
    "lists": ListsColumn,
    "segments": SegmentsColumn,
    "interactions": InteractionsColumn,
    "group": GroupColumn,
    "text": TextColumn,
}
"""What shows something of a person, or a fixed text, by the field that only it has."""


def told_apart(kinds: Mapping[str, type[Headed]]) -> Discriminator:
    """Tells columns apart by what each shows: the one field that only its kind has."""

    def kind_of(column: Any) -> str | None:
        if isinstance(column, dict):
            return next((name for name in kinds if name in column), None)
        return next((name for name, kind in kinds.items() if isinstance(column, kind)), None)

    return Discriminator(
        kind_of,
        custom_error_type="unknown_column",
        custom_error_message=f"Expected a column with one of these fields: {', '.join(kinds)}",
    )


ExportColumn = Annotated[
    Annotated[PropertyColumn, Tag("property")]
    | Annotated[ListsColumn, Tag("lists")]
    | Annotated[SegmentsColumn, Tag("segments")]
    | Annotated[InteractionsColumn, Tag("interactions")]
    | Annotated[GroupColumn, Tag("group")]
    | Annotated[TextColumn, Tag("text")],
    told_apart(KINDS),
]
"""A column of a file with a row a profile."""
