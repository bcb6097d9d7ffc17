"""Windows in which nothing is begun: a partner's maintenance, the hours of a heavy report.

    {"days": ["sat", "sun"], "from": "22:00", "to": "04:00", "timezone": "Europe/Amsterdam"}

A window belongs to the day on which it begins; where `to` is not after `from` it ends on the day after. Where clocks
change, it begins when they first show `from`, and ends when they show `to` for the last time. Pure.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from shared.domain.model import Model
from shared.domain.wall_clock import WEEKDAYS, TimeOfDay, Weekdays, moment_of, weekday_of
from shared.domain.zones import ZoneName

_DAY = timedelta(days=1)
_MOST_IN_A_ROW = 100
"""More windows than ten can begin in a week."""


class Blackout(Model):
    """A window in which nothing is begun. What is under way goes on."""

    days: Weekdays = WEEKDAYS
    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay
    timezone: ZoneName = "UTC"

    def around(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """When the window begins and ends that a moment lies in, in UTC; None where it lies in none."""
        zone = ZoneInfo(self.timezone)
        begin, end = time.fromisoformat(self.from_), time.fromisoformat(self.to)
        today = moment.astimezone(zone).date()
        for day in (today - _DAY, today):
            if weekday_of(day) not in self.days:
                continue
            begins_at = moment_of(day, begin, zone)
            ends_at = moment_of(day if begin < end else day + _DAY, end, zone, is_last=True)
            if begins_at <= moment < ends_at:
                return begins_at, ends_at
        return None


def blackout_until(windows: Sequence[Blackout], moment: datetime) -> datetime | None:
    """Until when nothing is begun, in UTC, where a moment lies in a window, or in several that touch; else None."""
    until = moment
    for _ in range(_MOST_IN_A_ROW):
        spans = [each.around(until) for each in windows]
        if not any(spans):
            break
        until = max(span[1] for span in spans if span)
    return until if until > moment else None


def blackout_since(windows: Sequence[Blackout], moment: datetime) -> datetime | None:
    """Since when nothing is begun, in UTC, where a moment lies in a window, or in several that touch; else None."""
    since, last = None, moment
    for _ in range(_MOST_IN_A_ROW):
        spans = [each.around(last) for each in windows]
        if not any(spans):
            break
        since = min(span[0] for span in spans if span)
        last = since - timedelta.resolution
    return since


def _leaves_time(value: tuple[Blackout, ...]) -> tuple[Blackout, ...]:
    a_monday = datetime.fromisoformat("2026-06-01T00:00:00Z")
    until = blackout_until(value, a_monday)
    if until is not None and until - a_monday > 8 * _DAY:
        raise ValueError("found windows that leave no time at all; switch off what shall never be begun")
    return value


Blackouts = Annotated[tuple[Blackout, ...], Field(max_length=10), AfterValidator(_leaves_time)]
"""The windows of a goal or a connection."""
