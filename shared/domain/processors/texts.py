"""Settings of processors that change how texts are written: trim, change_case, replace, limit_text."""

from typing import Any, Literal

from pydantic import Field, StrictBool, model_validator

from shared.domain.processors.base import Columns, Delimiter, Shown, SomeColumns, Text


class Trim(SomeColumns):
    """Takes white space (Unicode's) off both ends of values: of all columns, unless some are named.

    `collapse` also makes one blank of each run of white space inside. Twice does what once does.
    """

    kind: Literal["trim"]
    fields: Columns | Literal["all"] | None = None
    collapse: StrictBool = False
    shows = Shown(
        example={"kind": "trim", "collapse": True},
        before={"City": "\u00a0Den   Haag "},
        after={"City": "Den Haag"},
    )

    @model_validator(mode="before")
    @classmethod
    def _all_by_default(cls, given: Any) -> Any:
        if isinstance(given, dict) and not {"field", "position", "fields"} & given.keys():
            return {**given, "fields": "all"}
        return given


class ChangeCase(SomeColumns):
    """Writes values in `lower`, `upper` or `title` case (each word's first letter large), by Unicode's rules.

    Twice does what once does.
    """

    kind: Literal["change_case"]
    to: Literal["lower", "upper", "title"]
    shows = Shown(
        example={"kind": "change_case", "field": "Name", "to": "title"},
        before={"Name": "ANNA DE WIT"},
        after={"Name": "Anna De Wit"},
    )


class Replace(SomeColumns):
    """Replaces a text, wherever it stands in a value, by another, which may be empty.

    A row whose value would grow over 1 MiB is rejected (`field_too_long`).
    """

    kind: Literal["replace"]
    find: Delimiter
    replacement: Text = Field(alias="with")
    shows = Shown(
        example={"kind": "replace", "field": "Street", "find": "Str.", "with": "Straße"},
        before={"Street": "Lange Str. 5"},
        after={"Street": "Lange Straße 5"},
    )


class LimitText(SomeColumns):
    """Limits values to a number of characters (Unicode code points): cuts longer ones, or as `on_longer` says."""

    kind: Literal["limit_text"]
    characters: int = Field(ge=1, le=1_000_000)
    on_longer: Literal["cut", "reject", "clear"] = "cut"
    shows = Shown(
        example={"kind": "limit_text", "field": "Note", "characters": 5},
        before={"Note": "Köln am Rhein"},
        after={"Note": "Köln "},
    )
