"""Time zones by their names in the IANA database."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

_STRANGE = ("Factory", "localtime", "posixrules")
_COUNTED_OTHERWISE = ("right/", "posix/")


def has_rules(zone: str) -> bool:
    """Whether a zone is one of the IANA database itself, not what some systems keep beside it.

    `right/...` counts leap seconds, `localtime` is whatever a machine is set to: their times cannot be read alike
    everywhere, and polars does not know them.
    """
    return zone not in _STRANGE and not zone.startswith(_COUNTED_OTHERWISE)


def known_zone(value: str) -> str:
    """The name of a time zone. Raises ValueError where there is none of that name."""
    try:
        ZoneInfo(value)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"found {value!r}, expected an IANA time zone such as Europe/Amsterdam") from error
    return value


ZoneName = Annotated[str, AfterValidator(known_zone)]
