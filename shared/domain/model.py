"""The base of everything that is a value: frozen, strict about unknown fields, compared by content."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value. An unknown field is an error, so that a typing mistake in a setting is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
