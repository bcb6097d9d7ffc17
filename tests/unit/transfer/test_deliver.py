"""Deliveries of several files: all or none under temporary names, then named in order, whatever strikes."""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.domain.failures import (
    AccessDenied,
    ConnectionLost,
    Failure,
    LeaseLost,
    PlaceFull,
    RenameRefused,
    StorageUnavailable,
)
from shared.transfer.deliver import Bearer, Parcel, Shipment, deliver
from tests.fakes.folder import FakeFolder

RUN = UUID("12345678-1234-1234-1234-123456789abc")
NAMES = ("out/a_001.csv", "out/a_002.csv", "out/a_001.csv.sha256", "out/a.csv.manifest.json")
DONE = "out/a.csv.done"
Ship = Callable[..., Shipment]


@pytest.fixture
def ship(tmp_path: Path) -> Ship:
    """Makes a shipment of files that hold their own names, with a done file behind them."""

    def make(*names: str, **more: object) -> Shipment:
        parcels = []
        for number, path in enumerate((*(names or NAMES), DONE)):
            spool = tmp_path / str(number)
            spool.write_bytes(b"" if path == DONE else path.encode())
            parcels.append(Parcel(spool, path))
        return Shipment(parcels[:-1], done=parcels[-1], **more)  # type: ignore[arg-type]  # a test's settings

    return make


def bearer(token: int = 1, lost_after: int | None = None) -> Bearer:
    asked = count(1)

    async def still_ours() -> None:
        if lost_after is not None and next(asked) > lost_after:
            raise LeaseLost

    return Bearer("export", RUN, token, still_ours)


async def test_all_lie_there_before_the_first_is_named_and_the_done_file_is_last(ship: Ship) -> None:
    folder = FakeFolder({DONE: b"", "out/other.csv": b"x"})
    await deliver(folder, ship(), bearer())
    assert folder.shown() == {**{name: name.encode() for name in NAMES}, DONE: b"", "out/other.csv": b"x"}
    assert folder.files == folder.shown()
    kinds = [each.split()[0] for each in folder.asked]
    assert kinds.index("rename") > max(at for at, kind in enumerate(kinds) if kind == "write")
    assert [each.split(" -> ")[1] for each in folder.asked if each.startswith("rename")] == [*NAMES, DONE]
    # The done file of the time before would say that a half renamed set is whole.
    assert folder.asked.index(f"remove {DONE}") < kinds.index("rename")


async def test_no_spooled_file_stays_open_where_a_server_breaks_off_in_the_middle_of_it(ship: Ship) -> None:
    given: list[Any] = []

    class Keeping(FakeFolder):
        async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
            given.append(chunks)
            return await super().write(path, chunks, size_bytes=size_bytes)

    with pytest.raises(ConnectionLost):
        await deliver(Keeping(cut_after_bytes=5), ship(), bearer())
    assert given
    assert all(each.ag_frame is None for each in given), "closed, not merely left"


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        ({"cut_after_bytes": 20}, ConnectionLost),
        ({"loses_bytes": 3}, ConnectionLost),
        ({"room_bytes": 40}, PlaceFull),
        ({"refuses": {"rename"}}, RenameRefused),
        ({"refuses": {"write"}}, AccessDenied),
    ],
    ids=["cut", "short", "full", "unrenamed", "unwritten"],
)
async def test_what_breaks_leaves_nothing_under_the_last_names(
    ship: Ship, how: dict[str, object], failure: type[Failure]
) -> None:
    before = {NAMES[0]: b"old"}
    folder = FakeFolder(dict(before), **how)  # type: ignore[arg-type]  # a server's faults
    with pytest.raises(failure):
        await deliver(folder, ship(), bearer())
    assert folder.shown() == before
    if failure is not ConnectionLost or "loses_bytes" in how:
        assert folder.files == before, "what can be cleared away is"


async def test_who_lost_the_run_names_nothing_more_and_clears_away(ship: Ship) -> None:
    folder = FakeFolder()
    with pytest.raises(LeaseLost):
        await deliver(folder, ship(), bearer(lost_after=len(NAMES) + 4))
    assert list(folder.files) == [NAMES[0]], "one was named before"


async def test_who_lost_the_run_before_begins_nothing(ship: Ship) -> None:
    folder = FakeFolder()
    with pytest.raises(LeaseLost):
        await deliver(folder, ship(), bearer(lost_after=0))
    assert not [each for each in folder.asked if each.startswith("write")]


