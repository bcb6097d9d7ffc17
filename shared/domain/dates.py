"""Date patterns as people write them: `YYYY-MM-DD`, `DD.MM.YY`, `d-M-yyyy`, `yyyy-MM-dd HH:mm`, `epoch_milliseconds`.

    YYYY yyyy  year             M    month, 1 to 12      mm     minute          Z       zone: Z, +02:00 or +0200
    YY yy      its end          D d  day, 1 to 31        ss SS  second          T       the letter
    MM         month, 01 to 12  H    hour, 0 to 23       SSS    milliseconds    'text'  as it is
    DD dd      day, 01 to 31    HH   hour, 00 to 23

`MM` next behind `HH` is the minute, as in `HH:MM DD.MM.YYYY`: an hour is followed by nothing else. Every part has
exactly its number of digits, but for `M`, `D`, `d` and `H`: they are written without a leading zero, read with or
without it, and never stand beside other digits. A year of two digits is one of the hundred that begin at the pivot:
with the pivot 69 it is 1969 to 2068. Nothing is tried, nothing guessed.

`epoch_seconds` and `epoch_milliseconds` are whole patterns: the time since 1970 began in UTC, negative before it, as
digits with a fraction down to microseconds at most.

A pattern is translated here; what reads whole columns with it, and what finds the pattern of a column (`auto`), stands
in shared/processing. There are no names of months, no clocks of twelve hours and no weeks.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

AUTO = "auto"
"""Stands where a pattern could: the pattern is found by reading the whole column."""

PIVOT_YEAR = 69
"""Two-digit years from here on belong to the last century."""

EPOCHS = {"epoch_seconds": timedelta(seconds=1), "epoch_milliseconds": timedelta(milliseconds=1)}
"""Patterns that count since 1970, and what they count."""

_TOKEN = re.compile(r"YYYY|yyyy|YY|yy|SSS|MM|M|DD|dd|D|d|HH|H|mm|ss|SS|Z|T|'[^']*'|[^A-Za-z]|[A-Za-z]+")
_PARTS = {
    "YYYY": "year", "yyyy": "year", "YY": "short_year", "yy": "short_year", "MM": "month", "M": "short_month",
    "DD": "day", "dd": "day", "D": "short_day", "d": "short_day", "HH": "hour", "H": "short_hour", "mm": "minute",
    "ss": "second", "SS": "second", "SSS": "millisecond", "Z": "zone",
}  # fmt: skip  # a table reads better than a column
_SHORT = {"short_month": "month", "short_day": "day", "short_hour": "hour"}
"""Parts of one digit or two, and what they are."""

EXPRESSIONS = {
    "year": "(?P<year>[0-9]{4})",
    "short_year": "(?P<short_year>[0-9]{2})",
    "month": "(?P<month>0[1-9]|1[0-2])",
    "short_month": "(?P<month>1[0-2]|0?[1-9])",
    "day": "(?P<day>0[1-9]|[12][0-9]|3[01])",
    "short_day": "(?P<day>[12][0-9]|3[01]|0?[1-9])",
    "hour": "(?P<hour>[01][0-9]|2[0-3])",
    "short_hour": "(?P<hour>1[0-9]|2[0-3]|0?[0-9])",
    "minute": "(?P<minute>[0-5][0-9])",
    "second": "(?P<second>[0-5][0-9])",
    "millisecond": "(?P<fraction>[0-9]{3})",
    "zone": "(?P<zone>Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])",
    "epoch_seconds": "(?P<epoch>-?[0-9]{1,12})(?:[.,](?P<fraction>[0-9]{1,6}))?",
    "epoch_milliseconds": "(?P<epoch>-?[0-9]{1,15})(?:[.,](?P<fraction>[0-9]{1,3}))?",
}
"""One group per part; the same in Python's and in Rust's notation of regular expressions."""

_STRFTIME = {"month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S", "short_year": "%y"}


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A translated pattern."""

    pattern: str
    expression: str
    """Matches what fits, unanchored, with a named group for every part."""
    parts: tuple[tuple[str, str], ...]
    """In order: (name of the part, "") or ("", literal text)."""
    pivot_year: int = PIVOT_YEAR

    @property
    def has_time(self) -> bool:
        """Whether it names an hour."""
        return self.has("hour") or self.unit is not None

    @property
    def unit(self) -> timedelta | None:
        """What is counted since 1970, where it is an epoch."""
        return EPOCHS.get(self.pattern)

    @property
    def is_fixed(self) -> bool:
        """Whether every part has its full number of digits."""
        return not any(name in _SHORT for name, _ in self.parts)

    def has(self, part: str) -> bool:
        """Whether it names the part, with one digit or two."""
        return any(_SHORT.get(name, name) == part for name, _ in self.parts)

    def tells(self, year: int) -> bool:
        """Whether the year, once written, is read again as the same."""
        return not self.has("short_year") or 0 <= year - 1900 - self.pivot_year < 100

    def write(self, moment: datetime) -> str:
        """A moment in this pattern, in the moment's own zone; what is smaller than its smallest part is left out."""
        if self.unit is not None:
            return str((moment - datetime(1970, 1, 1, tzinfo=UTC)) // self.unit)
        return "".join(_written(name, moment) if name else literal for name, literal in self.parts)


@lru_cache(maxsize=1024)
def date_pattern(pattern: str, pivot_year: int = PIVOT_YEAR) -> DatePattern:
    """Translate a pattern. `pivot_year`: 0 (every YY is 19YY) to 100 (every YY is 20YY).

    Raises ValueError with what was found and what was expected.
    """
    if not 0 <= pivot_year <= 100:
        raise ValueError(f"found the pivot year {pivot_year}, expected 0 to 100")
    if pattern == AUTO:
        raise ValueError(f"found {AUTO!r}, by which files are read; expected a date pattern such as YYYY-MM-DD")
    if pattern in EPOCHS:
        return DatePattern(pattern, EXPRESSIONS[pattern], ((pattern, ""),), pivot_year)
    parts = tuple(_parts(pattern))
    names = [_SHORT.get(name, name) for name, _ in parts if name]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"found the {name} twice in the date pattern {pattern!r}")
    _check(pattern, set(names))
    _check_borders(pattern, parts)
    expression = "".join(EXPRESSIONS[name] if name else re.escape(literal) for name, literal in parts)
    return DatePattern(pattern, expression, parts, pivot_year)


