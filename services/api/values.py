"""Values of properties as answers show them: numbers as text, so that none loses a digit on its way."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

Plain = str | bool | list[str] | None
"""Integers and numbers are text, dates and times in RFC 3339; None where there is no value."""


def plain(value: Any) -> Plain:
    """A stored value as JSON shows it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        # Without the zeros that numeric(38,10) fills up with. As text: normalize() would round to 28 digits.
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, date | datetime):
        return value.isoformat()
    return [str(each) for each in value] if isinstance(value, list) else str(value)
