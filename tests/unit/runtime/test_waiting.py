"""Who waits for whichever comes first leaves nobody waiting behind, and can be told to end at any moment."""

import asyncio

import pytest

from shared.runtime.waiting import first_of


async def test_the_first_that_is_over_ends_it_and_the_others_are_given_up() -> None:
    rang = asyncio.Event()
    rang.set()
    before = asyncio.all_tasks()
    await first_of(rang.wait(), asyncio.Event().wait(), limit_seconds=60)
    await first_of(asyncio.Event().wait(), limit_seconds=0)
    assert asyncio.all_tasks() == before


async def test_what_goes_wrong_with_one_is_told() -> None:
    async def broken() -> None:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 it has no text
        await first_of(broken(), asyncio.Event().wait(), limit_seconds=60)


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_told_to_end_does_at_whichever_moment_and_leaves_nobody_waiting(turns: int) -> None:
    rang = asyncio.Event()
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(first_of(rang.wait(), asyncio.Event().wait(), limit_seconds=60))
    await asyncio.sleep(0)
    if turns:
        rang.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    was_over = waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled() or was_over
    assert asyncio.all_tasks() == before
