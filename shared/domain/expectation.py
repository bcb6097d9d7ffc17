"""What a goal expects of the files that it takes: on which days they come, until when, and how large they are.

    {"by": "06:00", "days": ["mon", "tue"], "timezone": "Europe/Amsterdam", "grace_minutes": 30, "minimum_rows": 1}

A file counts for the day on which it came, by the clocks of the zone, and came when it last changed as far as was seen.
What blackouts of a connection change stands in `timetable`.
"""

from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, StrictBool, model_validator

from shared.domain.model import Model
from shared.domain.wall_clock import WEEKDAYS, TimeOfDay, Weekdays, moment_of, weekday_of
from shared.domain.zones import ZoneName

_DAY_MINUTES = 24 * 60
_Amount = Field(default=None, ge=0, le=2**53)


class Expectation(Model):
    """What is expected; where it is not so, people are told once, and a metric counts it."""

    by: TimeOfDay = Field(
        description="Until when the files of a day have come. A deadline in a blackout in which the connection is not "
        "looked at, or just behind one, is put off until what lies there at its end can be complete: the connection's "
        "interval_seconds, the goal's minimum_age_seconds and 90 seconds later; 90 seconds behind the next blackout "
        "where that lies in one. Past midnight a file that is first seen by then, and within an hour of the first "
        "blackout's end, counts for the day of the deadline, as long as this lacks files. "
        "When blackouts are changed, deadlines that have passed are judged only where they lie in a blackout that lasts"
    )
    days: Weekdays = WEEKDAYS
    timezone: ZoneName = "UTC"
    grace_minutes: int = Field(
        default=0, ge=0, lt=_DAY_MINUTES, description="For how long after `by` nobody is told; within the same day"
    )
    files: int = Field(default=1, ge=1, le=10_000, description="How many files come on each of these days")
    minimum_rows: int | None = _Amount
    maximum_rows: int | None = _Amount
    minimum_bytes: int | None = Field(default=None, ge=0, le=2**53, description="Of the file as it lies there")
    maximum_bytes: int | None = _Amount
    unexpected: StrictBool = Field(
        default=False, description="Whether to tell of files on other days, and of more than `files` on one"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        at = time.fromisoformat(self.by)
        if at.hour * 60 + at.minute + self.grace_minutes >= _DAY_MINUTES:
            raise ValueError(
                "expected `by` and grace_minutes to end within the day: a file counts for the day it comes"
            )
        for what in ("rows", "bytes"):
            least, most = getattr(self, f"minimum_{what}"), getattr(self, f"maximum_{what}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"expected minimum_{what} not to exceed maximum_{what}")
        return self

    def day_of(self, moment: datetime) -> date:
        """The day that a moment belongs to."""
        return moment.astimezone(ZoneInfo(self.timezone)).date()

    def expects(self, day: date) -> bool:
        """Whether files are expected on a day."""
        return weekday_of(day) in self.days

    def deadline(self, day: date) -> datetime:
        """After when the files of a day are late, in UTC."""
        at = time.fromisoformat(self.by)
        return moment_of(day, at, ZoneInfo(self.timezone)) + timedelta(minutes=self.grace_minutes)
