"""When a file is ready, and which names are never an import's own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.arrival import FileStamp
from shared.domain.goal import ImportGoal
from shared.transfer.readiness import Decision, Look, decide, is_own_name, is_temporary

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = FileStamp(path="in/a.csv", size_bytes=10, modified_at=NOW - timedelta(hours=5))


def _looks(*stamps: FileStamp, every: int, minimum: int) -> list[Decision]:
    decisions: list[Decision] = []
    look: Look | None = None
    for number, stamp in enumerate(stamps):
        decision = decide(look, stamp, NOW + timedelta(seconds=every * number), minimum)
        decisions.append(decision)
        look = decision.look
    return decisions


def test_a_file_is_ready_when_it_held_still_for_two_looks_and_the_minimum_age() -> None:
    assert [d.is_ready for d in _looks(FILE, FILE, FILE, FILE, every=10, minimum=30)] == [False, False, False, True]
    assert [d.is_ready for d in _looks(FILE, FILE, every=10, minimum=0)] == [False, True]


def test_a_growing_file_is_not_ready_and_begins_anew() -> None:
    grown = replace(FILE, size_bytes=11)
    assert [d.is_ready for d in _looks(FILE, grown, grown, grown, every=10, minimum=20)] == [False, False, False, True]


def test_a_file_of_equal_size_but_another_time_has_changed() -> None:
    touched = replace(FILE, modified_at=NOW)
    assert [d.is_ready for d in _looks(FILE, touched, every=60, minimum=0)] == [False, False]


def test_an_old_time_of_the_sender_does_not_make_a_file_ready() -> None:
    assert not _looks(FILE, FILE, every=1, minimum=30)[-1].is_ready


def test_a_file_that_waits_says_for_what() -> None:
    assert [d.waits_for for d in _looks(FILE, FILE, every=10, minimum=30)] == [
        "a second look",
        "the minimum age, 20 seconds more",
    ]


def test_a_clock_set_back_does_not_make_a_file_wait_for_ever() -> None:
    ahead = Look(file=FILE, since=NOW + timedelta(days=1))
    look = decide(ahead, FILE, NOW, 30).look
    assert decide(look, FILE, NOW + timedelta(seconds=30), 30).is_ready


@pytest.mark.parametrize("name", ["a.csv.part", "a.tmp", "A.FILEPART", ".a.csv", ".part"])
def test_temporary_names(name: str) -> None:
    assert is_temporary(name)


@pytest.mark.parametrize("name", ["a.csv", "part", "tmp.csv", "a.parts"])
def test_other_names_are_not_temporary(name: str) -> None:
    assert not is_temporary(name)


def _goal(**afterwards: object) -> ImportGoal:
    return ImportGoal.model_validate(
        {
            "kind": "import_profiles",
            "name": "Nightly",
            "source": {"directory": "in", "pattern": {"wildcard": "*"}, "afterwards": afterwards},
            "identifiers": [{"field": "E-mail", "property": "email"}],
            "opt_in": {"declaration": "undefined"},
        }
    )


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("in/a.csv.done", True),
        ("in/a.csv.done.7", True),
        ("in/a.csv.done.700", False),
        ("in/a.csv", False),
        ("in/a.done.csv", False),
        ("failed/a.csv", True),
        ("failed/deeper/a.csv", False),
    ],
)
def test_names_under_which_files_are_put_away_are_the_goals_own(path: str, is_own: bool) -> None:
    assert is_own_name(path, _goal()) is is_own


def test_a_directory_that_files_are_moved_to_is_the_goals_own() -> None:
    goal = _goal(done={"move_to": "archive"}, failed={"leave": True})
    assert is_own_name("archive/a.csv", goal)
    assert not is_own_name("in/a.csv.done", goal)


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("in/a.csv.failed", True),
        ("in/a.csv.failed.99", True),
        ("in/a.csv.failed.100", False),
        ("in/a.failed.csv", False),
        ("in/a.csv.done", True),
        ("failed/a.csv", False),
    ],
)
def test_names_that_failed_files_are_given_are_the_goals_own(path: str, is_own: bool) -> None:
    assert is_own_name(path, _goal(failed={"rename_suffix": ".failed"})) is is_own


def test_moving_into_the_watched_directory_itself_disowns_nothing() -> None:
    assert not is_own_name("in/a.csv", _goal(done={"move_to": "in"}))