@pytest.mark.parametrize("can_list", [True, False])
async def test_what_was_cut_between_two_names_is_whole_the_next_time(ship: Ship, can_list: bool) -> None:
    folder = FakeFolder(renames_left=2)
    with pytest.raises(ConnectionLost):
        await deliver(folder, ship(), bearer())
    assert set(folder.shown()) == set(NAMES[:2])
    stranger = f"out/.a.csv.{'f' * 12}.1-0.part"
    folder.put(stranger, b"of another run")
    again = FakeFolder(dict(folder.files), refuses=set() if can_list else {"list"})
    # The data has changed meanwhile: one part less. The rest of the larger set goes.
    parts = [iter(f"out/a_{number:03}.csv" for number in count(2))]
    await deliver(again, ship(NAMES[0], *NAMES[2:], surplus=parts), bearer(token=3))
    assert set(again.shown()) == {NAMES[0], *NAMES[2:], DONE}
    assert set(again.files) - set(again.shown()) == {stranger}


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("left", range(9))
async def test_a_larger_set_is_gone_after_the_repeat_wherever_its_removal_was_cut(
    ship: Ship, left: int, in_place: bool
) -> None:
    def surplus() -> list[Iterator[str]]:
        return [map(f"out/a_{{:03}}.csv{ending}".format, count(3)) for ending in ("", ".sha256")]

    behind_a_gap = "out/a_008.csv"
    larger = [f"out/a_{number:03}.csv{ending}" for number in range(1, 7) for ending in ("", ".sha256")]
    folder = FakeFolder(dict.fromkeys((*larger, behind_a_gap), b"old"), removals_left=left)
    if left < 8:
        with pytest.raises(ConnectionLost):
            await deliver(folder, ship(surplus=surplus(), in_place=in_place), bearer())
    again = FakeFolder(dict(folder.files))
    await deliver(again, ship(surplus=surplus(), in_place=in_place), bearer(token=2))
    assert set(again.files) == {*NAMES, DONE, "out/a_002.csv.sha256", behind_a_gap}


async def test_who_lost_the_run_removes_nothing_of_its_heirs_larger_set(ship: Ship) -> None:
    larger = {f"out/a_{number:03}.csv": b"heir's" for number in range(3, 6)}
    folder = FakeFolder(dict(larger))
    surplus = [(f"out/a_{number:03}.csv" for number in count(3))]
    with pytest.raises(LeaseLost):
        # Asked before each upload, before and for the done file, and before each name.
        await deliver(folder, ship(surplus=surplus), bearer(lost_after=2 * len(NAMES) + 3))
    assert folder.files == {**{name: name.encode() for name in NAMES}, **larger}


async def test_in_place_nothing_is_renamed_and_the_done_file_is_still_last(ship: Ship) -> None:
    folder = FakeFolder({DONE: b""}, refuses={"rename"})
    await deliver(folder, ship(in_place=True), bearer())
    assert folder.files == {**{name: name.encode() for name in NAMES}, DONE: b""}
    assert [each for each in folder.asked if each.startswith(("write", "remove"))] == [
        f"remove {DONE}",
        *(f"write {name}" for name in (*NAMES, DONE)),
    ]
    short = FakeFolder(loses_bytes=1)
    with pytest.raises(ConnectionLost):
        await deliver(short, ship(in_place=True), bearer())
    assert short.files == {}, "what did not arrive whole is removed"


@pytest.mark.parametrize(
    ("answer", "is_left"),
    [(None, False), (LeaseLost(), True), (StorageUnavailable(), True), (TimeoutError(), True)],
    ids=["ours", "lost", "unknown", "late"],
)
@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "cut"])
async def test_in_place_only_who_surely_has_the_run_removes_what_it_half_wrote(
    ship: Ship, answer: Exception | None, is_left: bool, is_cancelled: bool
) -> None:
    folder = FakeFolder()
    writing, answers = asyncio.Event(), [None, None, answer]

    async def still_ours() -> None:
        # As a transaction does, it gives way: who is being cancelled must get its answer all the same.
        await asyncio.sleep(0)
        found = answers.pop(0)
        if found is not None:
            raise found

    def advance(_: int) -> None:
        # The heir delivers under the same name while we are at it.
        folder.put(NAMES[0], b"heir's")
        if not is_cancelled:
            raise ConnectionLost
        writing.set()
        work.cancel()

    work = asyncio.create_task(deliver(folder, ship(in_place=True), Bearer("export", RUN, 1, still_ours, advance)))
    with pytest.raises(asyncio.CancelledError if is_cancelled else ConnectionLost):
        await work
    assert writing.is_set() == is_cancelled
    assert folder.files == ({NAMES[0]: b"heir's"} if is_left else {})
    assert not answers


async def test_names_that_begin_alike_do_not_meet_under_their_temporary_ones(ship: Ship) -> None:
    names = [f"out/{'ä' * 120}_{number}.csv" for number in range(3)]
    folder = FakeFolder()
    await deliver(folder, ship(*names), bearer())
    assert folder.files == {**{name: name.encode() for name in names}, DONE: b""}
