"""How a text file is written.

The names are those of Frictionless Table Dialect and Table Schema, plus listDelimiter, dateFormat and timezone.
"""

import codecs
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StrictBool, field_validator, model_validator

from shared.domain.model import Model

NO_FILE_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""Codecs of Python's that turn text into other text; no file is written in them, and some take quadratic time."""


class Dialect(Model):
    """How a text file is written. `None` as quote or escape character means that there is none."""

    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote_char: str | None = Field(default='"', alias="quoteChar", min_length=1, max_length=1)
    escape_char: str | None = Field(default=None, alias="escapeChar", min_length=1, max_length=1)
    double_quote: StrictBool = Field(default=True, alias="doubleQuote")
    has_header: StrictBool = Field(default=True, alias="header")
    null_sequence: tuple[str, ...] = Field(default=(), alias="nullSequence", max_length=20)
    decimal_char: Literal[".", ","] = Field(default=".", alias="decimalChar")
    group_char: str | None = Field(default=None, alias="groupChar", min_length=1, max_length=1)
    list_delimiter: str = Field(default="|", alias="listDelimiter", min_length=1, max_length=4)
    date_format: str = Field(default="YYYY-MM-DD", alias="dateFormat", min_length=1, max_length=64)
    timezone: str = "UTC"

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            info = codecs.lookup(value)
        except (LookupError, ValueError) as error:
            raise ValueError(f"found {value!r}, expected the name of a text encoding such as utf-8") from error
        if not getattr(info, "_is_text_encoding", True) or info.name in NO_FILE_ENCODINGS:
            raise ValueError(f"found {value!r}, which is not a text encoding")
        return info.name

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, ZoneInfoNotFoundError) as error:
            raise ValueError(f"found {value!r}, expected an IANA time zone such as Europe/Amsterdam") from error
        return value

    @field_validator("null_sequence", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _characters_differ(self) -> "Dialect":
        special = [c for c in (self.delimiter, self.quote_char, self.escape_char) if c is not None]
        # A quote character that escapes itself is what doubleQuote says; two notations for it are one too many.
        if len(set(special)) != len(special):
            raise ValueError("delimiter, quoteChar and escapeChar must differ from each other")
        if any(c in "\r\n\0" for c in special):
            raise ValueError("delimiter, quoteChar and escapeChar must not be a line end or NUL")
        if self.group_char == self.decimal_char:
            raise ValueError("groupChar and decimalChar must differ")
        return self
