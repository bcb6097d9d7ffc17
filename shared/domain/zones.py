"""Time zones by their names in the IANA database."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def known_zone(value: str) -> str:
    """The name of a time zone. Raises ValueError where there is none of that name."""
    try:
        ZoneInfo(value)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"found {value!r}, expected an IANA time zone such as Europe/Amsterdam") from error
    return value
