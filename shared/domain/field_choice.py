"""How settings name a column of a file: by its header's name, or by its 0-based position."""

from typing import Annotated

from pydantic import Field, StrictInt, StringConstraints, model_validator

from shared.domain.model import Model

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
"""A header's name. Names are compared trimmed and in Unicode's canonical composition (NFC), case-sensitive."""
ColumnPosition = Annotated[StrictInt, Field(ge=0, lt=10_000)]
"""Where the column stands in the file itself, counted from 0, whatever processors dropped or added."""


class ColumnChoice(Model):
    """A column of the file: exactly one of its header's name and its 0-based position."""

    field: ColumnName | None = None
    position: ColumnPosition | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "ColumnChoice":
        if (self.field is None) == (self.position is None):
            raise ValueError("expected exactly one of field, position")
        return self

    @property
    def column(self) -> str | int:
        """The name or the position."""
        if self.field is not None:
            return self.field
        assert self.position is not None
        return self.position


def shown(column: str | int) -> str:
    """How messages and rejects name a column."""
    return column if isinstance(column, str) else f"position {column}"
