"""How processors and conditions name columns of a file: by the header's name, or by the 0-based position."""

from typing import Annotated

from pydantic import Field, StrictInt, StringConstraints

from shared.domain.fields import MAX_COLUMN_NAME, FieldChoice

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_COLUMN_NAME)]
"""A header's name. Names are compared trimmed and in Unicode's canonical composition (NFC), case-sensitive."""
ColumnPosition = Annotated[StrictInt, Field(ge=0, lt=10_000)]
"""Where the column stands in the file itself, counted from 0, whatever processors dropped or added."""


class ColumnChoice(FieldChoice):
    """A column of the file, as processors name one."""

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
