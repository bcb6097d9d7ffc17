"""What people are told of files that do not come as expected, by table; and how a day stands."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.domain.expectation import Expectation
from shared.domain.expected_files import Came, judge, standing
from shared.domain.timetable import Timetable

LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00Z")
WEEKDAYS: dict[str, Any] = {"by": "06:00", "days": ["mon", "tue", "wed", "thu", "fri"], "grace_minutes": 30}
HERE = {"timezone": "Europe/Amsterdam"}


def _file(came_at: str, number: int = 1, *, size: int = 100, rows: int | None = 10) -> Came:
    return Came(UUID(int=number), datetime.fromisoformat(came_at), size, rows)


def _told(said: dict[str, Any], now: str, *came: Came, since: datetime = LONG_AGO) -> list[tuple[str, str]]:
    expected = Expectation.model_validate(said)
    found = judge(Timetable(expected), came, since, datetime.fromisoformat(now))
    return [(each.finding, each.about[-10:]) for each in found]


# 2026-11-23 is a Monday; on the Sunday and the Saturday before nothing is expected.
CASES: dict[str, tuple[dict[str, Any], str, list[Came], list[tuple[str, str]]]] = {
    "before the deadline nothing is missing": (WEEKDAYS, "2026-11-23T06:29:59Z", [], []),
    "after by and grace it is": (WEEKDAYS, "2026-11-23T06:30:00Z", [], [("missing", "2026-11-23")]),
    "who comes within the grace is in time": (WEEKDAYS, "2026-11-23T09:00:00Z", [_file("2026-11-23T06:29:00Z")], []),
    "who comes after it is late": (
        WEEKDAYS, "2026-11-23T09:00:00Z", [_file("2026-11-23T07:00:00Z")], [("late", "2026-11-23")],
    ),
    "a file of the evening before is that day's": (
        WEEKDAYS, "2026-11-24T07:00:00Z", [_file("2026-11-23T06:00:00Z"), _file("2026-11-23T23:00:00Z", 2)],
        [("missing", "2026-11-24")],
    ),
    "on other days nothing is expected": (WEEKDAYS, "2026-11-22T23:00:00Z", [], []),
    "nor told of, unless asked": (WEEKDAYS, "2026-11-22T23:00:00Z", [_file("2026-11-22T05:00:00Z")], []),
    "asked, a file on another day is unexpected": (
        WEEKDAYS | {"unexpected": True}, "2026-11-22T23:00:00Z", [_file("2026-11-22T05:00:00Z")],
        [("unexpected", "2026-11-22")],
    ),
    "and so is a second one": (
        WEEKDAYS | {"unexpected": True}, "2026-11-23T09:00:00Z",
        [_file("2026-11-23T05:00:00Z"), _file("2026-11-23T05:10:00Z", 2)], [("unexpected", "2026-11-23")],
    ),
    "two are expected and one came": (
        WEEKDAYS | {"files": 2}, "2026-11-23T09:00:00Z", [_file("2026-11-23T05:00:00Z")], [("missing", "2026-11-23")],
    ),
    "two are expected and one was late": (
        WEEKDAYS | {"files": 2}, "2026-11-23T09:00:00Z",
        [_file("2026-11-23T08:00:00Z", 2), _file("2026-11-23T05:00:00Z")], [("late", "2026-11-23")],
    ),
    "yesterday is still judged after midnight": (
        WEEKDAYS, "2026-11-28T00:05:00Z", [], [("missing", "2026-11-27")],
    ),
    "too few rows and bytes": (
        WEEKDAYS | {"minimum_rows": 11, "minimum_bytes": 101}, "2026-11-23T05:00:00Z", [_file("2026-11-23T04:00:00Z")],
        [("small", "0000000001"), ("small", "0000000001")],
    ),
    "too many rows": (
        WEEKDAYS | {"maximum_rows": 9}, "2026-11-23T05:00:00Z", [_file("2026-11-23T04:00:00Z")],
        [("large", "0000000001")],
    ),
    "rows that were not counted are not judged": (
        WEEKDAYS | {"minimum_rows": 11}, "2026-11-23T05:00:00Z", [_file("2026-11-23T04:00:00Z", rows=None)], [],
    ),
    # Amsterdam: 02:30 does not come on 29 March, and 03:00 is then; on 25 October it comes twice, and first counts.
    "a time that the day lacks comes later": (
        {"by": "02:30"} | HERE, "2026-03-29T01:00:01Z", [_file("2026-03-28T00:30:00Z")], [("missing", "2026-03-29")],
    ),
    "and not before": ({"by": "02:30"} | HERE, "2026-03-29T00:59:59Z", [_file("2026-03-28T00:30:00Z")], []),
    "a time that the day has twice comes first": (
        {"by": "02:30"} | HERE, "2026-10-25T00:30:01Z", [_file("2026-10-24T00:30:00Z")], [("missing", "2026-10-25")],
    ),
    "a day of 25 hours is one day": (
        {"by": "06:00", "unexpected": True} | HERE, "2026-10-25T22:30:00Z",
        [_file("2026-10-24T03:00:00Z"), _file("2026-10-24T22:10:00Z", 2), _file("2026-10-25T22:10:00Z", 3)],
        [("unexpected", "2026-10-25")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_people_are_told_what_is_not_as_expected(case: str) -> None:
    said, now, came, told = CASES[case]
    assert _told(said, now, *came) == told


def test_what_passed_before_it_was_expected_is_not_told() -> None:
    since = datetime.fromisoformat("2026-11-23T09:00:00Z")
    small = WEEKDAYS | {"minimum_rows": 11}
    assert _told(small, "2026-11-23T12:00:00Z", _file("2026-11-23T08:00:00Z"), since=since) == []
    assert _told(small, "2026-11-24T07:00:00Z", since=since) == [("missing", "2026-11-24")]


def test_what_came_before_it_was_expected_has_come() -> None:
    since = datetime.fromisoformat("2026-11-23T06:00:00Z")
    early, later = _file("2026-11-23T05:00:00Z"), _file("2026-11-23T05:30:00Z", 2)
    one = WEEKDAYS | {"unexpected": True, "minimum_rows": 11}
    assert _told(one, "2026-11-23T09:00:00Z", early, later, since=since) == []
    third = _file("2026-11-23T06:10:00Z", 3, rows=None)
    assert _told(one, "2026-11-23T09:00:00Z", early, third, since=since) == [("unexpected", "2026-11-23")]
    assert _told(one | {"files": 2}, "2026-11-23T09:00:00Z", early, since=since) == [("missing", "2026-11-23")]


def test_nothing_is_missing_because_it_was_not_read() -> None:
    expected = Timetable(Expectation.model_validate(WEEKDAYS))
    tuesday, read = datetime.fromisoformat("2026-11-24T12:00:00Z"), _file("2026-11-23T05:00:00Z")
    found = judge(expected, [read], LONG_AGO, tuesday)
    assert [(each.finding, each.about) for each in found] == [("missing", "2026-11-24")]
    assert judge(expected, [read], LONG_AGO, tuesday, until=read.came_at) == []
    late = _file("2026-11-23T07:00:00Z")
    [told] = judge(expected, [late], LONG_AGO, tuesday, until=late.came_at)
    assert (told.finding, told.about) == ("late", "2026-11-23")


def test_a_day_stands_as_its_files_have_come() -> None:
    expected = Timetable(Expectation.model_validate(WEEKDAYS))
    monday = datetime.fromisoformat("2026-11-23T05:00:00Z")

    def state(now: datetime, *came: Came) -> str:
        return standing(expected, came, LONG_AGO, now).state

    late = _file("2026-11-23T07:00:00Z")
    assert state(monday) == "awaited"
    assert state(monday, _file("2026-11-23T04:00:00Z")) == "met"
    assert state(monday + timedelta(hours=2)) == "missing"
    assert state(monday + timedelta(hours=3), late) == "late"
    assert state(monday - timedelta(days=1)) == "not_expected"
    friday = standing(expected, (), LONG_AGO, monday - timedelta(days=2))
    assert (friday.deadline, friday.next_deadline) == (None, datetime.fromisoformat("2026-11-23T06:30:00Z"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "23:45", "grace_minutes": 15},
        {"minimum_rows": 2, "maximum_rows": 1},
        {"minimum_bytes": 2, "maximum_bytes": 1},
        {"files": 0},
        {"days": []},
        {"timezone": "Middle-earth/Shire"},
        {"by": "6:00"},
    ],
)
def test_what_cannot_be_expected_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Expectation.model_validate(WEEKDAYS | wrong)
