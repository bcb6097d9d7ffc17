"""How a file of rows is written.

The names are those of Frictionless Table Dialect and Table Schema, plus listDelimiter, dateFormat and timezone. Rows
are counted from 1 as the physical lines of a text, as the rows of a sheet.
"""

import codecs
from typing import Annotated, Literal

from pydantic import Field, StrictBool, field_validator, model_validator

from shared.domain.dates import PIVOT_YEAR
from shared.domain.group_char import GroupChar, demand_two
from shared.domain.model import Model
from shared.domain.zones import known_zone

NO_FILE_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""Codecs of Python's that turn text into other text; no file is written in them, and some take quadratic time."""


AUTO = "auto"
"""The encoding that means: found out by reading the whole file."""

FileFormat = Literal["csv", "xlsx", "jsonl"]
"""Delimited text, a sheet of a workbook (ECMA-376), an object of JSON on each line."""

RowNumber = Annotated[int, Field(ge=1, le=1_000)]


class Dialect(Model):
    """How a file is written. `None` as quote or escape character means that there is none.

    Without `headerRows` the header is the first row that is neither blank nor a comment; with them, whatever stands
    before it is skipped, and several of them are joined column by column with `headerJoin`. `commentRows` are skipped
    too; they stand before the first row of data. A row that begins with `commentChar` is a comment, up to its line's
    end. `skipInitialSpace` drops blanks (U+0020) at the start of a field, before its quote character as well.
    """

    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=8)
    quote_char: str | None = Field(default='"', alias="quoteChar", min_length=1, max_length=1)
    escape_char: str | None = Field(default=None, alias="escapeChar", min_length=1, max_length=1)
    double_quote: StrictBool = Field(default=True, alias="doubleQuote")
    skip_initial_space: StrictBool = Field(default=False, alias="skipInitialSpace")
    comment_char: str | None = Field(default=None, alias="commentChar", min_length=1, max_length=8)
    has_header: StrictBool = Field(default=True, alias="header")
    header_rows: tuple[RowNumber, ...] = Field(default=(), alias="headerRows", max_length=10)
    header_join: str = Field(default=" ", alias="headerJoin", max_length=8)
    comment_rows: tuple[RowNumber, ...] = Field(default=(), alias="commentRows", max_length=1_000)
    sheet_name: str | None = Field(default=None, alias="sheetName", min_length=1, max_length=255)
    sheet_number: int | None = Field(default=None, alias="sheetNumber", ge=1, le=10_000)
    null_sequence: tuple[str, ...] = Field(default=(), alias="nullSequence", max_length=20)
    decimal_char: Literal[".", ","] = Field(default=".", alias="decimalChar")
    group_char: GroupChar | None = Field(default=None, alias="groupChar")
    list_delimiter: str = Field(default="|", alias="listDelimiter", min_length=1, max_length=4)
    date_format: str = Field(default="YYYY-MM-DD", alias="dateFormat", min_length=1, max_length=64)
    pivot_year: int = Field(default=PIVOT_YEAR, alias="pivotYear", ge=0, le=100)
    timezone: str = "UTC"

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if value == AUTO:
            return value
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
        return known_zone(value)

    @field_validator("null_sequence", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _characters_differ(self) -> "Dialect":
        single = [c for c in (self.quote_char, self.escape_char) if c is not None]
        # A quote character that escapes itself is what doubleQuote says; two notations for it are one too many.
        if len(set(single)) != len(single) or any(c in self.delimiter for c in single):
            raise ValueError("delimiter, quoteChar and escapeChar must differ from each other")
        if any(c in "\r\n\0" for c in (*self.delimiter, *single, *(self.comment_char or ""))):
            raise ValueError("delimiter, quoteChar, escapeChar and commentChar must not be a line end or NUL")
        demand_two(self.decimal_char, self.group_char)
        return self

    @model_validator(mode="after")
    def _starts_are_clear(self) -> "Dialect":
        comment = self.comment_char
        if comment is not None:
            starts = [c for c in (self.delimiter, self.quote_char, self.escape_char) if c is not None]
            if any(comment.startswith(start) or start.startswith(comment) for start in starts):
                raise ValueError("commentChar must not begin as delimiter, quoteChar or escapeChar do")
        if self.skip_initial_space and any(" " in c for c in (self.delimiter, self.quote_char, self.escape_char) if c):
            raise ValueError("skipInitialSpace needs a delimiter, quoteChar and escapeChar without a blank")
        return self

    @model_validator(mode="after")
    def _rows_stand_before_the_data(self) -> "Dialect":
        rows = self.header_rows
        if rows and not self.has_header:
            raise ValueError("headerRows needs header: true")
        if list(rows) != sorted(set(rows)) or set(rows) & set(self.comment_rows):
            raise ValueError("headerRows must ascend, and must not be commentRows as well")
        if self.has_header and self.comment_rows and not rows:
            raise ValueError("commentRows needs headerRows, which say where the header is")
        last = rows[-1] if rows else 0
        behind = sorted({row for row in self.comment_rows if row > last})
        if behind != list(range(last + 1, last + 1 + len(behind))):
            raise ValueError("commentRows must follow the header without a gap; for others there is commentChar")
        if self.sheet_name is not None and self.sheet_number is not None:
            raise ValueError("expected one of sheetName, sheetNumber")
        return self

    @property
    def rows_before_data(self) -> int:
        """How many rows are header or skipped, where the dialect names them; else 0."""
        return max((*self.header_rows, *self.comment_rows), default=0)
