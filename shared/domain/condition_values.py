"""The values that conditions compare with: their types, and how they are read from JSON, with nothing rounded."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, StrictStr

from shared.domain.property import PropertyType
from shared.domain.trimmed import TRIMMED

MAX_CHARACTERS = 1_000
MAX_WHOLE_DIGITS = 28
MAX_DECIMALS = 10

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class ValueType(StrEnum):
    """What the values are that a comparison compares."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    LIST = "list"


_OF_PROPERTIES = {
    "integer": ValueType.NUMBER,
    "number": ValueType.NUMBER,
    "boolean": ValueType.BOOLEAN,
    "date": ValueType.DATE,
    "datetime": ValueType.DATETIME,
    "list": ValueType.LIST,
    "multi_choice": ValueType.LIST,
}

Value = StrictBool | StrictInt | Annotated[float, Field(strict=True, allow_inf_nan=False)] | StrictStr
"""As JSON gives it. What it means depends on the type; a number that a float does not hold exactly comes as text."""
Reading = str | Decimal | date | bool
"""A value that was read: text, number, date, datetime (in UTC) or truth."""


def type_of(property_type: PropertyType) -> ValueType:
    """How the values of a property are compared."""
    return _OF_PROPERTIES.get(property_type.value, ValueType.TEXT)


def reading_of(value: Any, kind: ValueType) -> Reading:
    """A value in a type. Raises ValueError with what was found and what was expected."""
    match kind:
        case ValueType.TEXT | ValueType.LIST:
            return _text(value)
        case ValueType.NUMBER:
            return _number(value)
        case ValueType.BOOLEAN:
            if not isinstance(value, bool):
                raise ValueError(f"found {value!r}, expected true or false")
            return value
        case ValueType.DATE:
            return _date(value)
        case ValueType.DATETIME:
            return _datetime(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"found {value!r}, expected text; a column of a file is text unless its type is given")
    if not value:
        raise ValueError("found an empty text; what is empty is asked for by 'empty': true")
    if len(value) > MAX_CHARACTERS:
        raise ValueError(f"found a text of {len(value)} characters, expected at most {MAX_CHARACTERS}")
    if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
        raise ValueError("found a NUL or half a surrogate pair, which no value holds")
    return value


def refuse_nothing(values: tuple[Reading, ...]) -> None:
    """Raises ValueError where a text is of white space alone."""
    if any(isinstance(each, str) and not each.strip(TRIMMED) for each in values):
        raise ValueError("found a text of white space alone, which counts as empty; ask for it by 'empty': true")


def _number(value: Any) -> Decimal:
    text = repr(value) if isinstance(value, float) else str(value)
    digits = text.lstrip("+-").replace(".", "", 1)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit()) or text.lstrip("+-")[:1] == ".":
        raise ValueError(f'found {value!r}, expected a number such as 10 or "0.1"')
    number = Decimal(text)
    decimals = max(-int(number.normalize().as_tuple().exponent), 0)
    if decimals > MAX_DECIMALS or number.adjusted() >= MAX_WHOLE_DIGITS:
        raise ValueError(
            f"found {value!r}, expected at most {MAX_WHOLE_DIGITS} digits before and {MAX_DECIMALS} behind the point"
        )
    return number


def _date(value: Any) -> date:
    try:
        read = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        read = None
    if read is None or read.isoformat() != value:
        raise ValueError(f'found {value!r}, expected a date such as "2024-12-31"')
    return read


def _datetime(value: Any) -> datetime:
    try:
        is_one = isinstance(value, str) and _RFC_3339.fullmatch(value)
        moment = datetime.fromisoformat(value).astimezone(UTC) if is_one else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ValueError(f'found {value!r}, expected a time with its zone such as "2024-12-31T23:59:59+01:00"')
    return moment
