"""Which of a workbook's cell formats show a number as a date or a time, and what moment a number then is.

Excel stores dates as days since the end of 1899, and counts a 29 February 1900 that never was (ECMA-376-1, 18.17.4.1);
workbooks that were made on a Mac of old count from 1904.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from shared.formats.source import ByteSource
from shared.formats.xml_part import Attributes, attribute, local, parse

_BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""ECMA-376-1, 18.8.30; the ranges beyond 22 are those of East Asian languages and of times."""
_BUILT_IN_TIMES = frozenset({18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56})
_LITERAL = re.compile(r'"[^"]*"|\\.|[_*].|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_MAX_FORMATS = 70_000
"""Excel has 65,490 cell formats at most."""
_FIRST_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  # a sheet knows no time zones
_FIRST_1904 = datetime(1904, 1, 1)  # noqa: DTZ001  # a sheet knows no time zones
_LEAP_THAT_NEVER_WAS = 60
_LAST_DAY = 2_958_466
"""1 January 10000."""


class Styles:
    """What the numbers of cell formats mean."""

    def __init__(self, source: ByteSource | None) -> None:
        """Raises `DamagedWorkbook`."""
        self._codes: dict[int, str] = {}
        self._formats: list[int] = []
        self._depth = 0
        if source is not None:
            for _ in parse(source, "styles", start=self._start, end=self._end, text=lambda _text: None):
                pass
        self._are_dates = [self._is_date(number) for number in self._formats]
        self._are_times = [self._is_time(number) for number in self._formats]

    def is_date(self, style: str | None) -> bool:
        """Whether a cell of this format shows a date, a time or both."""
        return _chosen(self._are_dates, style)

    def is_time(self, style: str | None) -> bool:
        """Whether it shows a time alone."""
        return _chosen(self._are_times, style)

    def _start(self, name: str, attributes: Attributes) -> None:
        name = local(name)
        if name == "cellXfs":
            self._depth += 1
        elif name == "numFmt" and len(self._codes) < _MAX_FORMATS:
            self._codes[_number(attribute(attributes, "numFmtId"))] = attribute(attributes, "formatCode") or ""
        elif name == "xf" and self._depth and len(self._formats) < _MAX_FORMATS:
            self._formats.append(_number(attribute(attributes, "numFmtId")))

    def _end(self, name: str) -> None:
        if local(name) == "cellXfs":
            self._depth -= 1

    def _is_date(self, number: int) -> bool:
        if number in self._codes:
            return bool(set("dmyhs") & _letters(self._codes[number]))
        return number in _BUILT_IN_DATES

    def _is_time(self, number: int) -> bool:
        if number in self._codes:
            letters = _letters(self._codes[number])
            return bool(letters & set("hs")) and not letters & set("dy")
        return number in _BUILT_IN_TIMES


def moment_of(number: str, *, since_1904: bool) -> datetime | None:
    """The moment that a number of days means, to the millisecond; None where it is none."""
    try:
        days = Decimal(number)
        if not 0 <= days < _LAST_DAY or (not since_1904 and int(days) == _LEAP_THAT_NEVER_WAS):
            return None
        if not since_1904 and days < _LEAP_THAT_NEVER_WAS:
            days += 1
        milliseconds = int((days * 86_400_000).to_integral_value())
        return (_FIRST_1904 if since_1904 else _FIRST_1900) + timedelta(milliseconds=milliseconds)
    except (InvalidOperation, OverflowError):
        return None


def time_of(number: str) -> str:
    """A number of days as hours, minutes and whole seconds, which is what Excel shows; hours may go beyond 24."""
    seconds = int((Decimal(number) * 86_400).to_integral_value())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _letters(code: str) -> set[str]:
    """What of a number format's first section is no literal text."""
    section = _LITERAL.sub("", code).split(";")[0].lower()
    return set(section) if "general" not in section else set()


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _chosen(flags: list[bool], style: str | None) -> bool:
    place = _number(style)
    return place < len(flags) and flags[place]
