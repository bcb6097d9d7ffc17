"""When goals run by themselves: cron expressions in zones, where clocks change too."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.domain.schedule import AfterGoal, AfterResponses, AtTimes, When

_WHEN: TypeAdapter[When] = TypeAdapter(When)


def _next(cron: str, zone: str, after: str, times: int = 1) -> list[str]:
    schedule = AtTimes(cron=cron, timezone=zone)
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
    assert _next(cron, zone, after, len(expected)) == expected


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
    ],
)
def test_what_never_comes_or_cannot_be_read_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _WHEN.validate_python(settings)


def test_what_was_saved_is_read_again() -> None:
    for each in (
        AtTimes(cron="0 5 * * *", timezone="Europe/Amsterdam"),
        AfterGoal.model_validate({"after_goal": "6f2e5a0c-1f0e-4d6e-9d0c-0f8f5f0d4c11"}),
        AfterResponses.model_validate({"after_responses": {"minutes": 30}}),
    ):
        assert _WHEN.validate_python(each.model_dump(mode="json")) == each
