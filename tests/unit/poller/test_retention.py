"""Which files of a hosted folder are kept no longer, case by case."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.poller.lying import Lying, all_lying, take_away
from services.poller.retention import About, kept_no_longer
from shared.domain.arrival import ArrivalState, FileStamp
from shared.storage.retention import Delivered, Known, Watching
from shared.storage.uploads import Upload
from shared.transfer.tree import Tree

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)
CLIENTS_TIME = datetime(1970, 1, 2, tzinfo=UTC)
LOOKED = Watching(uuid4(), NOW, goals_changed_at=OLD)


def lying(changed_at: datetime = OLD, size: int = 5) -> Lying:
    """A file with a client's time of long ago."""
    return Lying(FileStamp(path="in/a.csv", size_bytes=size, modified_at=CLIENTS_TIME), changed_at)


KNOWN = Known(
    arrival_id=uuid4(),
    path="in/a.csv",
    settled_path=None,
    state=ArrivalState.SETTLED,
    size_bytes=5,
    modified_at=CLIENTS_TIME,
    upload_id=uuid4(),
    expired_at=None,
    uploaded_modified_at=CLIENTS_TIME,
    last_at=OLD,
    has_open_runs=False,
    is_present=True,
)
UNMATCHED = replace(KNOWN, state=ArrivalState.UNMATCHED)
DELIVERED = Delivered("in/a.csv", 5, OLD - timedelta(minutes=1), OLD)


def uploaded(state: str = "closed", **changes: object) -> Upload:
    """The upload that the known arrival is of."""
    known = KNOWN.upload_id
    assert known is not None
    return replace(Upload(known, "in/a.csv", state, 5, CLIENTS_TIME, OLD), **changes)


@pytest.mark.parametrize(
    ("known", "latest", "expected"),
    [
        pytest.param([KNOWN], uploaded(), "imported", id="imported"),
        pytest.param([UNMATCHED], uploaded(), "unmatched", id="nobody takes it"),
        pytest.param([replace(KNOWN, last_at=YOUNG)], uploaded(), None, id="uploaded or imported lately"),
        pytest.param([replace(UNMATCHED, last_at=YOUNG)], uploaded(), None, id="told as unmatched lately"),
        pytest.param([replace(KNOWN, last_at=YOUNG)], None, None, id="put there, seen lately"),
        pytest.param([replace(KNOWN, state=ArrivalState.WAITING)], uploaded(), None, id="not complete"),
        pytest.param([replace(KNOWN, state=ArrivalState.ACCEPTED)], uploaded(), None, id="not settled"),
        pytest.param([replace(KNOWN, has_open_runs=True)], uploaded(), None, id="a replay waits"),
        pytest.param([KNOWN], uploaded("open"), None, id="being uploaded"),
        pytest.param([KNOWN], uploaded("broken"), None, id="broken off"),
        pytest.param([KNOWN], uploaded(id=uuid4()), None, id="uploaded again and not seen yet"),
        pytest.param([], uploaded(), None, id="uploaded and never told"),
        pytest.param([], None, None, id="nobody knows it"),
        pytest.param([replace(KNOWN, size_bytes=6)], None, None, id="another file than the known one"),
        pytest.param([KNOWN, replace(KNOWN, has_open_runs=True)], uploaded(), None, id="one of several waits"),
        pytest.param([KNOWN, replace(KNOWN, state=ArrivalState.VANISHED)], uploaded(), None, id="one may be away"),
    ],
)
def test_what_is_old_and_waits_for_nothing_is_kept_no_longer(
    known: list[Known], latest: Upload | None, expected: str | None
) -> None:
    assert kept_no_longer(lying(), About(known, latest), LOOKED, BEFORE) == expected


@pytest.mark.parametrize(
    ("watching", "expected"),
    [
        (LOOKED, "unmatched"),
        (replace(LOOKED, goals_changed_at=None), "unmatched"),
        (replace(LOOKED, has_paused_goals=True), None),
        (replace(LOOKED, goals_changed_at=YOUNG), None),
        (replace(LOOKED, looked_at=None), None),
        (replace(LOOKED, looked_at=OLD - timedelta(hours=1)), None),
    ],
    ids=["no goal takes it", "no goals", "a goal rests", "goals changed lately", "the last look failed", "not looked"],
)
def test_what_no_goal_takes_goes_only_once_that_is_sure_and_was_so_for_long(
    watching: Watching, expected: str | None
) -> None:
    """A goal that is paused, or was changed, may be why it was told so."""
    assert kept_no_longer(lying(), About([UNMATCHED], uploaded()), watching, BEFORE) == expected
    imported = kept_no_longer(lying(), About([KNOWN], uploaded()), watching, BEFORE)
    assert imported == "imported", "what was imported waits for no goal"


