"""What *ignore case* means: one table of single characters, the same for polars and for SQL.

Libraries and databases differ in how they lower a text: by locale, by neighbours (the final sigma), into several
characters. So a text is folded by a table of our own, character by character: Unicode's case folding where it gives
one character, else lower case where that gives one; all others stay. `STRASSE` and `Straße` differ.
"""

from functools import cache

_SCRIPTS = ((0x1, 0x3400), (0xA000, 0xAC00), (0xE000, 0x20000))
"""Where characters have case: all but the ideographs and Hangul, and the planes behind the second, which have none."""


@cache
def folding() -> dict[str, str]:
    """Each character that is folded, and into what; nothing that it gives is folded again."""
    return {
        one: folded for start, end in _SCRIPTS for one in map(chr, range(start, end)) if (folded := _folded(one)) != one
    }


def fold(text: str) -> str:
    """A text without regard to case."""
    return text.translate(_table())


@cache
def _table() -> dict[int, str]:
    return str.maketrans(folding())


def _folded(one: str) -> str:
    return next((each for each in (one.casefold(), one.lower()) if len(each) == 1), one)
