"""The ways of writing dates that `auto` knows: every one is a date pattern, and every rival of one is among them.

    days      year, month, day; day, month, year; or month, day, year: with `-`, `/`, `.` or nothing between them, years
              of four digits or two, days and months of two digits or (with something between them) of one or two;
              2024年1月2日
    times     of a datetime: none, in ISO notation (T10:30, 10:30:05.5, a zone behind it), 9:05 and 9:05:01 behind days
              of one or two digits, 1030 and 103005 behind days with nothing between
    midnight  of a date: written out as 00:00, 00:00:00 or 00:00:00.000, with a zone or none
    epochs    9 or 10 digits of seconds, 12 or 13 of milliseconds, a sign and a fraction: from about 1966 on

What starts with a year of four digits is year, month, day: no country writes it otherwise. A notation that could be
taken for one of these must be one of these, or it would be read wrongly in silence; names of months and clocks of
twelve hours cannot be taken for any. Two ways of one meaning read a value alike, if both read it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

from shared.domain.dates import EPOCHS, EXPRESSIONS, DatePattern, date_pattern
from shared.domain.property import PropertyType
from shared.processing.moments import ISO_TIME

YEAR_FIRST, DAY_FIRST, MONTH_FIRST = "year first", "day first", "month first"

_DAYS = {YEAR_FIRST: "{y}{s}{m}{s}{d}", DAY_FIRST: "{d}{s}{m}{s}{y}", MONTH_FIRST: "{m}{s}{d}{s}{y}"}
_SHORT_TIMES = (" H:mm", " H:mm:ss")
_COMPACT_TIMES = ("HHmm", "HHmmss")
_MIDNIGHTS = tuple(
    start + time + zone for start, time, zone in product("T ", ("HH:mm", "HH:mm:ss", "HH:mm:ss.SSS"), ("", "Z", " Z"))
)

_SHAPES = {
    "year": "9{4}", "short_year": "99", "month": "99", "short_month": "9{1,2}", "day": "99", "short_day": "9{1,2}",
    "hour": "99", "short_hour": "9{1,2}", "minute": "99", "second": "99", "millisecond": "999",
    "zone": "(?:Z|[+-]99:?99)",
}  # fmt: skip  # a table reads better than a column
_EPOCH_SHAPES = {"epoch_seconds": "-?9{9,10}(?:[.,]9{1,6})?", "epoch_milliseconds": "-?9{12,13}(?:[.,]9{1,3})?"}
_ZEROS = {"hour": "00", "short_hour": "0{1,2}", "minute": "00", "second": "00", "millisecond": "000"}
_ZONE_SHAPE = "(?: ?(?:Z|[+-]99:?99))"

FAR_TIME = (
    rf"(?:T99:99(?::99(?:[.,]9{{1,6}})?)?{_ZONE_SHAPE}?"
    rf"| 99:99(?::99)?{_ZONE_SHAPE}"
    rf"| 99:99:99[.,]9{{1,6}}{_ZONE_SHAPE}?)"
)
"""The shape of any time in ISO notation but ` 99:99` and ` 99:99:99`, which others write too."""
FAR = "~"
"""Stands for it, so that shapes stay few."""


@dataclass(frozen=True, slots=True, eq=False)
class DateWay:
    """One way of writing dates."""

    pattern: DatePattern
    meaning: str
    """The order of its parts and the digits of its year, or that it is an epoch."""
    day: DatePattern
    """What reads the day alone; of an epoch, the pattern itself."""
    time: str
    """What may follow the day, anchored; empty of an epoch."""
    shape: re.Pattern[str]
    """Matches a value whose digits are written as 9, with the day as its group."""


@cache
def ways(kind: PropertyType, pivot_year: int) -> tuple[DateWay, ...]:
    """All ways of writing a date or a datetime; the stricter ones of one meaning come first."""
    is_date = kind is PropertyType.DATE
    found = [
        _way(order, day, time, pivot_year, is_date=is_date)
        for order, day, is_short, is_compact in _days()
        for time in _times(is_date=is_date, is_short=is_short, is_compact=is_compact)
    ]
    return (*found, *(_epoch(name, pivot_year) for name in EPOCHS))


@cache
def any_shape(kind: PropertyType) -> str:
    """Matches the shapes that at least one way has."""
    each = {way.shape.pattern.replace("?P<day>", "?:") for way in ways(kind, 0)}
    return rf"\A(?:{'|'.join(sorted(each))})\z"


def _days() -> Iterator[tuple[str, str, bool, bool]]:
    """Order, pattern, whether it has parts of one digit, whether it is digits throughout."""
    for is_short, year in product((False, True), ("YYYY", "YY")):
        month, day = ("M", "D") if is_short else ("MM", "DD")
        for separator, order in product(("-", "/", "."), _DAYS):
            yield order, _DAYS[order].format(y=year, m=month, d=day, s=separator), is_short, False
    for year, order in product(("YYYY", "YY"), _DAYS):
        yield order, _DAYS[order].format(y=year, m="MM", d="DD", s=""), False, True
    yield YEAR_FIRST, "YYYY年M月D日", True, False


def _times(*, is_date: bool, is_short: bool, is_compact: bool) -> tuple[str, ...]:
    if is_compact:
        return ("", *_COMPACT_TIMES, *(f"T{time}{zone}" for time, zone in product(_COMPACT_TIMES, ("", "Z"))))
    midnights = _MIDNIGHTS if is_date else ()
    return ("", *midnights, *(_SHORT_TIMES if is_short else ()))


def _way(order: str, day: str, time: str, pivot_year: int, *, is_date: bool) -> DateWay:
    pattern, day_pattern = date_pattern(day + time, pivot_year), date_pattern(day, pivot_year)
    rest = pattern.parts[len(day_pattern.parts) :]
    if is_date:
        expression = "".join(_ZEROS.get(name) or _expression(name, literal) for name, literal in rest)
    else:
        expression = "".join(_expression(*part) for part in rest) or ISO_TIME
    shape = "".join(_shape(*part) for part in rest) or ("" if is_date else rf"(?: 99:99(?::99)?|{FAR})?")
    return DateWay(
        pattern=pattern,
        meaning=f"{order}, {'two digits' if day_pattern.has('short_year') else 'four digits'} of the year",
        day=day_pattern,
        time=rf"\A{expression}\z",
        shape=re.compile(f"(?P<day>{''.join(_shape(*part) for part in day_pattern.parts)}){shape}"),
    )


def _epoch(name: str, pivot_year: int) -> DateWay:
    pattern = date_pattern(name, pivot_year)
    return DateWay(pattern, name, pattern, r"\A\z", re.compile(f"(?P<day>{_EPOCH_SHAPES[name]})"))


def _expression(name: str, literal: str) -> str:
    return EXPRESSIONS[name] if name else re.escape(literal)


def _shape(name: str, literal: str) -> str:
    return _SHAPES[name] if name else re.escape(literal)
