"""Ten years of each kind of schedule against dateutil: its rules say the days, its zones what the clocks show."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import chain
from typing import Any

import pytest
from dateutil import rrule, tz
from pydantic import TypeAdapter

from shared.domain.schedule import AtTimes, Times

_TIMES: TypeAdapter[Times] = TypeAdapter(Times)
BEGIN, END = datetime(2026, 1, 1), datetime(2036, 1, 1)  # noqa: DTZ001 - what the clocks on the wall show
ZONES = ("Europe/Amsterdam", "America/Santiago", "Australia/Lord_Howe")
"""Clocks that change at 02:00 by an hour, at midnight by an hour, and at 02:00 by half an hour."""
WORKDAYS = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR)
SEVEN = ((2, 15), (5, 40), (9, 6), (12, 32), (15, 57), (19, 23), (22, 49))
"""A seventh of a day is 205 minutes and five sevenths of one, of which whole ones count."""
DAY_BY_DAY: dict[str, tuple[dict[str, Any], *tuple[dict[str, Any], ...]]] = {
    "daily at a time that some days lack": (
        {"cron": "15 2 * * *"},
        {"freq": rrule.DAILY, "byhour": 2, "byminute": 15},
    ),
    "daily after a midnight that some days lack": (
        {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "at": "00:30"},
        {"freq": rrule.DAILY, "byhour": 0, "byminute": 30},
    ),
    "four times a day": (
        {"times_per_day": 4, "at": "02:15"},
        {"freq": rrule.DAILY, "byhour": (2, 8, 14, 20), "byminute": 15},
    ),
    "seven times a day": (
        {"times_per_day": 7, "at": "02:15"},
        *({"freq": rrule.DAILY, "byhour": hour, "byminute": minute} for hour, minute in SEVEN),
    ),
    "on days of the week": (
        {"weekdays": ["sun", "wed"], "at": "02:30"},
        {"freq": rrule.WEEKLY, "byweekday": (rrule.SU, rrule.WE), "byhour": 2, "byminute": 30},
    ),
    "on days of the month that not all months have": (
        {"days_of_month": [1, 29, 30, 31], "at": "05:00"},
        {"freq": rrule.MONTHLY, "bymonthday": (1, 29, 30, 31), "byhour": 5, "byminute": 0},
    ),
    "on the last day of the month": (
        {"days_of_month": ["last"], "at": "23:59"},
        {"freq": rrule.MONTHLY, "bymonthday": -1, "byhour": 23, "byminute": 59},
    ),
    "on the second Tuesday": (
        {"weekday_of_month": {"which": "second", "weekday": "tue"}, "at": "00:00"},
        {"freq": rrule.MONTHLY, "byweekday": rrule.TU(2), "byhour": 0, "byminute": 0},
    ),
    "on the first Sunday, when clocks change": (
        {"weekday_of_month": {"which": "first", "weekday": "sun"}, "at": "02:15"},
        {"freq": rrule.MONTHLY, "byweekday": rrule.SU(1), "byhour": 2, "byminute": 15},
    ),
    "on the third Monday": (
        {"weekday_of_month": {"which": "third", "weekday": "mon"}, "at": "05:30"},
        {"freq": rrule.MONTHLY, "byweekday": rrule.MO(3), "byhour": 5, "byminute": 30},
    ),
    "on the fourth Saturday, which may be the last": (
        {"weekday_of_month": {"which": "fourth", "weekday": "sat"}, "at": "23:59"},
        {"freq": rrule.MONTHLY, "byweekday": rrule.SA(4), "byhour": 23, "byminute": 59},
    ),
    "on the last Friday, which may be the fourth": (
        {"weekday_of_month": {"which": "last", "weekday": "fri"}, "at": "05:30"},
        {"freq": rrule.MONTHLY, "byweekday": rrule.FR(-1), "byhour": 5, "byminute": 30},
    ),
    "on the last Sunday, when clocks change": (
        {"weekday_of_month": {"which": "last", "weekday": "sun"}, "at": "02:00"},
        {"freq": rrule.MONTHLY, "byweekday": rrule.SU(-1), "byhour": 2, "byminute": 0},
    ),
    "by cron on the last day of the month": (
        {"cron": "0 5 L * *"},
        {"freq": rrule.MONTHLY, "bymonthday": -1, "byhour": 5, "byminute": 0},
    ),
    "by cron on the second Friday": (
        {"cron": "0 5 * * FRI#2"},
        {"freq": rrule.MONTHLY, "byweekday": rrule.FR(2), "byhour": 5, "byminute": 0},
    ),
    "by cron at several hours of workdays": (
        {"cron": "30 1,2,3 * * MON-FRI"},
        {"freq": rrule.WEEKLY, "byweekday": WORKDAYS, "byhour": (1, 2, 3), "byminute": 30},
    ),
    "by cron at several hours of Sundays, when clocks change": (
        {"cron": "30 0,1,2,3 * * SUN"},
        {"freq": rrule.WEEKLY, "byweekday": rrule.SU, "byhour": (0, 1, 2, 3), "byminute": 30},
    ),
    "by cron every few minutes of an hour on some days of some months": (
        {"cron": "*/7 3 1-7 2,8 *"},
        {
            "freq": rrule.YEARLY,
            "bymonth": (2, 8),
            "bymonthday": range(1, 8),
            "byhour": 3,
            "byminute": range(0, 60, 7),
        },
    ),
    "by cron on leap days": (
        {"cron": "0 0 29 2 *"},
        {"freq": rrule.YEARLY, "bymonth": 2, "bymonthday": 29, "byhour": 0, "byminute": 0},
    ),
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("case", DAY_BY_DAY)
def test_ten_years_of_times_are_those_of_dateutil(case: str, zone: str) -> None:
    said, *rules = DAY_BY_DAY[case]
    schedule = _TIMES.validate_python(said | {"timezone": zone})
    clock = tz.gettz(zone)
    assert clock is not None
    shown = chain.from_iterable(rrule.rrule(dtstart=BEGIN, until=END, bysecond=0, **each) for each in rules)
    expected = sorted({_when(each, clock) for each in shown})
    assert list(_ours(schedule, expected[-1])) == expected


def _ours(schedule: AtTimes, until: datetime) -> Iterator[datetime]:
    moment = BEGIN.replace(tzinfo=tz.gettz(schedule.timezone)).astimezone(UTC) - timedelta(seconds=1)
    while moment < until:
        following = schedule.next_after(moment)
        assert following is not None
        moment = following
        yield moment


def _when(shown: datetime, clock: tzinfo) -> datetime:
    """When the clocks show that for the first time; where they never do, as soon as they show a later time."""
    while not tz.datetime_exists(shown, clock):
        shown += timedelta(minutes=1)
    return tz.enfold(shown.replace(tzinfo=clock), fold=0).astimezone(UTC)
