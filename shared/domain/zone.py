"""Names of time zones, as settings give them."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def _known(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"found {value!r}, expected an IANA time zone such as Europe/Amsterdam") from error
    return value


ZoneName = Annotated[str, AfterValidator(_known)]
"""A name of the IANA time zone database."""
