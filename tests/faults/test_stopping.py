"""SIGTERM under load, and a rolling restart: nothing new is taken, nothing is lost, nothing comes twice."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.acceptance.conftest import SHOPS
from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import open_shop
from tests.eventually import eventually
from tests.faults.fleet import ALONE, WANTED, Fleet
from tests.faults.report import Table
from tests.faults.roads.exports import EXPORT
from tests.faults.roads.patience import accepted, persist
from tests.faults.stream import Partner, assert_exact, have_ended, streaming

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.parametrize(
        "fleet", [pytest.param("15", marks=pytest.mark.xdist_group("postgres-15"))], indirect=True, scope="session"
    ),
]
AREA = "Stopping, PostgreSQL 15"
GRACE_SECONDS = 20.0
"""What a stop may take where TIDEGATE_SHUTDOWN_SECONDS is 5: with that, and with what cannot be left half-done."""
UNDER_LOAD_SECONDS = 3.0
END_SECONDS = 120.0
SHOP_COUNT = 2


@pytest_asyncio.fixture
async def partners(fleet: Fleet, request: pytest.FixtureRequest) -> AsyncIterator[list[Partner]]:
    """Two partners in each of two accounts, whose files have come to their end when the test is over."""
    await asyncio.to_thread(fleet.complete)
    fleet.system.forget_failpoints()
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(SHOP_COUNT):
            shop = await stack.enter_async_context(open_shop(fleet.system, fleet.operator_key))
            request.node.stash.setdefault(SHOPS, []).append(shop)
            made += [Partner(shop, name, random.Random(name)) for name in ("north", "south")]
        for each in made:
            await each.agree()
        yield made
        for each in made:
            await each.shop.rest()


async def assert_all_came_once(partners: list[Partner]) -> None:
    """Everything ends, exactly, and no attempt was spent on a stop."""
    await eventually(lambda: have_ended(partners), "the end of all files", limit_seconds=END_SECONDS, every_seconds=0.5)
    for shop in dict.fromkeys(id(each.shop) for each in partners):
        mine = [each for each in partners if id(each.shop) == shop]
        await mine[0].shop.await_quiet(END_SECONDS)
        await assert_exact(mine[0].shop, mine)
        assert {run["attempt"] for run in await mine[0].shop.ledger.runs()} <= {1}


async def told_to_stop(process: ServiceProcess) -> float:
    """Ask a process to stop, and check that it leaves in time and takes nothing new; its seconds."""
    began = time.monotonic()
    process.ask_to_stop()
    assert await asyncio.to_thread(process.await_end, GRACE_SECONDS) == 0
    seconds = time.monotonic() - began
    events = [json.loads(line)["event"] for line in process.log.read_text().splitlines() if line.startswith("{")]
    assert "service.stopping" in events
    assert "run.claimed" not in events[events.index("service.stopping") :]
    assert events[-1] == "service.stopped"
    return seconds


@pytest.mark.parametrize("name", sorted(WANTED))
async def test_a_service_told_to_stop_under_load_leaves_in_time_and_takes_nothing_new(
    fleet: Fleet, partners: list[Partner], name: str, faults_table: Table
) -> None:
    exports = [await each.shop.add_goal(EXPORT | {"name": each.name}) for each in partners[::2]]
    async with fleet.supervised():
        async with streaming(*partners, pause_seconds=0.05):
            await eventually(lambda: all(len(each.files) > 2 for each in partners), "files under way")
            for each, goal_id in zip(partners[::2], exports, strict=True):
                await persist(lambda each=each, goal_id=goal_id: accepted(each.shop, f"/v1/goals/{goal_id}/runs"))
            seconds = await told_to_stop(fleet.system.running(name)[0])
            await asyncio.sleep(UNDER_LOAD_SECONDS)
        await assert_all_came_once(partners)
    seen = "out in time; nothing new taken, no attempt spent, all files imported once"
    faults_table.add(AREA, f"{name} under load", done="SIGTERM in a stream of files", seen=seen, seconds=seconds)


async def test_a_rolling_restart_under_a_stream_of_files_loses_nothing_and_doubles_nothing(
    fleet: Fleet, partners: list[Partner], faults_table: Table
) -> None:
    slowest = 0.0
    async with streaming(*partners, pause_seconds=0.2):
        for old in [each for each in fleet.system.processes if each.is_running]:
            if old.name not in ALONE:
                await asyncio.to_thread(fleet.system.start_one, old.name)
            slowest = max(slowest, await told_to_stop(old))
            if old.name in ALONE:
                await asyncio.to_thread(fleet.system.start_one, old.name)
    await assert_all_came_once(partners)
    files = sum(len(each.files) for each in partners)
    seen = f"{files} files imported once each, every sum exact, no attempt spent"
    done = "every process replaced by a new one, one after the other, under a stream of files"
    faults_table.add(AREA, "rolling restart", done=done, seen=seen, seconds=slowest)
