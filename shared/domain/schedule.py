"""When a goal is carried out by itself: at times of day, after another goal, or when responses have ceased.

    {"cron": "0 5 * * *", "timezone": "Europe/Amsterdam"}
    {"times_per_day": 4, "at": "06:00"}
    {"weekdays": ["mon", "thu"], "at": "05:30"}
    {"days_of_month": [1, 15, "last"], "at": "05:30"}
    {"weekday_of_month": {"which": "second", "weekday": "tue"}, "at": "05:30"}
    {"after_goal": "…"}
    {"after_responses": {"minutes": 30}}

A cron expression has five fields: minute, hour, day of the month, month, day of the week; `L` is the last day of a
month and `FRI#2` its second Friday. Where the clocks change, a time of day that a day lacks comes as soon as the day
has one later, and a time that it has twice comes once, the first time; what a cron expression says of every hour or
every few minutes goes by the time that passes. Those are the rules of Debian's cron, which the library that reads
expressions keeps to. A month that lacks a day (the 31st, the 30th of February) passes over it; its last day is "last".
"""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, Discriminator, Field, Tag, field_validator, model_validator

from shared.domain.model import Model
from shared.domain.wall_clock import TimeOfDay, Weekday, Weekdays, each_once, moment_of, weekday_of
from shared.domain.zones import ZoneName

_MINUTES = 24 * 60
_LONGEST_GAP_DAYS = 64
"""From the 31st of July to the 31st of the next month but one that has it, and to spare."""


class AtTimes(Model):
    """At times of day, in a time zone."""

    timezone: ZoneName = "UTC"

    @abstractmethod
    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, in UTC; None where there is none in the 50 years after it."""


class Cron(AtTimes):
    """At the times of a cron expression."""

    cron: str = Field(min_length=9, max_length=200)

    @model_validator(mode="after")
    def _comes(self) -> "Cron":
        if len(self.cron.split()) != 5:
            raise ValueError("expected five fields: minute, hour, day of the month, month, day of the week")
        try:
            found = self.next_after(datetime(2024, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"found a cron expression that cannot be read: {error}") from error
        if found is None:
            raise ValueError("found a cron expression for a day that never comes, such as the 30th of February")
        return self

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, in UTC; None where there is none in the 50 years after it."""
        found = next(CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone))), None)
        return None if found is None else found.astimezone(UTC)


class OnDays(AtTimes):
    """At a time of day, on some days."""

    at: TimeOfDay

    @abstractmethod
    def includes(self, day: date) -> bool:
        """Whether it comes on a day."""

    @property
    def times(self) -> tuple[time, ...]:
        """The times of each such day, in order."""
        return (time.fromisoformat(self.at),)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, in UTC; there is always one."""
        zone = ZoneInfo(self.timezone)
        # A time that a day lacks may come on the day after, so that one begins with the day before.
        first = moment.astimezone(zone).date() - timedelta(days=1)
        for day in (first + timedelta(days=number) for number in range(_LONGEST_GAP_DAYS)):
            if self.includes(day):
                passed = bisect_right(self.times, moment, key=partial(moment_of, day, zone=zone))
                if passed < len(self.times):
                    return moment_of(day, self.times[passed], zone)
        return None


class TimesPerDay(OnDays):
    """So many times each day, evenly spread over its 24 hours by the clock; `at` is one of them."""

    times_per_day: int = Field(ge=1, le=_MINUTES // 5)
    at: TimeOfDay = "00:00"

    def includes(self, day: date) -> bool:
        """Every day."""
        return True

    @property
    def times(self) -> tuple[time, ...]:
        """In whole minutes: seven times a day are 205 and 206 minutes apart."""
        first = time.fromisoformat(self.at)
        since = first.hour * 60 + first.minute
        minutes = ((since + number * _MINUTES // self.times_per_day) % _MINUTES for number in range(self.times_per_day))
        return tuple(time(each // 60, each % 60) for each in sorted(minutes))


class OnWeekdays(OnDays):
    """On days of the week."""

    weekdays: Weekdays

    def includes(self, day: date) -> bool:
        """Whether it is one of these days of the week."""
        return weekday_of(day) in self.weekdays


class OnDaysOfMonth(OnDays):
    """On days of the month. A month that lacks a day passes over it; "last" is the last day of every month."""

    days_of_month: tuple[Annotated[int, Field(ge=1, le=31)] | Literal["last"], ...] = Field(min_length=1, max_length=32)

    @field_validator("days_of_month")
    @classmethod
    def _each_once(cls, value: tuple[int | Literal["last"], ...]) -> tuple[int | Literal["last"], ...]:
        return each_once(value)

    def includes(self, day: date) -> bool:
        """Whether it is one of these days of its month."""
        return day.day in self.days_of_month or ("last" in self.days_of_month and _is_last(day, 1))


class WeekdayOfMonth(Model):
    """The first, second, third, fourth or last of a weekday in a month."""

    which: Literal["first", "second", "third", "fourth", "last"]
    weekday: Weekday


class OnWeekdayOfMonth(OnDays):
    """On one weekday of each month, such as its last Friday."""

    weekday_of_month: WeekdayOfMonth

    def includes(self, day: date) -> bool:
        """Whether it is that day of its month."""
        if weekday_of(day) != self.weekday_of_month.weekday:
            return False
        which = self.weekday_of_month.which
        return _is_last(day, 7) if which == "last" else (day.day - 1) // 7 == _WHICH.index(which)


_WHICH = ("first", "second", "third", "fourth")


def _is_last(day: date, step_days: int) -> bool:
    return (day + timedelta(days=step_days)).month != day.month


class AfterGoal(Model):
    """After each completed run of an import goal."""

    after_goal: UUID


class Quiet(Model):
    """How long nothing more has come."""

    minutes: int = Field(ge=1, le=7 * 24 * 60)


class AfterResponses(Model):
    """When a message has had responses, and for so long no more."""

    after_responses: Quiet


_TIMED = ("times_per_day", "weekdays", "days_of_month", "weekday_of_month")


def _tag(value: object) -> str:
    names: Any = value if isinstance(value, dict) else ()
    if isinstance(value, BaseModel):
        names = type(value).model_fields
    return next((name for name in ("after_goal", "after_responses", *_TIMED) if name in names), "cron")


Times = Annotated[
    Annotated[Cron, Tag("cron")]
    | Annotated[TimesPerDay, Tag("times_per_day")]
    | Annotated[OnWeekdays, Tag("weekdays")]
    | Annotated[OnDaysOfMonth, Tag("days_of_month")]
    | Annotated[OnWeekdayOfMonth, Tag("weekday_of_month")],
    Discriminator(_tag),
]
"""Times of day, in one of their notations."""

When = Annotated[
    Annotated[Cron, Tag("cron")]
    | Annotated[TimesPerDay, Tag("times_per_day")]
    | Annotated[OnWeekdays, Tag("weekdays")]
    | Annotated[OnDaysOfMonth, Tag("days_of_month")]
    | Annotated[OnWeekdayOfMonth, Tag("weekday_of_month")]
    | Annotated[AfterGoal, Tag("after_goal")]
    | Annotated[AfterResponses, Tag("after_responses")],
    Discriminator(_tag),
]
"""One of the causes for which a goal is carried out by itself."""


def next_of(several: Sequence[AtTimes], moment: datetime) -> datetime | None:
    """The first time after a moment that any of several schedules says, in UTC."""
    return min((each for each in (times.next_after(moment) for times in several) if each is not None), default=None)
