"""What a start waits for: it says so, once a reason, and neither waits for ever nor goes on when told to stop."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import structlog

from shared.domain.failures import StorageUnavailable
from shared.runtime.start import Start, StartStopped, until


def answers(*given: bool | str) -> Callable[[], Awaitable[bool]]:
    """Looks that find these in turn: there, not there, or a database that does not answer and why. Then there."""
    left = list(given)

    async def look() -> bool:
        found = left.pop(0) if left else True
        if isinstance(found, str):
            raise StorageUnavailable(found)
        return found

    return look


async def test_what_is_awaited_is_said_when_it_changes() -> None:
    with structlog.testing.capture_logs() as lines:
        await until(
            "migration", answers("refused", "refused", "unknown", False, False), asyncio.Event(), pause_seconds=0
        )
    assert [(line["event"], line["detail"]) for line in lines] == [
        ("database.awaited", "refused"),
        ("database.awaited", "unknown"),
        ("migration.awaited", "run `tidegate migrate`"),
    ]


async def test_a_start_gives_up_and_says_what_it_waited_for() -> None:
    with pytest.raises(StorageUnavailable, match=r"waited 0 seconds for the database \(refused\); see that"):
        await until("migration", answers("refused", "refused"), asyncio.Event(), limit_seconds=0, pause_seconds=0)


async def test_a_start_that_is_told_to_stop_stops() -> None:
    stopping = asyncio.Event()
    stopping.set()
    with pytest.raises(StartStopped):
        await until("migration", answers(False), stopping)


async def test_what_breaks_while_waiting_is_not_waited_for() -> None:
    async def look() -> bool:
        raise LookupError("a mistake")

    with pytest.raises(LookupError):
        await until("migration", look, asyncio.Event())


async def test_a_service_is_not_ready_before_it_is_up_and_then_as_it_says() -> None:
    start = Start()
    with pytest.raises(StorageUnavailable):
        await start.check_ready()
    start.over(lambda: asyncio.sleep(0))
    await start.check_ready()
