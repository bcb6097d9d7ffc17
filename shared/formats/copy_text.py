"""Read what PostgreSQL's COPY wrote as text: blocks of whole lines into frames of text columns.

Fields stand between tabs, `\\N` is null, and a backslash escapes itself, tabs and line ends
(https://www.postgresql.org/docs/15/sql-copy.html, "Text Format"). The first field is a number, or null; it keeps a row
of one empty value from being a blank line. What the texts mean is not asked here.
"""

from itertools import chain
from typing import Final

import polars as pl

from shared.formats.batch import names

NUMBER: Final = "number"
"""The column of the first field."""

_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\r": "\r", r"\b": "\b", r"\f": "\f", r"\v": "\v"}
_BACKSLASH = "\0"
"""Stands for an escaped backslash for a while: no text of PostgreSQL's has a NUL."""


def frame_of(block: bytes, width: int) -> pl.DataFrame:
    """The column `number` (integers), and text columns `c0`, `c1`, ...; nulls are null."""
    frame = pl.read_csv(
        block,
        has_header=False,
        schema={NUMBER: pl.Int64} | dict.fromkeys(names(width), pl.String),
        separator="\t",
        quote_char=None,
        null_values=r"\N",
        empty_string_is_null=False,
    )
    # Counting costs a tenth of looking into every column: each null has one backslash.
    if block.count(b"\\") == sum(frame.null_count().row(0)):
        return frame
    text = pl.col(pl.String).str.replace_all(r"\\", _BACKSLASH, literal=True)
    for escaped, meant in chain(_ESCAPES.items(), [(_BACKSLASH, "\\")]):
        text = text.str.replace_all(escaped, meant, literal=True)
    return frame.with_columns(text)
