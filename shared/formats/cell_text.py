"""The text of values that have a type of their own: numbers, dates and lists of workbooks and JSON.

They become what the dialect's typing reads: its decimal character, its date format, its list delimiter. So a column may
hold real numbers and dates beside such as were typed as text. No number passes through binary floating point.
"""

import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from zoneinfo import ZoneInfo

from shared.domain.dates import AUTO, DatePattern, date_pattern
from shared.domain.dialect import Dialect

_EXPONENT = re.compile(r"(-?[0-9]+(?:\.[0-9]*)?)[eE]([+-]?[0-9]{1,4})")
_WHOLE = re.compile(r"-?[0-9]+")
_STORED = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{0,400})?(?:[eE][+-]?[0-9]{1,3})?")
_FIFTEEN_DIGITS = Context(prec=15, rounding=ROUND_HALF_UP)
_MAX_EXPONENT = 400
"""Beyond it lies no number that could be stored (binary64 ends at 308), and only bombs are longer."""


class CellText:
    """Writes values in one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._decimal_char = dialect.decimal_char
        self._zone = ZoneInfo(dialect.timezone)
        self._pattern: DatePattern | None = (
            None if dialect.date_format == AUTO else date_pattern(dialect.date_format, dialect.pivot_year)
        )
        self.list_delimiter = dialect.list_delimiter

    def number(self, text: str) -> str:
        """A number as JSON and workbooks write it, without an exponent where that can be."""
        found = _EXPONENT.fullmatch(text)
        if found is not None and abs(int(found[2])) <= _MAX_EXPONENT:
            text = format(Decimal(text), "f")
        return text if self._decimal_char == "." else text.replace(".", self._decimal_char)

    def stored_number(self, text: str) -> str:
        """A number as a workbook stores it. A whole one is exact; of others fifteen digits are true, which Excel shows.

        Excel computes in binary64 and writes seventeen digits, so that 0.1 + 0.2 is stored as 0.30000000000000004.
        """
        if text.isdecimal() and text.isascii():
            return text
        if _WHOLE.fullmatch(text) is None and _STORED.fullmatch(text) is not None:
            rounded = _FIFTEEN_DIGITS.create_decimal(text)
            if len(rounded.as_tuple().digits) < len(Decimal(text).as_tuple().digits):
                text = str(rounded.normalize(_FIFTEEN_DIGITS))
        return self.number(text)

    def moment(self, moment: datetime) -> str:
        """A date, with its time where it has one; in the dialect's format, or in ISO 8601 where that is `auto`.

        A time that the format has no place for follows in ISO notation, as typing reads it. What the format would tell
        wrongly, a year of another century or a time cut to minutes, is in ISO 8601 as well: typing then rejects it.
        Parts of a second are left out where the format has a time, as Excel shows none.
        """
        has_time = (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0)
        pattern = self._pattern
        if pattern is not None and not _is_told(moment, pattern):
            pattern = None
        day = f"{moment:%Y-%m-%d}" if pattern is None else pattern.write(moment.replace(tzinfo=self._zone))
        if not has_time or (pattern is not None and pattern.has_time):
            return day
        fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
        return f"{day}T{moment:%H:%M:%S}{fraction}"


def _is_told(moment: datetime, pattern: DatePattern) -> bool:
    cuts_seconds = moment.second and pattern.has("minute") and not pattern.has("second")
    return pattern.tells(moment.year) and not cuts_seconds