@pytest.mark.parametrize(
    ("file", "delivered", "expected"),
    [
        (lying(), DELIVERED, "delivered"),
        (lying(), replace(DELIVERED, size_bytes=None), "delivered"),
        (lying(size=6), DELIVERED, None),
        (lying(OLD + timedelta(hours=2)), DELIVERED, None),
        (lying(OLD - timedelta(hours=2)), DELIVERED, None),
        (lying(YOUNG), replace(DELIVERED, began_at=YOUNG, ended_at=YOUNG), None),
    ],
    ids=["ours", "given back", "another size", "changed since", "older than the run", "delivered lately"],
)
def test_what_nobody_told_of_goes_only_where_a_run_says_to_have_put_it_there(
    file: Lying, delivered: Delivered, expected: str | None
) -> None:
    assert kept_no_longer(file, About(delivered=[delivered]), LOOKED, BEFORE) == expected
    assert kept_no_longer(file, About(delivered=[delivered]), None, BEFORE) is None, "nobody watches it"
    assert kept_no_longer(file, About(), LOOKED, BEFORE) is None, "nobody knows it"


def test_what_somebody_puts_there_in_this_moment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between every two steps: behind the look, and behind a second link, if one is made."""
    link, replace_ = os.link, os.replace
    for name in ("link", "replace"):
        (tmp_path / "a.csv").write_text("old")
        [seen] = all_lying(Tree(tmp_path))
        new = tmp_path.parent / "new"
        new.write_text("new")

        def linked(*paths: Any, new: Path = new, **how: Any) -> None:
            link(*paths, **how)
            if new.exists():
                replace_(new, tmp_path / "a.csv")

        def replaced(*paths: Any, new: Path = new, **how: Any) -> None:
            if new.exists():
                replace_(new, tmp_path / "a.csv")
            replace_(*paths, **how)

        with monkeypatch.context() as patched:
            patched.setattr(os, name, linked if name == "link" else replaced)
            gone = take_away(Tree(tmp_path), [seen])
        if new.exists():
            new.unlink()
            assert gone == [seen]
        else:
            assert gone == []
            assert [each.read_text() for each in tmp_path.iterdir()] == ["new"]


class Deadly(Tree):
    """Who removes anything there dies."""

    def remove(self, path: str) -> None:
        """Never returns."""
        raise MemoryError(path)


def test_what_was_left_over_of_a_removal_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(MemoryError):
        take_away(Deadly(tmp_path), list(all_lying(Tree(tmp_path))))
    (tmp_path / f".{'0' * 32}.tidegate").write_text("another's")
    left, others = sorted(all_lying(Tree(tmp_path)), key=lambda each: each.stamp.size_bytes)
    aged = replace(left, changed_at=OLD)
    assert kept_no_longer(aged, About(), LOOKED, BEFORE) == "left_over"
    assert kept_no_longer(left, About(), LOOKED, BEFORE) is None, "somebody may be at it"
    assert kept_no_longer(replace(others, changed_at=OLD), About(), LOOKED, BEFORE) is None
    assert take_away(Tree(tmp_path), [left]) == [left]
    assert [each.read_text() for each in tmp_path.iterdir()] == ["another's"]


class Barred(Tree):
    """One of its directories cannot be listed."""

    def scan(self, path: str) -> Iterator[tuple[bytes, os.stat_result]]:
        """All others can."""
        if path == "b":
            raise PermissionError(errno.EACCES, "not allowed")
        return super().scan(path)


def test_a_directory_that_cannot_be_listed_keeps_no_other_from_it(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("1")
    assert sorted(each.path for each in all_lying(Barred(tmp_path))) == ["a/file", "c/file"]


def test_only_the_file_that_was_seen_is_removed(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for name in ("same.csv", "gone.csv", "replaced.csv", "written.csv"):
        (tmp_path / name).write_text("1")
    seen = sorted(all_lying(tree), key=lambda each: each.path)
    (tmp_path / "gone.csv").unlink()
    (tmp_path / "other").write_text("1")
    (tmp_path / "other").rename(tmp_path / "replaced.csv")
    (tmp_path / "written.csv").write_text("12")
    assert [each.path for each in take_away(tree, seen)] == ["same.csv"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["replaced.csv", "written.csv"]
