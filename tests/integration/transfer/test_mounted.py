"""Directories that the operator has mounted: the right one or none, confined, and given up where they hang."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import pytest

from shared.domain.connection import Login
from shared.domain.failures import (
    ConnectionLost,
    DirectoryMissing,
    DirectoryNotAllowed,
    DirectoryNotMounted,
    PlaceFull,
    Transient,
)
from shared.domain.place import DirectoryPlace
from shared.transfer.dialling import OnStep
from shared.transfer.disk_calls import MountCalls, OwnDisk
from shared.transfer.folder import Deadlines, Folder
from shared.transfer.mounted import MARKER, Mounted, open_mounted
from shared.transfer.open_folder import Places, open_folder
from shared.transfer.trail import Step
from shared.transfer.verify import Uses, verify
from tests.eventually import eventually
from tests.fakes.sessions import FreeSessions
from tests.real.small_disk import small_disk

ALLOWED = Login(local_directories=("share",))


def _place(home: str = "") -> DirectoryPlace:
    return DirectoryPlace(transport="directory", root="share", home_directory=home)


def _places(tmp_path: Path) -> Places:
    return Places(tmp_path / "drop", mounted={"share": Mounted(tmp_path / "share")}, sessions=FreeSessions())


async def _tried(tmp_path: Path) -> list[Step]:
    def opening(on_step: OnStep) -> AbstractAsyncContextManager[Folder]:
        return open_folder(_place(), ALLOWED, _places(tmp_path), account_id=uuid4(), on_step=on_step)

    return (await verify(_place(), opening, Uses(written=frozenset({""})), probe="0a1b")).steps


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A directory that is offered."""
    root = tmp_path / "share"
    root.mkdir()
    (root / MARKER).touch()
    return root


async def test_a_directory_that_is_mounted_lists_its_files_and_not_its_marker(tmp_path: Path, share: Path) -> None:
    (share / "a.csv").write_text("1")
    async with open_folder(_place(), ALLOWED, _places(tmp_path), account_id=uuid4()) as folder:
        assert [file.path for file in (await folder.list("")).files] == ["a.csv"]
    assert {step.outcome for step in await _tried(tmp_path)} == {"ok"}
    assert _names(share) == [MARKER, "a.csv"]


async def test_what_we_write_others_may_read_as_far_as_the_umask_says(tmp_path: Path, share: Path) -> None:
    before = os.umask(0o027)
    try:
        async with open_folder(_place(), ALLOWED, _places(tmp_path), account_id=uuid4()) as folder:
            await folder.make_directory("out")
            await folder.write("out/a.csv", _chunks(b"1"))
    finally:
        os.umask(before)
    assert [oct(path.stat().st_mode & 0o777) for path in (share / "out", share / "out/a.csv")] == ["0o750", "0o640"]


@pytest.mark.parametrize("gone", ["no directory", "no marker", "marker is a link", "a file"])
async def test_an_empty_mount_point_is_no_empty_folder(tmp_path: Path, share: Path, gone: str) -> None:
    (share / MARKER).unlink()
    if gone == "marker is a link":
        (share / MARKER).symlink_to("/etc/hostname")
    elif gone != "no marker":
        share.rmdir()
    if gone == "a file":
        share.touch()
    with pytest.raises(DirectoryNotMounted) as told:
        async with open_folder(_place(), ALLOWED, _places(tmp_path), account_id=uuid4()):
            pass
    assert isinstance(told.value, Transient)
    [step, *_] = await _tried(tmp_path)
    assert (step.code, MARKER in step.what_to_do) == ("directory_not_mounted", True)


async def test_what_is_mounted_over_an_open_folder_is_not_gone_into(tmp_path: Path, share: Path) -> None:
    (share / "a.csv").write_text("1")
    async with open_folder(_place(), ALLOWED, _places(tmp_path), account_id=uuid4()) as folder:
        share.rename(tmp_path / "unmounted")
        share.mkdir()
        assert [file.path for file in (await folder.list("")).files] == ["a.csv"]
        await folder.write("b.csv", _chunks(b"2"))
    assert _names(share) == []


async def test_only_who_is_allowed_gets_in_and_the_operator_may_take_it_back(tmp_path: Path, share: Path) -> None:
    for login in (Login(), Login(local_directories=("another",))):
        with pytest.raises(DirectoryNotAllowed):
            async with open_folder(_place(), login, _places(tmp_path), account_id=uuid4()):
                pass
    with pytest.raises(DirectoryNotMounted, match="TIDEGATE_LOCAL_DIRECTORIES"):
        async with open_folder(_place(), ALLOWED, Places(tmp_path, sessions=FreeSessions()), account_id=uuid4()):
            pass


