"""What is expected of places that nobody looks at in blackouts: deadlines by table, and days that are lived through."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.domain.blackout import Blackout, blackout_until
from shared.domain.connection import ConnectionSettings
from shared.domain.expectation import Expectation
from shared.domain.expected_files import Came, earliest, judge, standing
from shared.domain.place import DirectoryPlace, DropPlace, HostedPlace
from shared.domain.readiness import Readiness
from shared.domain.timetable import Timetable, judged_since, timetable

LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00Z")
LOOKS_TAKE = timedelta(minutes=3)
MONDAY = date(2026, 11, 23)
NIGHT = {"from": "22:00", "to": "06:00"}
HERE = {"timezone": "Europe/Amsterdam"}
WEEKEND = [
    {"days": ["fri"], "from": "20:00", "to": "00:00"},
    {"days": ["sat", "sun"], "from": "00:00", "to": "00:00"},
    {"days": ["mon"], "from": "00:00", "to": "06:00"},
]
WITH_GAPS = [
    {"from": "22:00", "to": "23:59"},
    {"days": ["sat", "sun"], "from": "00:00", "to": "23:59"},
    {"from": "00:00", "to": "06:00"},
]


def _times(said: dict[str, Any], *windows: dict[str, Any], looks_take: timedelta = LOOKS_TAKE) -> Timetable:
    return Timetable(Expectation.model_validate(said), [Blackout.model_validate(each) for each in windows], looks_take)


DEADLINES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str, str]] = {
    "in no blackout it is what it was": ({"by": "12:00"}, [NIGHT], "2026-11-23", "2026-11-23T12:00:00Z"),
    "in one it is put off": ({"by": "03:00"}, [NIGHT], "2026-11-23", "2026-11-23T06:03:00Z"),
    "also past midnight": ({"by": "23:00"}, [NIGHT], "2026-11-23", "2026-11-24T06:03:00Z"),
    "and where it is the window's end": ({"by": "06:00"}, [NIGHT], "2026-11-23", "2026-11-23T06:03:00Z"),
    "or just behind it": ({"by": "06:02"}, [NIGHT], "2026-11-23", "2026-11-23T06:03:00Z"),
    "but not once all has been seen": ({"by": "06:03"}, [NIGHT], "2026-11-23", "2026-11-23T06:03:00Z"),
    "nor where it is before the window": ({"by": "21:59"}, [NIGHT], "2026-11-23", "2026-11-23T21:59:00Z"),
    "grace may end in one": (
        {"by": "21:30", "grace_minutes": 60}, [NIGHT], "2026-11-23", "2026-11-24T06:03:00Z",
    ),
    "windows that touch are one": ({"by": "22:00"}, WEEKEND, "2026-11-20", "2026-11-23T06:03:00Z"),
    "and those with too little time between them": ({"by": "22:30"}, WITH_GAPS, "2026-11-20", "2026-11-23T06:03:00Z"),
    "where windows leave but minutes these have to do": (
        {"by": "12:00"}, [{"from": "00:00", "to": "23:59"}], "2026-11-23", "2026-11-25T00:00:30Z",
    ),
    # Amsterdam: clocks show 02:30 twice on 25 October, and a window ends when they do for the last time.
    "clocks that are put back end it later": (
        {"by": "01:00"} | HERE, [{"from": "22:00", "to": "02:30"} | HERE], "2026-10-25", "2026-10-25T01:33:00Z",
    ),
    "clocks that are put forward over its end end it": (
        {"by": "01:00"} | HERE, [{"from": "22:00", "to": "02:30"} | HERE], "2026-03-29", "2026-03-29T01:03:00Z",
    ),
    "each zone keeps its own": (
        {"by": "06:30"} | HERE, [{"from": "22:00", "to": "06:00"}], "2026-11-23", "2026-11-23T06:03:00Z",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DEADLINES)
def test_a_deadline_is_put_off_until_what_lay_there_can_be_complete(case: str) -> None:
    said, windows, day, deadline = DEADLINES[case]
    assert _times(said, *windows).deadline(date.fromisoformat(day)) == datetime.fromisoformat(deadline)


def test_the_next_deadline_may_be_that_of_a_day_before() -> None:
    times = _times({"by": "23:00", "days": ["fri"]}, *WEEKEND)
    sunday = datetime.fromisoformat("2026-11-22T12:00:00Z")
    put_off = datetime.fromisoformat("2026-11-23T06:03:00Z")
    assert times.next_deadline(sunday) == put_off
    assert times.next_deadline(put_off) == put_off + timedelta(days=7)


# What is expected, the windows, when the files come from Monday 16 November on, and what is told of which day.
# Of a day of which nothing is told nothing may be told at any hour of it, or of the days after.
WEEKS: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[str], list[tuple[str, str]]]] = {
    "who comes in the blackout is in time, and who comes after it is late": (
        {"by": "03:00"}, [NIGHT], ["16T01:00", "17T06:30", "18T05:59", "19T23:00", "21T02:00", "22T21:00"],
        [("missing", "17"), ("late", "17"), ("missing", "19"), ("missing", "22"), ("late", "22")],
    ),
    "across midnight each counts for the day before": (
        {"by": "23:00", "unexpected": True}, [NIGHT],
        ["16T22:30", "17T22:30", "18T22:30", "19T22:30", "20T22:30", "21T22:30", "22T22:30"],
        [],
    ),
    "and one that does not come is missed on its day": (
        {"by": "23:00"}, [NIGHT], ["16T22:30", "17T22:30", "18T22:30", "20T22:30", "21T22:30", "22T22:30"],
        [("missing", "19")],
    ),
    "who is there before the blackout leaves the one behind it to the next day": (
        {"by": "23:00", "unexpected": True}, [NIGHT],
        ["16T21:00", "17T05:00", "18T21:00", "19T22:30", "20T21:00", "21T05:00", "22T22:30"], [],
    ),
    "all days of a weekend have theirs when it is over": (
        {"by": "23:00", "unexpected": True}, WEEKEND,
        ["16T21:00", "17T21:00", "18T21:00", "19T21:00", "20T21:00", "21T21:00", "22T21:00"], [],
    ),
    "or the last of them has not": (
        {"by": "23:00"}, WEEKEND, ["16T21:00", "17T21:00", "18T21:00", "19T21:00", "20T21:00", "22T21:00"],
        [("missing", "22")],
    ),
    "two a day": (
        {"by": "23:00", "files": 2}, [NIGHT],
        ["16T21:00", "16T22:30", "17T22:30", "17T22:40", "18T21:00", "18T21:10", "19T23:00", "20T05:00", "20T22:30",
         "21T21:00", "21T22:30", "22T21:00", "22T22:30"],
        [("missing", "20")],
    ),
}  # fmt: skip


# The same where looks are so far apart that files are complete after the next window only.
LONG_LOOKS: dict[str, tuple[int, dict[str, Any], list[dict[str, Any]], list[str], list[tuple[str, str]]]] = {
    "a server that is there for an hour a day": (
        3600, {"by": "20:00"}, [{"from": "23:00", "to": "22:00"}],
        ["16T19:00", "17T19:00", "18T21:00", "20T19:00", "21T22:30", "22T19:00"],
        [("missing", "19")],
    ),
    "at all hours but those of work": (
        12 * 3600, {"by": "12:00", "unexpected": True}, [{"from": "06:00", "to": "18:30"}],
        ["16T11:00", "17T11:00", "19T11:00", "20T11:00", "21T11:00", "22T11:00"],
        [("missing", "18")],
    ),
    "one look a day": (
        86400, {"by": "03:00", "unexpected": True}, [NIGHT],
        ["16T02:00", "17T02:00", "19T02:00", "20T02:00", "21T02:00", "22T02:00"],
        [("missing", "18")],
    ),
    "but minutes a day": (
        60, {"by": "12:00"}, [{"from": "00:00", "to": "23:59"}],
        ["16T11:00", "17T11:00", "19T11:00", "20T11:00", "21T11:00", "22T11:00"],
        [("missing", "18")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WEEKS)
def test_a_week_is_lived_through(case: str) -> None:
    said, windows, came, told = WEEKS[case]
    _lived_through(_times(said, *windows), came, told)


@pytest.mark.parametrize("case", LONG_LOOKS)
def test_each_day_is_judged_in_time_where_looks_are_far_apart(case: str) -> None:
    seconds, said, windows, came, told = LONG_LOOKS[case]
    times = _times(said, *windows, looks_take=timedelta(seconds=seconds + 120))
    assert times.deadline(MONDAY) - times.expected.deadline(MONDAY) < timedelta(days=2)
    _lived_through(times, came, told)


def _lived_through(times: Timetable, came: list[str], told: list[tuple[str, str]]) -> None:
    files = [_seen(times.unwatched, f"2026-11-{each}:00Z") for each in came]
    begin, found = datetime.fromisoformat("2026-11-16T00:00:00Z"), set()
    for hours in range(0, 24 * 9, 3):
        now = begin + timedelta(hours=hours, minutes=10)
        lately = [each for each in files if each.came_at >= earliest(times, now)]
        found |= {(each.finding, each.about) for each in judge(times, lately, begin, now)}
    # No file comes in the week after.
    assert {(what, day) for what, day in found if day < str(MONDAY)} == {(what, f"2026-11-{day}") for what, day in told}


def _seen(windows: Sequence[Blackout], came_at: str) -> Came:
    """A file as it is seen: at once, or when the blackout has ended."""
    moment = datetime.fromisoformat(came_at)
    return Came(uuid4(), (blackout_until(windows, moment) or moment) + timedelta(seconds=5), 100)


def test_what_is_missing_is_told_when_it_cannot_come_in_time_any_more() -> None:
    times = _times({"by": "03:00"}, NIGHT)
    put_off = datetime.fromisoformat("2026-11-23T06:03:00Z")
    assert judge(times, (), put_off - timedelta(days=1), put_off - timedelta(seconds=1)) == []
    [missing] = judge(times, (), put_off - timedelta(days=1), put_off)
    assert missing.detail == "Found 0 files by 2026-11-23T06:03:00Z, expected 1."


def test_files_are_read_from_the_first_day_on_that_matters() -> None:
    times = _times({"by": "06:00"} | HERE)
    assert earliest(times, datetime.fromisoformat("2026-11-23T12:00:00Z")) == datetime.fromisoformat(
        "2026-11-21T23:00:00Z"
    )


def test_a_day_stands_as_it_is_judged() -> None:
    times = _times({"by": "23:00"}, NIGHT)
    of_monday = _seen(times.unwatched, "2026-11-23T22:30:00Z")
    shown = standing(times, [of_monday], LONG_AGO, datetime.fromisoformat("2026-11-24T07:00:00Z"))
    assert (shown.state, shown.files) == ("awaited", 0)
    assert (shown.deadline, shown.next_deadline) == (datetime.fromisoformat("2026-11-25T06:03:00Z"),) * 2


@pytest.mark.parametrize(
    ("becomes", "told"),
    [
        ([], []),
        ([{"from": "04:00", "to": "08:00"}], []),
        ([{"from": "22:00", "to": "08:00"}], [("missing", "2026-11-23T08:03:00Z")]),
        ([{"from": "02:00", "to": "05:30"}], [("missing", "2026-11-23T05:33:00Z")]),
        ([{"from": "03:00", "to": "05:30"}], [("missing", "2026-11-23T05:33:00Z")]),
        ([{"from": "00:00", "to": "02:00"}, {"from": "02:00", "to": "07:00"}], [("missing", "2026-11-23T07:03:00Z")]),
    ],
)
def test_a_deadline_in_a_blackout_that_was_changed_is_judged_where_it_lies_in_the_new_one_as_well(
    becomes: list[dict[str, Any]], told: list[tuple[str, str]]
) -> None:
    before, after = _times({"by": "03:00"}, NIGHT), _times({"by": "03:00"}, *becomes)
    since = judged_since(before.unwatched, after.unwatched, datetime.fromisoformat("2026-11-23T05:00:00Z"))
    # Of the day before all had been seen when that was judged.
    found = judge(after, (), since, datetime.fromisoformat("2026-11-23T12:00:00Z"))
    assert [(each.finding, each.detail[17:37]) for each in found] == told


@pytest.mark.parametrize(
    ("place", "deadline"),
    [
        (DirectoryPlace(transport="directory", root="share"), "2026-11-23T06:02:45Z"),
        (HostedPlace(transport="hosted", drop_folder_id=UUID(int=1)), "2026-11-23T03:00:00Z"),
    ],
)
def test_a_folder_of_our_own_is_looked_at_all_the_same(place: DropPlace, deadline: str) -> None:
    night = Blackout.model_validate(NIGHT)
    settings = ConnectionSettings(name="Shop", interval_seconds=60, place=place, blackouts=(night,))
    times = timetable(Expectation(by="03:00"), Readiness(minimum_age_seconds=15), settings)
    assert times.deadline(MONDAY) == datetime.fromisoformat(deadline)
