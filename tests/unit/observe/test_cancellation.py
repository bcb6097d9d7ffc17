"""A cancellation that is lost in a library ends the task all the same."""

import asyncio

import pytest

from shared.observe.cancellation import heed_cancellation


@pytest.mark.parametrize("ticks", range(6))
async def test_a_loop_around_a_library_ends_in_whichever_moment_it_is_cancelled(ticks: int) -> None:
    rang, rounds = asyncio.Event(), 0

    async def loop() -> None:
        nonlocal rounds
        while True:
            heed_cancellation()
            rang.clear()
            rounds += 1
            await asyncio.wait_for(rang.wait(), 60)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0.01)
    rang.set()
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled(), f"it goes on, in round {rounds}"
