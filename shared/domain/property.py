"""Properties: the typed columns of a profile."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.domain.model import Model

MAX_PROPERTIES = 400
"""Per record type: 400 text columns already overflow a page; dropped ones count too (see ARCHITECTURE.md)."""


class PropertyType(StrEnum):
    """The types a value can have."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    EMAIL = "email"
    LIST = "list"


PropertyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}\z")]


class Property(Model):
    """One property of the account's profiles. Its column in the account's schema is named after it."""

    name: PropertyName
    type: PropertyType
    is_identifier: bool = Field(default=False, alias="identifier")
    label: str = ""

    @property
    def column(self) -> str:
        """The column that holds the value; the prefix keeps it apart from Tidegate's own columns."""
        return f"p_{self.name}"

    @property
    def key_column(self) -> str:
        """The column that holds the comparable key, where the property is an identifier."""
        return f"k_{self.name}"
