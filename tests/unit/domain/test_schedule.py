"""When goals run by themselves: cron expressions in zones, where clocks change too."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.domain.schedule import AfterGoal, AfterResponses, AtTimes, Cron, OnWeekdays, When

_WHEN: TypeAdapter[When] = TypeAdapter(When)


def _next(said: dict[str, Any], zone: str, after: str, times: int = 1) -> list[str]:
    schedule = _WHEN.validate_python(said | {"timezone": zone})
    assert isinstance(schedule, AtTimes)
    moment = datetime.fromisoformat(after).astimezone(UTC)
    found = []
    for _ in range(times):
        following = schedule.next_after(moment)
        assert following is not None
        moment = following
        found.append(following.strftime("%m-%dT%H:%MZ"))
    return found


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 5 * * *", "UTC", "2026-11-22T04:59:59Z", ["11-22T05:00Z", "11-23T05:00Z"]),
        ("0 5 * * *", "UTC", "2026-11-22T05:00:00Z", ["11-23T05:00Z", "11-24T05:00Z"]),
        ("0 5 * * *", "Europe/Amsterdam", "2026-07-01T00:00:00Z", ["07-01T03:00Z", "07-02T03:00Z"]),
        ("0 5,13 * * *", "UTC", "2026-11-22T05:00:00Z", ["11-22T13:00Z", "11-23T05:00Z"]),
        ("0 5 1,15 * *", "UTC", "2026-11-22T00:00:00Z", ["12-01T05:00Z", "12-15T05:00Z"]),
        ("0 5 * * MON-FRI", "UTC", "2026-11-20T06:00:00Z", ["11-23T05:00Z", "11-24T05:00Z"]),
        ("0 5 L * *", "UTC", "2026-02-01T00:00:00Z", ["02-28T05:00Z", "03-31T05:00Z"]),
        ("0 5 * * FRI#2", "UTC", "2026-11-01T00:00:00Z", ["11-13T05:00Z", "12-11T05:00Z"]),
        # The clocks of Amsterdam go from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October.
        ("30 2 * * *", "Europe/Amsterdam", "2026-03-28T12:00:00Z", ["03-29T01:00Z", "03-30T00:30Z"]),
        ("30 2 * * *", "Europe/Amsterdam", "2026-10-24T12:00:00Z", ["10-25T00:30Z", "10-26T01:30Z"]),
        ("*/30 * * * *", "Europe/Amsterdam", "2026-10-25T00:15:00Z", ["10-25T00:30Z", "10-25T01:00Z"]),
    ],
)
def test_a_time_comes_as_the_expression_says(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert _next({"cron": cron}, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("said", "zone", "after", "expected"),
    [
        ({"times_per_day": 3}, "UTC", "2026-11-22T08:00:00Z", ["11-22T16:00Z", "11-23T00:00Z", "11-23T08:00Z"]),
        ({"times_per_day": 2, "at": "18:30"}, "UTC", "2026-11-22T00:00:00Z", ["11-22T06:30Z", "11-22T18:30Z"]),
        ({"weekdays": ["fri", "mon"], "at": "05:00"}, "UTC", "2026-11-22T00:00:00Z", ["11-23T05:00Z", "11-27T05:00Z"]),
        ({"days_of_month": [31], "at": "05:00"}, "UTC", "2026-04-01T00:00:00Z", ["05-31T05:00Z", "07-31T05:00Z"]),
        ({"days_of_month": [29], "at": "05:00"}, "UTC", "2027-01-30T00:00:00Z", ["03-29T05:00Z", "04-29T05:00Z"]),
        ({"days_of_month": [29], "at": "05:00"}, "UTC", "2028-02-01T00:00:00Z", ["02-29T05:00Z", "03-29T05:00Z"]),
        (
            {"days_of_month": ["last", 30], "at": "05:00"},
            "UTC",
            "2027-02-01T00:00:00Z",
            ["02-28T05:00Z", "03-30T05:00Z"],
        ),
        (
            {"weekday_of_month": {"which": "last", "weekday": "fri"}, "at": "17:00"},
            "Europe/Amsterdam",
            "2026-10-01T00:00:00Z",
            ["10-30T16:00Z", "11-27T16:00Z"],
        ),
        # Both clocks show 02:30 on 25 October; on 29 March none does, and 03:00 comes instead of it and of 02:00.
        ({"weekdays": ["sun"], "at": "02:30"}, "Europe/Amsterdam", "2026-10-25T00:30:00Z", ["11-01T01:30Z"]),
        ({"weekdays": ["sun"], "at": "02:30"}, "Europe/Amsterdam", "2026-03-28T00:00:00Z", ["03-29T01:00Z"]),
        ({"times_per_day": 24}, "Europe/Amsterdam", "2026-03-29T00:00:00Z", ["03-29T01:00Z", "03-29T02:00Z"]),
        ({"times_per_day": 24}, "Europe/Amsterdam", "2026-10-25T00:00:00Z", ["10-25T02:00Z", "10-25T03:00Z"]),
    ],
)
def test_a_time_comes_on_the_days_that_are_named(
    said: dict[str, Any], zone: str, after: str, expected: list[str]
) -> None:
    assert _next(said, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"cron": "0 0 5 * * *"},
        {"cron": "0 5 * *"},
        {"cron": "61 5 * * *"},
        {"cron": "0 5 30 2 *"},
        {"cron": "@daily    "},
        {"cron": "0 5 * * *", "timezone": "Amsterdam"},
        {"after_responses": {"minutes": 0}},
        {"after_goal": "nightly"},
        {"cron": "0 5 * * *", "after_responses": {"minutes": 5}},
        {"cron": "0 5 * * *", "weekdays": ["mon"], "at": "05:00"},
        {"times_per_day": 0},
        {"times_per_day": 289},
        {"weekdays": ["mon", "mon"], "at": "05:00"},
        {"weekdays": ["mon"]},
        {"weekdays": [], "at": "05:00"},
        {"weekdays": ["mon"], "at": "24:00"},
        {"weekdays": ["mon"], "at": "5:00"},
        {"days_of_month": [0], "at": "05:00"},
        {"days_of_month": [32], "at": "05:00"},
        {"weekday_of_month": {"which": "fifth", "weekday": "fri"}, "at": "05:00"},
    ],
)
def test_what_never_comes_or_cannot_be_read_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _WHEN.validate_python(settings)


def test_what_was_saved_is_read_again() -> None:
    for each in (
        Cron(cron="0 5 * * *", timezone="Europe/Amsterdam"),
        OnWeekdays(weekdays=("mon", "sun"), at="05:30", timezone="Europe/Amsterdam"),
        AfterGoal.model_validate({"after_goal": "6f2e5a0c-1f0e-4d6e-9d0c-0f8f5f0d4c11"}),
        AfterResponses.model_validate({"after_responses": {"minutes": 30}}),
    ):
        assert _WHEN.validate_python(each.model_dump(mode="json")) == each
