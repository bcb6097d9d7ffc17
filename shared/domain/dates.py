"""Date patterns as people write them: `YYYY-MM-DD`, `DD.MM.YY`, `yyyy-MM-dd HH:mm`, `YYYY-MM-DDTHH:mm:ssZ`.

    YYYY yyyy  year      MM     month          HH     hour, 00 to 23     SSS  milliseconds
    YY yy      its end   DD dd  day of month   mm     minute             Z    zone: Z, +02:00 or +0200
    'text'     as it is  T      the letter     ss SS  second

`MM` behind `HH` is the minute, where the month has been named before: there is no other way to read it. A year of two
digits is 1969 to 1999 or 2000 to 2068. Every part has exactly its number of digits; nothing is tried, nothing guessed.

A pattern is translated here; what reads whole columns with it stands in shared/processing.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

PIVOT_YEAR = 69
"""Two-digit years from here on belong to the last century."""

_TOKEN = re.compile(r"YYYY|yyyy|YY|yy|SSS|MM|DD|dd|HH|mm|ss|SS|Z|T|'[^']*'|[^A-Za-z]|[A-Za-z]+")
_PARTS = {
    "YYYY": "year", "yyyy": "year", "YY": "short_year", "yy": "short_year", "MM": "month", "DD": "day", "dd": "day",
    "HH": "hour", "mm": "minute", "ss": "second", "SS": "second", "SSS": "millisecond", "Z": "zone",
}  # fmt: skip  # a table reads better than a column

EXPRESSIONS = {
    "year": "(?P<year>[0-9]{4})",
    "short_year": "(?P<short_year>[0-9]{2})",
    "month": "(?P<month>0[1-9]|1[0-2])",
    "day": "(?P<day>0[1-9]|[12][0-9]|3[01])",
    "hour": "(?P<hour>[01][0-9]|2[0-3])",
    "minute": "(?P<minute>[0-5][0-9])",
    "second": "(?P<second>[0-5][0-9])",
    "millisecond": "(?P<fraction>[0-9]{3})",
    "zone": "(?P<zone>Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])",
}
"""One group per part; the same in Python's and in Rust's notation of regular expressions."""

_STRFTIME = {
    "year": "%Y", "short_year": "%y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S",
    "millisecond": "%3f", "zone": "%:z",
}  # fmt: skip  # a table reads better than a column


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A translated pattern."""

    pattern: str
    expression: str
    """Matches what fits, unanchored, with a named group for every part."""
    strftime: str
    """The same in the notation of polars (chrono), for writing."""
    parts: tuple[tuple[str, str], ...]
    """In order: (name of the part, "") or ("", literal text)."""

    @property
    def has_time(self) -> bool:
        """Whether it names an hour."""
        return self.has("hour")

    def has(self, part: str) -> bool:
        """Whether it names the part."""
        return any(name == part for name, _ in self.parts)

    def write(self, moment: datetime) -> str:
        """A moment in this pattern, in the moment's own zone."""
        return "".join(_written(name, moment) if name else literal for name, literal in self.parts)


@lru_cache(maxsize=256)
def date_pattern(pattern: str) -> DatePattern:
    """Translate a pattern. Raises ValueError with what was found and what was expected."""
    parts = tuple(_parts(pattern))
    names = [name for name, _ in parts if name]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"found the {name} twice in the date pattern {pattern!r}")
    _check(pattern, set(names))
    return DatePattern(
        pattern=pattern,
        expression="".join(EXPRESSIONS[name] if name else re.escape(literal) for name, literal in parts),
        strftime="".join(_STRFTIME[name] if name else literal.replace("%", "%%") for name, literal in parts),
        parts=parts,
    )


def _parts(pattern: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    seen: set[str] = set()
    for piece in _TOKEN.findall(pattern):
        name = _PARTS.get(piece, "")
        if name == "month" and {"hour", "month"} <= seen:
            name = "minute"
        if not name and piece[0] != "'" and piece != "T" and piece[0].isascii() and piece[0].isalpha():
            raise ValueError(
                f"found {piece!r} in the date pattern {pattern!r}; expected YYYY or YY, MM, DD, HH, mm, ss, SSS, Z, T"
            )
        seen.add(name)
        parts.append((name, "") if name else ("", piece.strip("'") if piece[0] == "'" else piece))
    return parts


def _check(pattern: str, names: set[str]) -> None:
    for name in ("month", "day"):
        if name not in names:
            raise ValueError(f"found no {name} in the date pattern {pattern!r}")
    if len(names & {"year", "short_year"}) != 1:
        raise ValueError(f"expected exactly one of YYYY and YY in the date pattern {pattern!r}")
    needs = {"minute": "hour", "second": "minute", "millisecond": "second", "zone": "hour"}
    for name, needed in needs.items():
        if name in names and needed not in names:
            raise ValueError(f"found a {name} without the {needed} in the date pattern {pattern!r}")
    if "hour" in names and "minute" not in names:
        raise ValueError(f"found an hour without the minute in the date pattern {pattern!r}")


def _written(name: str, moment: datetime) -> str:
    if name == "year":
        return f"{moment.year:04d}"
    if name == "millisecond":
        return f"{moment.microsecond // 1000:03d}"
    if name == "zone":
        offset = moment.strftime("%z")
        return f"{offset[:3]}:{offset[3:5]}" if offset else ""
    return moment.strftime(_STRFTIME[name])
