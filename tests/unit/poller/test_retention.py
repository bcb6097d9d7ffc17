"""Which files of a hosted folder are kept no longer, case by case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from services.poller.retention import Lying, kept_no_longer, take_away
from shared.domain.arrival import ArrivalState, FileStamp
from shared.storage.retention import Known, Watching
from shared.storage.uploads import Upload
from shared.transfer.tree import Tree

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)
CLIENTS_TIME = datetime(1970, 1, 2, tzinfo=UTC)
LOOKED = Watching(uuid4(), NOW)


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
    seen_at=OLD,
    upload_id=uuid4(),
    expired_at=None,
    closed_at=OLD,
    uploaded_modified_at=CLIENTS_TIME,
    has_open_runs=False,
    is_present=True,
)
UNMATCHED = replace(KNOWN, state=ArrivalState.UNMATCHED)


def uploaded(state: str = "closed", **changes: object) -> Upload:
    """The upload that the known arrival is of."""
    known = KNOWN.upload_id
    assert known is not None
    return replace(Upload(known, "in/a.csv", state, 5, CLIENTS_TIME), **changes)


@pytest.mark.parametrize(
    ("known", "latest", "expected"),
    [
        pytest.param([KNOWN], uploaded(), "imported", id="imported"),
        pytest.param([UNMATCHED], uploaded(), "unmatched", id="nobody takes it"),
        pytest.param([replace(KNOWN, closed_at=YOUNG)], uploaded(), None, id="uploaded lately with a time of long ago"),
        pytest.param([replace(UNMATCHED, seen_at=YOUNG)], uploaded(), None, id="told as unmatched lately"),
        pytest.param([replace(KNOWN, closed_at=None, seen_at=YOUNG)], None, None, id="put there, seen lately"),
        pytest.param([replace(KNOWN, state=ArrivalState.WAITING)], uploaded(), None, id="not complete"),
        pytest.param([replace(KNOWN, state=ArrivalState.ACCEPTED)], uploaded(), None, id="not settled"),
        pytest.param([replace(KNOWN, has_open_runs=True)], uploaded(), None, id="a replay waits"),
        pytest.param([KNOWN], uploaded("open"), None, id="being uploaded"),
        pytest.param([KNOWN], uploaded("broken"), None, id="broken off"),
        pytest.param([KNOWN], uploaded(id=uuid4()), None, id="uploaded again and not seen yet"),
        pytest.param([], uploaded(), None, id="uploaded and never told"),
        pytest.param([], None, "delivered", id="put there by us"),
        pytest.param([KNOWN, replace(KNOWN, has_open_runs=True)], uploaded(), None, id="one of several waits"),
    ],
)
def test_what_is_old_and_waits_for_nothing_is_kept_no_longer(
    known: list[Known], latest: Upload | None, expected: str | None
) -> None:
    assert kept_no_longer(lying(), known, latest, LOOKED, BEFORE) == expected


@pytest.mark.parametrize(
    ("changed_at", "watching", "expected"),
    [
        (OLD, LOOKED, "delivered"),
        (YOUNG, LOOKED, None),
        (OLD, None, None),
        (OLD, replace(LOOKED, looked_at=None), None),
        (OLD, replace(LOOKED, looked_at=OLD - timedelta(hours=1)), None),
    ],
    ids=["old", "delivered lately", "nobody watches", "the last look failed", "not looked at since"],
)
def test_what_nobody_told_of_goes_only_once_a_look_has_passed_it_over(
    changed_at: datetime, watching: Watching | None, expected: str | None
) -> None:
    assert kept_no_longer(lying(changed_at), [], None, watching, BEFORE) == expected


def test_only_the_file_that_was_seen_is_removed(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for name in ("same.csv", "gone.csv", "replaced.csv", "written.csv"):
        (tmp_path / name).write_text("1")
    seen = [Lying.found(each.name, each.stat()) for each in sorted(tmp_path.iterdir())]
    (tmp_path / "gone.csv").unlink()
    (tmp_path / "other").write_text("1")
    (tmp_path / "other").rename(tmp_path / "replaced.csv")
    (tmp_path / "written.csv").write_text("12")
    assert [each.path for each in take_away(tree, seen)] == ["same.csv"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["replaced.csv", "written.csv"]


def test_another_file_under_the_name_counts_from_its_own_last_change() -> None:
    assert kept_no_longer(lying(YOUNG, size=6), [KNOWN], uploaded(), LOOKED, BEFORE) is None
    assert kept_no_longer(lying(OLD, size=6), [KNOWN], uploaded(), LOOKED, BEFORE) == "imported"
