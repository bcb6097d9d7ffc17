"""Write typed values as a dialect's text: the way back of what the importer's typing reads.

A datetime is written in the dialect's time zone. Where the date pattern has no time, ISO time and offset follow it,
so that nothing is lost; where it has one, the pattern is the whole truth. Here are no files and no quoting.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from shared.domain.dates import DatePattern, date_pattern
from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal, UnwritableValue
from shared.domain.property import PropertyType

Value = str | int | Decimal | bool | date | datetime | Sequence[str] | None


class TypedText:
    """Writes rows whose columns have these types."""

    def __init__(self, dialect: Dialect, kinds: Sequence[PropertyType]) -> None:
        """Raises `InvalidGoal` where the dialect's date pattern cannot be used."""
        try:
            self._pattern = date_pattern(dialect.date_format)
        except ValueError as error:
            raise InvalidGoal(f"The dateFormat: {error}.") from error
        self._dialect = dialect
        self._zone = ZoneInfo(dialect.timezone)
        self._iso_time = date_pattern("YYYY-MM-DDTHH:mm:ssZ")
        writers: dict[PropertyType, Callable[[Value], str]] = {
            PropertyType.NUMBER: self._number,
            PropertyType.BOOLEAN: self._boolean,
            PropertyType.DATE: self._date,
            PropertyType.DATETIME: self._datetime,
            PropertyType.LIST: self._list,
        }
        self._writers = [writers.get(kind, str) for kind in kinds]

    def row(self, values: Sequence[Value]) -> list[str | None]:
        """The texts of one row; null stays null. Exact numbers may come as text. Raises `UnwritableValue`."""
        return [None if value is None else write(value) for write, value in zip(self._writers, values, strict=True)]

    def _number(self, value: Value) -> str:
        assert isinstance(value, Decimal | int | str)
        text = format(Decimal(value), "f")
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text.replace(".", self._dialect.decimal_char)

    def _boolean(self, value: Value) -> str:
        return "true" if value else "false"

    def _date(self, value: Value) -> str:
        assert isinstance(value, date)
        return self._in_pattern(datetime.combine(value, time(), tzinfo=UTC))

    def _datetime(self, value: Value) -> str:
        assert isinstance(value, datetime)
        local = value.astimezone(self._zone)
        text = self._in_pattern(local)
        if self._pattern.has_time:
            return text
        fraction = f".{local.microsecond:06d}" if local.microsecond else ""
        offset = _offset(self._iso_time, local)
        return f"{text}T{local:%H:%M:%S}{fraction}{offset}"

    def _in_pattern(self, moment: datetime) -> str:
        if not self._pattern.tells(moment.year):
            raise UnwritableValue(f"Found the year {moment.year}, which {self._pattern.pattern!r} cannot tell apart.")
        return self._pattern.write(moment)

    def _list(self, value: Value) -> str:
        assert isinstance(value, Sequence)
        assert not isinstance(value, str)
        if any(self._dialect.list_delimiter in item for item in value):
            raise UnwritableValue(f"Found the listDelimiter {self._dialect.list_delimiter!r} inside an item of a list.")
        return self._dialect.list_delimiter.join(value)


def _offset(pattern: DatePattern, moment: datetime) -> str:
    return pattern.write(moment)[len("YYYY-MM-DDTHH:mm:ss") :]
