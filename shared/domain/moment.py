"""A point in time as people and machines send it: RFC 3339 with a zone, and nothing that would have to be guessed."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")


def _is_written_out(value: object) -> object:
    """A bare number may be seconds, milliseconds or a mistake."""
    if isinstance(value, int | float) or (isinstance(value, str) and _RFC3339.fullmatch(value) is None):
        raise ValueError("expected a time with zone, such as 2026-03-01T06:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    """The first and the last hours of the calendar are in another year elsewhere, which has no number."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a time between the years 1 and 9999, in UTC") from error


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out), AfterValidator(_in_utc)]
