"""What settings of processors share: the columns that they work on, and what becomes of a value they cannot read."""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.domain.dates import date_pattern
from shared.domain.field_choice import ColumnChoice, ColumnName, ColumnPosition
from shared.domain.model import Model

OnFailure = Literal["reject", "keep", "clear"]
Row = dict[str, str]


def _holdable(text: str) -> str:
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise ValueError("found a NUL or half a surrogate pair, which no value may hold")
    return text


def _date_pattern(text: str) -> str:
    date_pattern(text)
    return text


Text = Annotated[str, StringConstraints(max_length=200), AfterValidator(_holdable)]
Delimiter = Annotated[str, StringConstraints(min_length=1, max_length=20), AfterValidator(_holdable)]
DatePatternText = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_date_pattern)]
Columns = Annotated[tuple[ColumnName | ColumnPosition, ...], Field(min_length=1, max_length=400)]
"""Columns of a file, each by its header's name or its 0-based position."""


class Shown(NamedTuple):
    """An example of a processor, for its documentation."""

    example: dict[str, Any]
    before: Row
    after: Row | None
    """The same row afterwards; None where it is skipped."""


class ProcessorBase(Model):
    """What every processor has beside its settings."""

    shows: ClassVar[Shown]

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """With the example, so that the gateway's description shows it."""
        described = handler.resolve_ref_schema(handler(schema))
        return described | {"examples": [cls.shows.example]}


class OneColumn(ProcessorBase, ColumnChoice):
    """Works on one column."""

    into: ColumnName | None = None
    on_failure: OnFailure = "reject"


class SomeColumns(ProcessorBase):
    """Works on each of some columns: exactly one of field, position, fields; `all` means every column."""

    field: ColumnName | None = None
    position: ColumnPosition | None = None
    fields: Columns | Literal["all"] | None = None

    @model_validator(mode="after")
    def _says_which(self) -> "SomeColumns":
        if sum(each is not None for each in (self.field, self.position, self.fields)) != 1:
            raise ValueError("expected exactly one of field, position, fields")
        return self

    @property
    def chosen(self) -> tuple[str | int, ...] | None:
        """The columns, None for all."""
        if self.fields is not None:
            return None if self.fields == "all" else self.fields
        one = self.field if self.field is not None else self.position
        return (one,) if one is not None else None