def _parts(pattern: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    last = ""
    for piece in _TOKEN.findall(pattern):
        name = _PARTS.get(piece, "")
        if name == "month" and last in ("hour", "short_hour"):
            name = "minute"
        if not name and piece[0] != "'" and piece != "T" and piece[0].isascii() and piece[0].isalpha():
            raise ValueError(
                f"found {piece!r} in the date pattern {pattern!r}; expected YYYY or YY, MM or M, DD or D, HH or H, mm, "
                f"ss, SSS, Z, T, or one of {', '.join(EPOCHS)} alone"
            )
        last = name or last
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


def _check_borders(pattern: str, parts: tuple[tuple[str, str], ...]) -> None:
    """A part of one digit or two must end where something else than a digit begins, or it could end in two places."""
    solid = [part for part in parts if part != ("", "")]
    for (left, before), (right, after) in pairwise(solid):
        touch = (left or before[-1].isdigit()) and (right or after[0].isdigit())
        if touch and {left, right} & _SHORT.keys() and "zone" not in (left, right):
            name = _SHORT[left if left in _SHORT else right]
            raise ValueError(
                f"found the {name} in one or two digits beside other digits in the date pattern {pattern!r}; "
                "expected something between them, or two digits each"
            )


def _written(name: str, moment: datetime) -> str:
    if name == "year":
        return f"{moment.year:04d}"
    if name in _SHORT:
        return str(getattr(moment, _SHORT[name]))
    if name == "millisecond":
        return f"{moment.microsecond // 1000:03d}"
    if name == "zone":
        offset = moment.strftime("%z")
        return f"{offset[:3]}:{offset[3:5]}" if offset else ""
    return moment.strftime(_STRFTIME[name])
