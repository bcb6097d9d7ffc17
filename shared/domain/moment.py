"""A point in time as people and machines send it: RFC 3339 with a zone, and nothing that would have to be guessed."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")


def _is_written_out(value: object) -> object:
    """A bare number may be seconds, milliseconds or a mistake."""
    if isinstance(value, int | float) or (isinstance(value, str) and _RFC3339.fullmatch(value) is None):
        raise ValueError("expected a time with zone, such as 2026-03-01T06:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
