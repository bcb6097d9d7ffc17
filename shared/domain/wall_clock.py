"""Times of day as people say them, and the moments at which clocks show them. Pure.

Where the clocks of a zone change, a time that a day lacks is the moment of the change, and a time that it has twice is
the first of both: the rules of Debian's cron.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\z")]
"""`HH:MM`, of 24 hours."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Day = TypeVar("Day")
_SECOND = timedelta(seconds=1)


def each_once(days: tuple[Day, ...]) -> tuple[Day, ...]:
    """The days. Raises ValueError where one stands there twice."""
    if len(set(days)) != len(days):
        raise ValueError("found a day twice")
    return days


Weekdays = Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7), AfterValidator(each_once)]


def weekday_of(day: date) -> Weekday:
    """The day of the week."""
    return WEEKDAYS[day.weekday()]


def moment_of(day: date, at: time, zone: ZoneInfo, *, is_last: bool = False) -> datetime:
    """When the clocks of a zone show a time on a day, in UTC; of two such moments the first, or the last.

    Where they never do, because they are put forward over it: the moment at which they are.
    """
    shown = datetime.combine(day, at, zone)
    # PEP 495: with fold=0 the offset before a change counts, with fold=1 the one behind it.
    before, behind = (shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if before <= behind:
        return behind if is_last else before
    return _change(behind, before, zone)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The moment between two, to the second, at which the zone's clocks are changed."""
    offset = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
