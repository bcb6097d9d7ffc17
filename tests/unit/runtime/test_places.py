"""Runs that last give their places to others, so many of them at a time."""

import asyncio
from collections.abc import Callable

from shared.runtime.places import Places
from tests.eventually import eventually

LASTING_SECONDS = 0.01


async def _open(event: asyncio.Event) -> None:
    await event.wait()


async def _taken(places: Places, workers: int, ends: list[asyncio.Event], then: Callable[[int], None]) -> None:
    """Have so many workers carry out work, one after the other, each until its event is set."""
    left = iter(range(len(ends)))

    async def worker() -> None:
        for number in left:
            then(number)
            await places.held(group.create_task(_open(ends[number])))

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())


async def _lasting() -> None:
    """Several times as long as it takes to last: that something does not happen cannot be waited for."""
    await asyncio.sleep(5 * LASTING_SECONDS)


async def test_what_lasts_gives_its_place_away_and_no_more_of_it_than_may_last() -> None:
    ends, begun = [asyncio.Event() for _ in range(6)], []
    async with asyncio.timeout(10):
        taking = asyncio.create_task(_taken(Places(2, lasting_seconds=LASTING_SECONDS), 1, ends, begun.append))
        # One in its place, and two that have lasted and given theirs away.
        await eventually(lambda: len(begun) == 3, "another to begin", every_seconds=0.005)
        ends[2].set()
        await eventually(lambda: len(begun) == 4, "another to begin", every_seconds=0.005)
        # Nobody may last besides: who is in the place keeps it until one of those has ended.
        await _lasting()
        assert begun == [0, 1, 2, 3]
        ends[0].set()
        await eventually(lambda: len(begun) == 5, "another to begin", every_seconds=0.005)
        for each in ends:
            each.set()
        await taking
    assert begun == list(range(6))


async def test_where_nothing_may_last_each_place_is_kept_to_the_end() -> None:
    ends, begun = [asyncio.Event() for _ in range(3)], []
    async with asyncio.timeout(10):
        taking = asyncio.create_task(_taken(Places(lasting_seconds=LASTING_SECONDS), 2, ends, begun.append))
        await _lasting()
        assert begun == [0, 1]
        for each in ends:
            each.set()
        await taking
    assert begun == [0, 1, 2]


async def test_what_has_lasted_knows_of_what_has_not_and_nothing_else_does() -> None:
    ends = [asyncio.Event() for _ in range(2)]
    places = Places(1, lasting_seconds=LASTING_SECONDS)
    tasks: list[asyncio.Task[None]] = []

    async def work(number: int) -> None:
        await places.held(tasks[number])

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tasks.append(asyncio.create_task(_open(ends[0])))
        await work(0)
        assert not places.has_younger(tasks[0])
        tasks.append(asyncio.create_task(_open(ends[1])))
        group.create_task(work(1))
        await eventually(lambda: places.has_younger(tasks[0]), "the second to be in hand", every_seconds=0.001)
        assert not places.has_younger(tasks[1])
        await eventually(lambda: not places.has_younger(tasks[0]), "the second to last", every_seconds=0.005)
        for each in ends:
            each.set()


async def test_of_several_who_come_back_at_once_each_wakes_a_place() -> None:
    """One ring stands for all of them; who hears it takes one, and may be the only one that is awake."""
    places = Places()
    async with asyncio.timeout(10):
        works = [asyncio.create_task(_come_back(places)) for _ in range(2)]
        await eventually(lambda: places.in_hand()["coming_back"] == 2, "both to come back")
        places.wake.clear()
        assert places.who_comes_back() is works[0]
        assert places.wake.is_set()
        places.wake.clear()
        assert places.who_comes_back() is works[1]
        assert not places.wake.is_set()
        await asyncio.wait(works)


async def _come_back(places: Places) -> None:
    work = asyncio.current_task()
    assert work is not None
    await places.come_back(work)
