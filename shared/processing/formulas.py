"""Defuse what a spreadsheet would take for a formula when it opens a file of delimited text.

A value that begins with one of the signs gets an apostrophe in front, as OWASP advises ("CSV Injection",
https://owasp.org/www-community/attacks/CSV_Injection), in all columns but those whose type proves that it is harmless:
a number keeps its sign. What stands for no value stays as it is. What was prefixed cannot be told from what began so.
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from shared.domain.property import PropertyType

APOSTROPHE: Final = "'"
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_STARTS_SO: Final = r"\A[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""The last four are the same signs in the width of East Asian letters."""
_NUMBER_LIKE: Final = r"\A[+-][0-9][0-9 .,:/()TZ+-]*\z"
"""What stays of a proved column that a processor has changed: no letter that could name a function or a cell."""

PROVED: Final = frozenset(
    {
        PropertyType.INTEGER,
        PropertyType.NUMBER,
        PropertyType.BOOLEAN,
        PropertyType.DATE,
        PropertyType.DATETIME,
        PropertyType.PHONE,
    }
)
"""Types whose values are tested before they are stored: signs, digits and what stands between them."""


def defused(frame: pl.DataFrame, proved: Collection[str], nulls: Collection[str] = ()) -> pl.DataFrame:
    """The frame of text columns with apostrophes; `proved` are the columns of proved types, `nulls` stand for no value.

    `nulls` are trimmed. The export's own settings name them, and a value that is one of them is not written at all.
    """
    absent = [text for text in nulls if text]
    written = []
    for name in frame.columns:
        text = pl.col(name)
        is_formula = text.str.contains(_STARTS_SO)
        if absent:
            is_formula &= ~text.str.strip_chars().is_in(absent)
        if name in proved:
            is_formula &= ~text.str.contains(_NUMBER_LIKE)
        written.append(pl.when(is_formula).then(pl.lit(APOSTROPHE) + text).otherwise(text).alias(name))
    return frame.select(written)


def defused_heading(text: str) -> str:
    """The same for a heading."""
    return APOSTROPHE + text if text.startswith(_STARTS) else text
