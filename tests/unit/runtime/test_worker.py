"""Why a run ended: what breaks while it is being stopped is not the reason."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest

from shared.domain.failures import ConnectionLost
from shared.domain.run import ClaimedRun, Reason
from shared.observe.metrics import Metrics
from shared.runtime.desk import Desk
from shared.runtime.worker import CarryOut, Worker

NOW = datetime(2026, 1, 2, tzinfo=UTC)


async def fate_of(carry_out: CarryOut, *, is_stopping: bool) -> BaseException | Reason | None:
    """What a worker takes for the end of a run, that has no time left if it is stopping."""
    metrics = Metrics()
    run = ClaimedRun(
        id=uuid4(),
        account_id=uuid4(),
        goal_id=uuid4(),
        goal_version=1,
        connection_id=uuid4(),
        arrival_id=None,
        attempt=1,
        token=1,
        is_approved=False,
        queued_at=NOW,
        started_at=NOW,
        traceparent=None,
    )
    worker = Worker(
        kind="export",
        name="test",
        database=cast(Any, None),
        metrics=metrics,
        carry_out=carry_out,
        slots=1,
        poll_seconds=1,
        lease_seconds=600,
        shutdown_seconds=0,
        retry_base_seconds=1,
        retry_attempts=1,
    )
    stopping = asyncio.Event()
    if is_stopping:
        stopping.set()
    async with asyncio.timeout(10):
        return await worker._watched(Desk(run, "export", metrics), stopping)


async def never_ends(_: Desk) -> None:
    await asyncio.Event().wait()


async def breaks_when_stopped(_: Desk) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ConnectionLost("closed under it") from None


async def breaks(_: Desk) -> None:
    raise ConnectionLost("by itself")


async def ends(_: Desk) -> None:
    return


@pytest.mark.parametrize("carry_out", [never_ends, breaks_when_stopped])
async def test_a_run_that_is_stopped_is_handed_back_however_it_stops(carry_out: CarryOut) -> None:
    fate = await fate_of(carry_out, is_stopping=True)

    assert isinstance(fate, Reason)
    assert fate.code == "handed_back"


async def test_a_run_that_breaks_by_itself_is_told_by_its_failure() -> None:
    assert isinstance(await fate_of(breaks, is_stopping=False), ConnectionLost)


async def test_a_run_that_ends_by_itself_needs_no_word() -> None:
    assert await fate_of(ends, is_stopping=True) is None
