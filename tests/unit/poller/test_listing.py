"""Which directories a look lists, in which order it writes down what it saw, and what it concludes to be gone."""

from datetime import UTC, datetime, timedelta

import pytest

from services.poller import listing
from services.poller.listing import Listed, is_gone, list_watched, slices
from shared.domain.arrival import FileStamp
from shared.domain.failures import DirectoryMissing, TooManyFiles
from shared.domain.goal import ImportGoal
from shared.domain.watched import beneath, levels_below, watches
from shared.transfer.folder import Listing, RefusedName
from tests.builders import import_goal
from tests.fakes.folder import FakeFolder

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def goal(directory: str = "", subdirectories: int = 0, order: str = "time", failed: str = "failed") -> ImportGoal:
    source = {
        "directory": directory,
        "pattern": {"wildcard": "*.csv"},
        "subdirectories": subdirectories,
        "order": order,
        "afterwards": {"done": {"move_to": "done"}, "failed": {"move_to": failed}},
    }
    plain = import_goal()
    return plain.model_copy(update={"source": type(plain.source).model_validate(source)})


async def listed(folder: FakeFolder, *goals: ImportGoal, apart: frozenset[str] = frozenset()) -> Listed:
    found = Listed()
    await list_watched(folder, goals, apart, found, makes_missing=False)
    return found


TREE = ["a.csv", "x/a.csv", "x/y/a.csv", "x/y/z/a.csv", "done/a.csv", "failed/a.csv", ".git/a.csv", "other/in/a.csv"]


@pytest.mark.parametrize(
    ("goals", "directories"),
    [
        ([], [""]),
        ([goal()], [""]),
        ([goal(subdirectories=1)], ["", "other", "x"]),
        ([goal(subdirectories=8)], ["", "other", "other/in", "x", "x/y", "x/y/z"]),
        ([goal("x", 1), goal("x/y", 1)], ["x", "x/y", "x/y/z"]),
        ([goal(subdirectories=8), goal("done")], ["", "done", "other", "other/in", "x", "x/y", "x/y/z"]),
    ],
)
async def test_directories_are_listed_once_down_to_the_level_that_is_asked_for(
    goals: list[ImportGoal], directories: list[str]
) -> None:
    folder = FakeFolder(dict.fromkeys(TREE, b"x"))
    found = await listed(folder, *goals)
    assert sorted(found.listings) == directories
    assert found.failure is None
    assert len(folder.asked) == len(directories)


async def test_where_another_goal_puts_files_is_not_looked_into() -> None:
    folder = FakeFolder(dict.fromkeys(TREE, b"x"))
    found = await listed(folder, goal(subdirectories=1), apart=frozenset({"x"}))
    assert sorted(found.listings) == ["", "other"]


async def test_directories_without_end_are_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_DIRECTORIES", 5)
    wide = FakeFolder({f"d{number}/a.csv": b"x" for number in range(9)})
    found = await listed(wide, goal(subdirectories=8))
    assert (len(found.listings), type(found.failure)) == (5, TooManyFiles)
    # What was not listed is not gone.
    assert not is_gone("d8/a.csv", found.listings, found.known_directories)
    monkeypatch.setattr(listing, "MAX_ENTRIES", 20)
    crowded = FakeFolder({f"{name}/{number}.csv": b"x" for name in "ab" for number in range(15)})
    found = await listed(crowded, goal(subdirectories=1))
    assert (sorted(found.listings), type(found.failure)) == (["", "a"], TooManyFiles)


async def test_a_directory_that_is_missing_is_told_only_where_somebody_named_it() -> None:
    folder = FakeFolder({"in/a.csv": b"x"})
    found = await listed(folder, goal("in"), goal("nowhere"))
    assert (list(found.listings), type(found.failure)) == (["in"], DirectoryMissing)


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("a.csv", True),
        ("x/a.csv", True),
        ("x/y/a.csv", False),
        ("vanished/a.csv", True),
        ("vanished/deep/down/a.csv", True),
        ("x/vanished/a.csv", True),
        ("closed/a.csv", False),
        ("closed/deep/a.csv", False),
    ],
)
def test_what_is_gone(path: str, gone: bool) -> None:
    listings = {"": Listing(directories=["x", "closed"]), "x": Listing(directories=["x/y"])}
    assert is_gone(path, listings, frozenset({"x", "closed", "x/y"})) is gone


def test_nothing_is_concluded_of_a_place_that_was_not_listed() -> None:
    assert not is_gone("in/a.csv", {}, frozenset())


@pytest.mark.parametrize(
    ("order", "expected"), [("time", ["old.csv", "b.csv", "c.csv", "a.csv"]), ("name", ["a", "b", "c", "old.csv"])]
)
def test_files_are_written_down_in_parts_in_the_order_of_the_goal(
    order: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SLICE_FILES", 3)
    ages = {"a.csv": 0, "b.csv": 5, "c.csv": 5, "old.csv": 9}
    files = [FileStamp(path, 1, NOON - timedelta(minutes=age)) for path, age in ages.items()]
    # A server may name a file twice, also as something else.
    refused = [RefusedName("pipe.csv", "a pipe"), RefusedName("a.csv", "a link")]
    listings = {"": Listing([*files, files[0]], refused, ["x", "b.csv"])}
    parts = list(slices(listings, [goal(order=order)]))
    assert [len(part) for part in parts] == [3, 3]
    paths = [each.file.path for part in parts for each in part]
    assert paths == [name if "." in name else f"{name}.csv" for name in expected] + ["pipe.csv", "x"]


def test_an_empty_place_is_one_empty_part() -> None:
    assert list(slices({}, [])) == [[]]


def test_levels_and_what_lies_beneath() -> None:
    below = {"in": 0, "in/a": 1, "in/a/b": 2, "inn": None, "": None, "other": None}
    assert {each: levels_below("in", each) for each in below} == below
    assert [levels_below("", each) for each in ("", "a", "a/b")] == [0, 1, 2]
    assert [beneath("in", each) for each in ("in", "in/a/b", "elsewhere")] == ["", "a/b", ""]
    assert beneath("", "a/b") == "a/b"
    deep = goal("in", 2, failed="in/x/failed")
    assert [watches(deep, each) for each in ("in", "in/x", "in/x/failed", "in/.x", "in/x/y/z")] == [
        *(True, True, False, False, False)
    ]
