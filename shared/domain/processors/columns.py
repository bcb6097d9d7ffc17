"""Settings of processors that make, drop and rename columns: split, join, drop_columns, rename_columns."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from shared.domain.field_choice import ColumnChoice, ColumnName
from shared.domain.processors.base import Columns, Delimiter, ProcessorBase, Shown, _holdable


class Split(ProcessorBase, ColumnChoice):
    """Splits a value at a delimiter into columns. The last one takes all the rest; where there is less, it is empty."""

    kind: Literal["split"]
    delimiter: Delimiter
    into: tuple[ColumnName, ...] = Field(min_length=2, max_length=50)
    shows = Shown(
        example={"kind": "split", "field": "Name", "delimiter": " ", "into": ["First", "Last"]},
        before={"Name": "Jan van der Berg"},
        after={"Name": "Jan van der Berg", "First": "Jan", "Last": "van der Berg"},
    )

    @field_validator("into")
    @classmethod
    def _differ(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError("expected columns with different names")
        return names


class Join(ProcessorBase):
    """Joins the values of columns, with a separator between those that are not nothing.

    A row whose value would be longer than 1 MiB is rejected (`field_too_long`).
    """

    kind: Literal["join"]
    fields: Columns
    separator: Annotated[str, StringConstraints(max_length=20), AfterValidator(_holdable)] = " "
    into: ColumnName
    shows = Shown(
        example={"kind": "join", "fields": ["First", "Middle", "Last"], "into": "Name"},
        before={"First": "Jan", "Middle": "", "Last": "Berg"},
        after={"First": "Jan", "Middle": "", "Last": "Berg", "Name": "Jan Berg"},
    )


class DropColumns(ProcessorBase):
    """Drops columns. The others keep the positions by which they are named."""

    kind: Literal["drop_columns"]
    fields: Columns
    shows = Shown(
        example={"kind": "drop_columns", "fields": ["Note"]},
        before={"Name": "Anna", "Note": "x"},
        after={"Name": "Anna"},
    )


class NewName(ColumnChoice):
    """A column and its new name."""

    to: ColumnName


class RenameColumns(ProcessorBase):
    """Gives columns other names; all at once, so that two may swap theirs."""

    kind: Literal["rename_columns"]
    columns: tuple[NewName, ...] = Field(min_length=1, max_length=400)
    shows = Shown(
        example={"kind": "rename_columns", "columns": [{"field": "Mail", "to": "E-mail"}]},
        before={"Mail": "anna@example.com"},
        after={"E-mail": "anna@example.com"},
    )
