"""Columns of a file and the properties they go into: which column, by what rule, written how.

What stands here of a dialect goes for one column and overrides the file's; what is not said stays the file's.
"""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints, field_validator, model_validator

from shared.domain.dialect import Dialect
from shared.domain.group_char import GroupChar, demand_two
from shared.domain.merge import MergeRule
from shared.domain.model import Model
from shared.domain.property import MAX_CHOICES, MAX_PROPERTIES, Choice, Property, PropertyName, PropertyType
from shared.domain.trimmed import folded
from shared.domain.zones import known_zone

OnBadValue = Literal["reject_row", "reject_value"]
"""What a value that does not fit does: its row is not imported, or only the value is not."""

MAX_COLUMN_NAME = 1_000

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class FieldChoice(Model):
    """A column of the file, by its header's name or by its 0-based position."""

    field: str | None = Field(default=None, min_length=1, max_length=MAX_COLUMN_NAME)
    position: int | None = Field(default=None, ge=0, lt=10_000)

    @model_validator(mode="after")
    def _exactly_one(self) -> "FieldChoice":
        if (self.field is None) == (self.position is None):
            raise ValueError("expected exactly one of field, position")
        return self

    @property
    def shown(self) -> str:
        """How messages name the column."""
        return self._shown()

    def _shown(self) -> str:
        return self.field if self.field is not None else f"position {self.position}"


class TimeChoice(FieldChoice):
    """A column that says when something was, as it is written there."""

    date_format: str | None = Field(default=None, alias="dateFormat", min_length=1, max_length=64)
    pivot_year: int | None = Field(default=None, alias="pivotYear", ge=0, le=100)
    timezone: str | None = None

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        return None if value is None else known_zone(value)


class Words(Model):
    """What stands for yes and no in one column, where it is not true, yes, 1 and false, no, 0."""

    true_values: tuple[Word, ...] = Field(
        default=(),
        alias="trueValues",
        max_length=50,
        description="What stands for yes, in any case: true, yes, 1 if none",
    )
    false_values: tuple[Word, ...] = Field(
        default=(),
        alias="falseValues",
        max_length=50,
        description="What stands for no, in any case: false, no, 0 if none",
    )

    @model_validator(mode="after")
    def _words_differ(self) -> "Words":
        if bool(self.true_values) != bool(self.false_values):
            raise ValueError("expected trueValues and falseValues together, or neither")
        both = {folded(word).lower() for word in self.true_values} & {
            folded(word).lower() for word in self.false_values
        }
        if both:
            raise ValueError(f"found {min(both)!r} among trueValues and falseValues")
        return self


class Notation(Words):
    """How the values of one column are written, where that differs from the file's dialect.

    Of this counts what values of the property's type have: a text has no decimal character, and no words for yes.
    """

    date_format: str | None = Field(default=None, alias="dateFormat", min_length=1, max_length=64)
    pivot_year: int | None = Field(default=None, alias="pivotYear", ge=0, le=100)
    timezone: str | None = None
    decimal_char: Literal[".", ","] | None = Field(default=None, alias="decimalChar")
    group_char: GroupChar | None = Field(default=None, alias="groupChar")
    list_delimiter: str | None = Field(default=None, alias="listDelimiter", min_length=1, max_length=4)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        return None if value is None else known_zone(value)

    @model_validator(mode="after")
    def _characters_differ(self) -> "Notation":
        demand_two(self.decimal_char, self.group_char)
        return self

    def within(self, dialect: Dialect) -> Dialect:
        """The file's dialect with what this column writes otherwise."""
        names = ("date_format", "pivot_year", "timezone", "decimal_char", "group_char", "list_delimiter")
        own = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if own.get("decimal_char") == own.get("group_char", dialect.group_char) is not None:
            # A column that swaps the file's two characters need not name both.
            own["group_char"] = None
        return dialect.model_copy(update=own) if own else dialect


class WrittenField(FieldChoice, Notation):
    """A column, and how its values are written."""


class IdentifierField(WrittenField):
    """A column whose value names the profile."""

    property: PropertyName


class MappedField(WrittenField):
    """A column, or a constant, that goes into a property, with its merge rule."""

    constant: str | None = Field(default=None, min_length=1, max_length=1_000)
    """A value for every row instead of a column. It is written as Tidegate writes values, whatever the file's dialect:
    12.5, true, 2024-12-31, 2024-12-31T09:00:00Z, the items of a list joined with |."""
    property: PropertyName
    rule: MergeRule | None = None
    """None: the goal's default rule."""
    type: PropertyType | None = None
    """Of the property, where the goal's create_properties is to make it: text unless said. One that exists must be of
    this type."""
    required: StrictBool = True
    """Whether a file without the column is refused. Otherwise it is as if the column said nothing."""
    empty_allowed: StrictBool = True
    """Whether a row may have nothing there."""
    on_bad_value: OnBadValue | None = None
    """None: as the goal says."""
    choices: dict[Word, Choice] = Field(default={}, max_length=MAX_CHOICES)
    """What the file's words stand for, where they are not the property's choices themselves."""
    unknown_choice: Literal["reject", "add"] = "reject"
    """What becomes of a word that is no choice: a bad value, or a new choice of the property."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "MappedField":
        if sum(each is not None for each in (self.field, self.position, self.constant)) != 1:
            raise ValueError("expected exactly one of field, position, constant")
        return self

    @model_validator(mode="after")
    def _constants_stand_alone(self) -> "MappedField":
        said = self.model_dump(exclude_defaults=True)
        other = sorted(said.keys() - {"constant", "property", "rule", "type"})
        if self.constant is not None and other:
            raise ValueError(f"a constant has no column, whose {other[0]} could be said")
        return self

    def _shown(self) -> str:
        return f"the constant of {self.property}" if self.constant is not None else super()._shown()

    def missing_property(self) -> Property:
        """The property that is to be made for it, if there is none."""
        kind = self.type or PropertyType.TEXT
        choices = tuple(dict.fromkeys(map(folded, self.choices.values()))) if kind.is_choice else ()
        return Property(name=self.property, type=kind, choices=choices)


class MapAll(Model):
    """All columns of a file that the goal names nowhere else, each into the property that is called as it is.

    The property's name is the prefix and the column's name in small letters, digits and underscores: `Order Date` goes
    into `shop_order_date`. Columns without a name are left out; two that come to one property fail the file.
    """

    prefix: Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{0,29})?\z")] = ""
    rule: MergeRule | None = None
    """For all of them. None: the goal's default rule."""
    type: PropertyType = PropertyType.TEXT
    """Of properties that the goal's create_properties makes."""
    max_new: int = Field(default=50, ge=1, le=MAX_PROPERTIES)
    """So many properties may one run make; a file with more columns than these fails before anything is made."""

    @field_validator("type")
    @classmethod
    def _has_no_choices(cls, value: PropertyType) -> PropertyType:
        if value.is_choice:
            raise ValueError(f"found {value.value!r}, and nobody can say its choices")
        return value
