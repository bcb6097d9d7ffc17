"""What becomes of a file afterwards, on every driver and on the fake, and again after a crash at any point."""

import pytest

from shared.domain.afterwards import AfterDone, AfterFailed
from shared.domain.arrival import FileStamp
from shared.domain.failures import NameTaken
from shared.domain.names import free_names
from shared.transfer.mark import mark
from tests.integration.transfer.grounds import Ground

RENAME = AfterDone(rename_suffix=".done")
MOVE = AfterDone(move_to="archive/old")
DELETE = AfterDone(delete=True)
FAILED = AfterFailed(move_to="failed")
RENAME_FAILED = AfterFailed(rename_suffix=".failed")


async def _file(ground: Ground, path: str = "in/a.csv", content: bytes = b"12345") -> FileStamp:
    ground.put(path, content)
    return await ground.folder.stat(path)


async def test_an_imported_file_is_renamed(ground: Ground) -> None:
    marked = await mark(ground.folder, await _file(ground), RENAME)
    assert (marked.outcome, marked.path) == ("renamed", "in/a.csv.done")
    assert [file.path for file in (await ground.folder.list("in")).files] == ["in/a.csv.done"]


async def test_a_taken_name_is_never_replaced(ground: Ground) -> None:
    ground.put("in/a.csv.done", b"older")
    ground.put("in/a.csv.done.1", b"old")
    marked = await mark(ground.folder, await _file(ground), RENAME)
    assert (marked.outcome, marked.path) == ("renamed", "in/a.csv.done.2")
    assert ground.content("in/a.csv.done") == b"older"


async def test_a_file_is_moved_into_a_directory_that_is_made(ground: Ground) -> None:
    file = await _file(ground)
    assert (await mark(ground.folder, file, MOVE)).path == "archive/old/a.csv"
    assert ground.content("archive/old/a.csv") == b"12345"


async def test_a_file_whose_import_failed_is_moved(ground: Ground) -> None:
    marked = await mark(ground.folder, await _file(ground), FAILED)
    assert (marked.outcome, marked.path) == ("moved", "failed/a.csv")


async def test_a_file_whose_import_failed_is_renamed_and_no_taken_name_replaced(ground: Ground) -> None:
    first = await mark(ground.folder, await _file(ground), RENAME_FAILED)
    second = await mark(ground.folder, await _file(ground, content=b"another"), RENAME_FAILED)
    assert (first.outcome, first.path) == ("renamed", "in/a.csv.failed")
    assert (second.outcome, second.path) == ("renamed", "in/a.csv.failed.1")
    assert ground.content("in/a.csv.failed") == b"12345"


@pytest.mark.parametrize(
    ("action", "outcome", "path"),
    [
        (RENAME, "renamed", "in/a.csv.done"),
        (MOVE, "moved", "archive/old/a.csv"),
        (RENAME_FAILED, "left", "in/a.csv.failed.1"),
        (FAILED, "moved", "failed/a.csv"),
        (AfterDone(move_to="in"), "left", "in/a.csv.failed.1"),
        (AfterDone(leave=True), "left", "in/a.csv.failed.1"),
    ],
)
async def test_a_file_that_was_renamed_before_is_called_after_its_first_name(
    ground: Ground, action: AfterDone | AfterFailed, outcome: str, path: str
) -> None:
    """Also after a crash. It never comes back under that name itself: that would be a file that has come anew."""
    ground.put("in/a.csv.failed", b"another")
    file = await _file(ground, "in/a.csv.failed.1")
    marked = await mark(ground.folder, file, action, name="a.csv")
    assert (marked.outcome, marked.path) == (outcome, path)
    again = await mark(ground.folder, file, action, name="a.csv")
    assert (again.outcome, again.path) == ("left" if outcome == "left" else "already", path)


async def test_a_file_is_deleted(ground: Ground) -> None:
    assert (await mark(ground.folder, await _file(ground), DELETE)).outcome == "deleted"
    assert (await ground.folder.list("in")).files == []


@pytest.mark.parametrize("action", [AfterDone(leave=True), AfterFailed(leave=True), AfterDone(move_to="in")])
async def test_a_file_is_left(ground: Ground, action: AfterDone | AfterFailed) -> None:
    assert (await mark(ground.folder, await _file(ground), action)).outcome == "left"
    assert [file.path for file in (await ground.folder.list("in")).files] == ["in/a.csv"]


@pytest.mark.parametrize("action", [RENAME, MOVE, DELETE, FAILED, RENAME_FAILED])
async def test_a_file_that_is_no_longer_the_one_that_was_read_is_not_touched(
    ground: Ground, action: AfterDone | AfterFailed
) -> None:
    file = await _file(ground)
    ground.put("in/a.csv", b"54321")
    ground.set_time("in/a.csv", 1_700_000_000)
    assert (await mark(ground.folder, file, action)).outcome == "changed"
    assert ground.content("in/a.csv") == b"54321"


@pytest.mark.parametrize("action", [RENAME, MOVE, FAILED, RENAME_FAILED, DELETE])
async def test_a_repetition_after_a_crash_finds_it_done(ground: Ground, action: AfterDone | AfterFailed) -> None:
    file = await _file(ground)
    first = await mark(ground.folder, file, action)
    again = await mark(ground.folder, file, action)
    assert (again.outcome, again.path) == ("already", first.path)


async def test_a_repetition_knows_its_own_among_numbered_names(ground: Ground) -> None:
    ground.put("in/a.csv.done", b"another")
    file = await _file(ground)
    first = await mark(ground.folder, file, RENAME)
    await ground.folder.remove("in/a.csv.done")
    assert (await mark(ground.folder, file, RENAME)).path == first.path == "in/a.csv.done.1"


@pytest.mark.parametrize("action", [RENAME, MOVE])
async def test_a_file_that_somebody_took_away_is_gone(ground: Ground, action: AfterDone) -> None:
    file = await _file(ground)
    ground.put("in/other.csv", b"x")
    await ground.folder.remove("in/a.csv")
    assert (await mark(ground.folder, file, action)).outcome == "gone"


async def test_a_name_too_long_for_its_suffix_is_cut(ground: Ground) -> None:
    files = [await _file(ground, f"in/{'ä' * 125}{end}.csv", b"same") for end in "ab"]
    for file in files:
        ground.set_time(file.path, 1_700_000_000)
    files = [await ground.folder.stat(file.path) for file in files]
    first, second = [await mark(ground.folder, file, RENAME) for file in files]
    assert first.outcome == second.outcome == "renamed"
    assert first.path is not None
    assert first.path.endswith(".done")
    # Cut alike, and of the same size and time: a repetition still knows which is which.
    for file, path in zip(files, (first.path, second.path), strict=True):
        again = await mark(ground.folder, file, RENAME)
        assert (again.outcome, again.path) == ("already", path)


async def test_a_hundred_taken_names_are_told(ground: Ground) -> None:
    file = await _file(ground)
    for name in free_names("in", "a.csv", ".done"):
        ground.put(name, b"taken")
    with pytest.raises(NameTaken):
        await mark(ground.folder, file, RENAME)
    assert (await ground.folder.stat("in/a.csv")) == file
