"""Settings of processors that put one value in the place of another, or of nothing: value_map, fill, constant."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints, model_validator

from shared.domain.field_choice import ColumnChoice, ColumnName, ColumnPosition
from shared.domain.processors.base import OneColumn, ProcessorBase, Shown, Text

MAX_MAPPED = 5_000


class ValueMap(OneColumn):
    """Puts one value in the place of another, by a table; `ignore_case` compares without regard to case.

    Values are compared whole and as they stand. One that the table lacks goes by `on_failure` (`value_not_mapped`).
    """

    kind: Literal["value_map"]
    values: dict[Annotated[Text, StringConstraints(min_length=1)], Text] = Field(min_length=1, max_length=MAX_MAPPED)
    ignore_case: StrictBool = False
    shows = Shown(
        example={"kind": "value_map", "field": "Gender", "values": {"m": "male", "v": "female"}, "on_failure": "keep"},
        before={"Gender": "v"},
        after={"Gender": "female"},
    )


class Fill(ProcessorBase, ColumnChoice):
    """Gives a column a value where it has nothing: a fixed one, or that of another column (`from`)."""

    kind: Literal["fill"]
    value: Text | None = None
    source: ColumnName | ColumnPosition | None = Field(default=None, alias="from")
    shows = Shown(
        example={"kind": "fill", "field": "Country", "value": "NL"},
        before={"Country": " "},
        after={"Country": "NL"},
    )

    @model_validator(mode="after")
    def _exactly_one_value(self) -> "Fill":
        if (self.value is None) == (self.source is None):
            raise ValueError("expected exactly one of value, from")
        return self


class Constant(ProcessorBase):
    """Writes the same value into a column of every row: a new one, or one that is there."""

    kind: Literal["constant"]
    into: ColumnName
    value: Text
    shows = Shown(
        example={"kind": "constant", "into": "Source", "value": "shop"},
        before={"E-mail": "anna@example.com"},
        after={"E-mail": "anna@example.com", "Source": "shop"},
    )
