"""Properties: the typed columns of a profile, or of a group."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared.domain.model import Model
from shared.domain.trimmed import folded

MAX_PROPERTIES = 400
"""Per record type: 400 text columns already overflow a page; dropped ones count too (see ARCHITECTURE.md)."""


class RecordType(StrEnum):
    """What a property is a column of."""

    PROFILE = "profile"
    GROUP = "group"


class PropertyType(StrEnum):
    """The types a value can have."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    SINGLE_CHOICE = "single_choice"
    MULTI_CHOICE = "multi_choice"
    LIST = "list"

    @property
    def is_choice(self) -> bool:
        """Whether its values are of a closed list that the property has."""
        return self in (PropertyType.SINGLE_CHOICE, PropertyType.MULTI_CHOICE)

    @property
    def is_many(self) -> bool:
        """Whether one profile can have several values."""
        return self in (PropertyType.LIST, PropertyType.MULTI_CHOICE)


class Several(NamedTuple):
    """Any number of values of a type that are not one list of a property: each of them is written as the type is."""

    of: PropertyType


Written = PropertyType | Several
"""How what stands in a column of a file is written."""

MAX_CHOICES = 1_000
"""Of one property. More are a text, and a file that adds them was mapped by mistake."""
MAX_CHOICE_CHARACTERS = 200

Choice = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CHOICE_CHARACTERS)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\z")]
"""A language tag of BCP 47 (RFC 5646), in the part of it that names are given in."""
Alias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
PropertyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}\z")]


class Property(Model):
    """One property of the account's profiles. Its column in the account's schema is named after it."""

    name: PropertyName
    type: PropertyType
    is_identifier: bool = Field(default=False, alias="identifier")
    label: str = ""
    choices: tuple[Choice, ...] = Field(default=(), max_length=MAX_CHOICES)
    """What the values of a choice can be, in order."""
    aliases: Mapping[Language, tuple[Alias, ...]] = Field(default={}, max_length=50)
    """Other names of its column in files, by language."""
    is_built_in: bool = False
    """Whether every profile has it. Then its column is Tidegate's own, and so has no prefix."""

    @field_validator("choices")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len({folded(choice) for choice in value}) != len(value):
            raise ValueError("found a choice twice; spellings that differ in white space at the ends are the same")
        return value

    @model_validator(mode="after")
    def _fits_its_type(self) -> "Property":
        if self.choices and not self.type.is_choice:
            raise ValueError(f"found choices on a property of type {self.type.value}, expected a choice")
        if self.is_identifier and self.type.is_many:
            raise ValueError("found a list as an identifier, and a list cannot name a profile")
        return self

    @property
    def other_names(self) -> tuple[str, ...]:
        """What its column in a file may be called besides what a goal says: its label, its aliases in any language."""
        return tuple(filter(None, (self.label, *(name for names in self.aliases.values() for name in names))))

    @property
    def column(self) -> str:
        """The column that holds the value; the prefix keeps it apart from Tidegate's own columns."""
        return self.name if self.is_built_in else f"p_{self.name}"

    @property
    def key_column(self) -> str:
        """The column that holds the comparable key, where the property is an identifier."""
        return f"k_{self.name}"

    @property
    def flag_column(self) -> str:
        """The column of staged rows that says that the value was rejected, and is not merely empty."""
        return f"a_{self.name}"