async def test_no_symbolic_link_leads_out_of_the_home_directory_or_to_it(tmp_path: Path, share: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("1")
    (share / "home").mkdir()
    (share / "home" / "way").symlink_to(outside)
    (share / "link").symlink_to(outside)
    for home in ("link", "link/deeper", "nowhere", "home/way"):
        with pytest.raises(DirectoryMissing):
            async with open_folder(_place(home), ALLOWED, _places(tmp_path), account_id=uuid4()):
                pass
    async with open_folder(_place("home"), ALLOWED, _places(tmp_path), account_id=uuid4()) as folder:
        with pytest.raises(DirectoryMissing):
            await folder.list("way")
        with pytest.raises(DirectoryMissing):
            await folder.write("way/mine.csv", _chunks(b"1"))
    assert _names(outside) == ["secret.csv"]


async def test_a_mount_without_room_is_full_and_keeps_working() -> None:
    with small_disk(1) as disk:
        (disk.root / MARKER).touch()
        disk.fill(leave_bytes=8192)
        async with open_mounted(Mounted(disk.root), "", Deadlines()) as folder:
            with pytest.raises(PlaceFull):
                await folder.write("a.csv", _chunks(bytes(1 << 20)))
            await folder.remove("a.csv")


async def test_a_mount_that_hangs_is_given_up_in_time_and_holds_up_no_other(tmp_path: Path, share: Path) -> None:
    calls, thawed = MountCalls(at_a_time=2), threading.Event()
    began = time.monotonic()
    try:
        for _ in range(4):
            # Two hang, and those after them find no thread; each is told in time.
            with pytest.raises(ConnectionLost, match=r"within 0\.1 seconds"):
                await calls(0.1, thawed.wait)
        async with open_mounted(Mounted(share), "", Deadlines()) as folder:
            assert (await folder.list("")).files == []
        assert time.monotonic() - began < 5
    finally:
        thawed.set()
    assert await calls(5, lambda: "alive") == "alive"


async def test_a_descriptor_that_comes_too_late_is_closed(tmp_path: Path) -> None:
    calls, thawed = MountCalls(), threading.Event()
    late: list[int] = []

    def slow() -> int:
        thawed.wait()
        late.append(os.open(tmp_path, os.O_RDONLY))
        return late[0]

    with pytest.raises(ConnectionLost):
        await calls.open(0.05, slow)
    thawed.set()
    await eventually(lambda: _is_closed(late), "the descriptor to be closed")


@pytest.mark.parametrize("calls", [MountCalls(), OwnDisk()], ids=["mounted", "own"])
async def test_a_descriptor_that_comes_in_the_turn_in_which_who_waits_is_cancelled_is_closed(
    tmp_path: Path, calls: MountCalls | OwnDisk
) -> None:
    loop = asyncio.get_running_loop()

    def after(turns: int, task: asyncio.Task[int]) -> None:
        loop.call_soon(after, turns - 1, task) if turns else task.cancel()

    for turns in range(8):
        thawed, opened = threading.Event(), list[int]()

        def slow(thawed: threading.Event, opened: list[int]) -> int:
            thawed.wait()
            opened.append(os.open(tmp_path, os.O_RDONLY))
            return opened[0]

        task = asyncio.create_task(calls.open(5, slow, thawed, opened))
        await asyncio.sleep(0.01)
        thawed.set()
        _stand_still(opened)
        after(turns, task)
        [found] = await asyncio.gather(task, return_exceptions=True)
        if isinstance(found, int):
            calls.close(found)
        await eventually(lambda opened=opened: _is_closed(opened), "the descriptor to be closed")


async def test_the_number_of_a_descriptor_is_nobody_elses_while_a_call_that_was_given_up_may_use_it(
    tmp_path: Path,
) -> None:
    calls, thawed = MountCalls(), threading.Event()
    mine = await calls.open(5, os.open, tmp_path, os.O_RDONLY)

    seen: list[int] = []

    def slow() -> None:
        thawed.wait()
        seen.append(os.stat("another", dir_fd=mine).st_ino)

    with pytest.raises(ConnectionLost):
        await calls(0.05, slow)
    calls.close(mine)
    (tmp_path / "another").mkdir()
    another = await calls.open(5, os.open, tmp_path / "another", os.O_RDONLY)
    assert another != mine
    # What was opened later is closed at once: a call that hangs for ever uses up no descriptors.
    calls.close(another)
    await eventually(lambda: _is_closed([another]), "what the call cannot use to be closed")
    assert not await _is_closed([mine])
    thawed.set()
    await eventually(lambda: _is_closed([mine]), "the descriptor to be closed")
    assert seen == [(tmp_path / "another").stat().st_ino]


async def test_on_a_disk_of_our_own_who_is_cancelled_leaves_the_number_to_the_call(tmp_path: Path) -> None:
    calls, began, thawed = OwnDisk(), threading.Event(), threading.Event()
    mine = await calls.open(5, os.open, tmp_path / "a", os.O_WRONLY | os.O_CREAT)

    def slow() -> int:
        began.set()
        thawed.wait()
        return os.write(mine, b"1")

    task = asyncio.create_task(calls(5, slow))
    await asyncio.to_thread(began.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    calls.close(mine)
    assert not await _is_closed([mine])
    thawed.set()
    await eventually(lambda: _is_closed([mine]), "the descriptor to be closed")
    assert (tmp_path / "a").read_bytes() == b"1"


def _stand_still(opened: list[int]) -> None:
    """Keep the loop from going on until the answer is on its way to it."""
    while not opened:
        time.sleep(0.001)
    time.sleep(0.01)


async def _is_closed(descriptors: list[int]) -> bool:
    try:
        return bool(descriptors) and os.fstat(descriptors[0]) is None
    except OSError:
        return True
