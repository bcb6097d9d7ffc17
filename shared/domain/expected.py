"""What the files of a goal looked like when it was made: from a sample, or from a manual import.

A file that looks otherwise fails before anything is written. Format and delimiter are expected as the goal itself says
them; what only a file could tell stands here, and each part only where it is known.
"""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from shared.domain.dialect import AUTO, Dialect
from shared.domain.fields import MAX_COLUMN_NAME
from shared.domain.model import Model

MAX_COLUMNS = 10_000
HeaderName = Annotated[str, StringConstraints(max_length=MAX_COLUMN_NAME)]
"""Empty, where a column had no name."""


class Expected(Model):
    """What a goal was made from."""

    encoding: str | None = None
    """A file whose bytes say that it is in another one fails (`encoding_changed`). It is read once more for this."""
    header: tuple[HeaderName, ...] = Field(default=(), max_length=MAX_COLUMNS)
    """Columns that were known then: they are not told as new. Where the goal goes by position, the names at these
    positions must still be the same; with map_all, none of them may be missing (`header_changed`)."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value == AUTO:
            raise ValueError("found 'auto', expected the name of an encoding such as utf-8")
        return None if value is None else Dialect(encoding=value).encoding
