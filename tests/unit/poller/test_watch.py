"""How many looks may start while others are under way, and that none outlives who watches."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.poller import watch as watching
from services.poller.watch import MOST_AT_ONCE, SLOW_SECONDS, room

NOW = 1_000.0
FRESH, HUNG = NOW - 0.1, NOW - SLOW_SECONDS


@pytest.mark.parametrize(
    ("began", "expected"),
    [
        ([], 10),
        ([FRESH] * 4, 6),
        ([FRESH] * 10, 0),
        ([HUNG] * 100, 10),
        ([HUNG] * 100 + [FRESH] * 3, 7),
        ([HUNG] * (10 * MOST_AT_ONCE - 2), 2),
        ([HUNG] * (10 * MOST_AT_ONCE), 0),
        ([HUNG] * (10 * MOST_AT_ONCE + 5), 0),
    ],
)
def test_places_that_hang_take_no_healthy_ones_turn_but_are_bounded(began: list[float], expected: int) -> None:
    assert room(NOW, began, 10) == expected


async def test_a_watch_that_is_cut_off_leaves_no_look_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def due(*_: Any) -> list[tuple[UUID, UUID]]:
        return [(uuid4(), uuid4())]

    async def look(*_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    for name, stands in (("_due", due), ("look", look), ("FINISH_SECONDS", 0)):
        monkeypatch.setattr(watching, name, stands)
    before = asyncio.all_tasks()
    tools: Any = SimpleNamespace(wake=asyncio.Event(), concurrency=1)
    watched = asyncio.create_task(watching.watch(tools, asyncio.Event()))
    await begun.wait()
    watched.cancel()
    await asyncio.wait([watched])
    assert watched.cancelled()
    assert asyncio.all_tasks() == before
