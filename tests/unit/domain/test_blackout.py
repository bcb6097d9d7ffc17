"""Windows in which nothing is begun, over midnight and where clocks change."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.domain.blackout import Blackouts, blackout_since, blackout_until

_WINDOWS: TypeAdapter[Blackouts] = TypeAdapter(Blackouts)
NIGHT: dict[str, Any] = {"from": "22:00", "to": "06:00"}
NOON: dict[str, Any] = {"from": "12:00", "to": "13:00", "days": ["mon", "fri"]}
EARLY: dict[str, Any] = {"from": "02:30", "to": "03:30", "timezone": "Europe/Amsterdam"}
LATE: dict[str, Any] = {"from": "01:00", "to": "02:30", "timezone": "Europe/Amsterdam"}


@pytest.mark.parametrize(
    ("windows", "moment", "until"),
    [
        ([NIGHT], "2026-11-22T21:59:59Z", None),
        ([NIGHT], "2026-11-22T22:00:00Z", "2026-11-23T06:00:00Z"),
        ([NIGHT], "2026-11-23T05:59:59Z", "2026-11-23T06:00:00Z"),
        ([NIGHT], "2026-11-23T06:00:00Z", None),
        # It belongs to the day on which it begins: Saturday's night reaches into Sunday, and Sunday has none.
        ([NIGHT | {"days": ["sat"]}], "2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z"),
        ([NIGHT | {"days": ["sat"]}], "2026-11-22T23:00:00Z", None),
        ([NOON], "2026-11-23T12:30:00Z", "2026-11-23T13:00:00Z"),
        ([NOON], "2026-11-24T12:30:00Z", None),
        ([{"from": "00:00", "to": "00:00", "days": ["sun"]}], "2026-11-22T12:00:00Z", "2026-11-23T00:00:00Z"),
        # Windows that touch are one; so are nights and days that follow each other.
        (
            [NIGHT, {"from": "05:00", "to": "08:00"}, {"from": "08:00", "to": "09:00"}],
            "2026-11-22T22:00:00Z",
            "2026-11-23T09:00:00Z",
        ),
        ([{"from": "00:00", "to": "00:00", "days": ["sat", "sun"]}], "2026-11-21T01:00:00Z", "2026-11-23T00:00:00Z"),
        # On 29 March Amsterdam has no 02:30, and begins at 03:00; on 25 October it has two, and ends with the second.
        ([EARLY], "2026-03-29T00:59:59Z", None),
        ([EARLY], "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"),
        ([LATE], "2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z"),
        ([LATE], "2026-10-25T01:29:00Z", "2026-10-25T01:30:00Z"),
        ([], "2026-11-22T12:00:00Z", None),
    ],
)
def test_nothing_is_begun_until_the_window_ends(windows: list[dict[str, Any]], moment: str, until: str | None) -> None:
    found = blackout_until(_WINDOWS.validate_python(windows), datetime.fromisoformat(moment))
    assert found == (None if until is None else datetime.fromisoformat(until))


@pytest.mark.parametrize(
    ("windows", "moment", "since"),
    [
        ([NIGHT], "2026-11-23T05:59:59Z", "2026-11-22T22:00:00Z"),
        ([NIGHT], "2026-11-23T06:00:00Z", None),
        ([NIGHT, {"from": "05:00", "to": "08:00"}], "2026-11-23T07:00:00Z", "2026-11-22T22:00:00Z"),
        ([{"from": "00:00", "to": "00:00", "days": ["sat", "sun"]}], "2026-11-22T23:00:00Z", "2026-11-21T00:00:00Z"),
        ([EARLY], "2026-03-29T01:29:00Z", "2026-03-29T01:00:00Z"),
        ([LATE], "2026-10-25T01:29:00Z", "2026-10-24T23:00:00Z"),
    ],
)
def test_nothing_is_begun_since_the_first_of_the_windows_that_touch_began(
    windows: list[dict[str, Any]], moment: str, since: str | None
) -> None:
    found = blackout_since(_WINDOWS.validate_python(windows), datetime.fromisoformat(moment))
    assert found == (None if since is None else datetime.fromisoformat(since))


@pytest.mark.parametrize(
    "windows",
    [
        [{"from": "00:00", "to": "00:00"}],
        [{"from": "06:00", "to": "18:00"}, {"from": "17:00", "to": "06:00"}],
        [NIGHT | {"days": []}],
        [NIGHT | {"days": ["mon", "mon"]}],
        [NIGHT | {"timezone": "Middle-earth/Shire"}],
        [{"from": "22:00"}],
        [{"from": "22:00", "to": "24:00"}],
        [NIGHT] * 11,
    ],
)
def test_windows_that_leave_no_time_or_cannot_be_read_are_refused(windows: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        _WINDOWS.validate_python(windows)
