"""Background work lives exactly as long as its block, and does not die unnoticed."""

import asyncio

import pytest

from shared.bus.alongside import alongside


async def test_work_ends_with_its_block_and_has_tidied_up_by_then() -> None:
    tidied: list[str] = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append("up")

    async with alongside(work()):
        await asyncio.wait_for(begun.wait(), 5)
    assert tidied == ["up"]


async def test_work_that_fails_ends_the_block_with_its_error() -> None:
    async def work() -> None:
        raise LookupError("the work broke")

    with pytest.raises(LookupError, match="the work broke"):
        async with alongside(work()):
            await asyncio.wait_for(asyncio.Event().wait(), 5)


async def test_an_error_of_the_block_leaves_as_itself() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(LookupError, match="the block broke"):
        async with alongside(work()):
            raise LookupError("the block broke")


async def test_errors_of_both_are_both_told() -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("tidying broke")

    with pytest.RaisesGroup(LookupError, OSError):
        async with alongside(work()):
            await asyncio.sleep(0)
            raise LookupError("the block broke")


async def test_a_cancelled_block_stays_cancelled() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    async def block() -> None:
        async with alongside(work()):
            begun.set()
            await asyncio.Event().wait()

    begun = asyncio.Event()
    task = asyncio.create_task(block())
    await asyncio.wait_for(begun.wait(), 5)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
