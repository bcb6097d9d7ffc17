"""The PostgreSQL server itself goes: killed, stopped, started again, or so full that nobody else may come in."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from shared.storage.database import ACQUIRE_SECONDS
from tests.acceptance.shop import Shop, content_of, import_goal, people
from tests.acceptance.system import System
from tests.eventually import eventually
from tests.faults.database_trouble import Trouble, in_database, trouble_on
from tests.faults.outage import RECOVERY_SECONDS, Recovery, assert_exactly_once, drop, shop_in, system_on
from tests.faults.report import Table
from tests.real.database_fixtures import TEMPLATE, make_template
from tests.real.postgres import PrivatePostgres
from tests.real.postgres_fixtures import private_postgres
from tests.real.rabbitmq import RabbitServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

AREA = "PostgreSQL, server"
COUNT = 3_000
FILES = {f"contacts_{number}.csv": 2**number for number in range(4)}
AWAY_SECONDS = 10.0
GOALS = 10
_PUT_OUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name LIKE 'tidegate%' AND datname = current_database()
"""


@pytest.fixture(scope="module", params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[PrivatePostgres]:
    """A database server to ill-treat."""
    with private_postgres(request.param) as made:
        asyncio.run(make_template(made))
        yield made


@pytest.fixture(scope="module")
def system(server: PrivatePostgres, rabbitmq: RabbitServer) -> Iterator[System]:
    """A system on that server."""
    with system_on(server, TEMPLATE, rabbitmq) as made:
        yield made


@pytest.mark.parametrize("way", ["killed", "stopped"])
@pytest.mark.parametrize("away_seconds", [0.0, AWAY_SECONDS])
async def test_a_server_that_goes_and_comes_back_costs_time_and_nothing_else(
    system: System,
    server: PrivatePostgres,
    way: str,
    away_seconds: float,
    request: pytest.FixtureRequest,
    faults_table: Table,
) -> None:
    async with shop_in(system, request) as shop:
        await drop(shop, FILES, count=COUNT)
        await eventually(lambda: _has_begun(shop), "the first import")
        await asyncio.to_thread(server.kill if way == "killed" else server.stop)
        await asyncio.sleep(away_seconds)
        await asyncio.to_thread(server.start)
        recovery = Recovery()
        await shop.read_again()
        seconds = await assert_exactly_once(shop, FILES, recovery, count=COUNT)
    signal = "SIGKILL" if way == "killed" else "SIGINT"
    case = (
        f"{way}, back {'at once' if not away_seconds else f'after {away_seconds:.0f} s'}, PostgreSQL {server.version}"
    )
    done = f"{signal} while runs were in hand, then started"
    faults_table.add(AREA, case, done=done, seen="imported exactly once", seconds=seconds)


async def test_a_server_that_takes_nobody_in_any_more_is_waited_for(
    system: System, server: PrivatePostgres, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with shop_in(system, request) as shop:
        async with in_database(system) as trouble, AsyncExitStack() as stack:
            async with asyncio.timeout(RECOVERY_SECONDS):
                taken = await _take_all_places(system, trouble, stack)
            with pytest.raises(AssertionError, match="503"):
                await shop.ask("GET", "/v1/runs", 200)
            await asyncio.sleep(AWAY_SECONDS)
        recovery = Recovery()
        await drop(shop, FILES, count=COUNT)
        seconds = await assert_exactly_once(shop, FILES, recovery, count=COUNT)
    done = f"{taken} sessions of others took every place for {AWAY_SECONDS:.0f} s"
    seen = "the gateway answered 503; imported exactly once"
    faults_table.add(
        AREA, f"max_connections reached, PostgreSQL {server.version}", done=done, seen=seen, seconds=seconds
    )


async def test_more_workers_than_connections_wait_for_each_other_and_lose_no_attempt(
    system: System, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    """The pool's own limit: two connections of each kind, eight runs at a time."""
    names = {f"contacts_{number}.csv": 1 for number in range(GOALS)}
    async with shop_in(system, request, import_goal("contacts_0.csv")) as shop:
        for number in range(1, GOALS):
            await shop.add_goal(import_goal(f"contacts_{number}.csv"))
        # No two files are about the same people: what one merge waits for is not another one's rows.
        files = {name: content_of(people(COUNT, first=COUNT * number)) for number, name in enumerate(names)}
        await shop.drop("contacts_0.csv", files.pop("contacts_0.csv"))
        await shop.await_runs("contacts_0.csv", "completed")
        system.stop(*system.running("importer"))
        for name, content in files.items():
            await shop.drop(name, content)
            await shop.await_runs(name, "queued")
        # Two merges hold their connections for longer than a connection is waited for.
        table = f'"account_{shop.account_id.hex}".profiles'
        async with trouble_on(system, table, "INSERT", f"PERFORM pg_sleep({ACQUIRE_SECONDS + 2})", times=2):
            narrow = system.start_one("importer", database_connections=2, workers=8)
            everybody = {each.email: 1 for each in people(GOALS * COUNT)}
            seconds = await assert_exactly_once(shop, names, Recovery(), everybody=everybody)
        runs = await shop.ledger.runs()
        told = [line for line in narrow.log.read_text().splitlines() if "run.put_aside" in line]
        assert {run["attempt"] for run in runs} == {1}, f"waiting for one's own pool is no failure of a run: {told}"
        system.stop(narrow)
        system.ensure("importer")
    done = f"{GOALS} runs at once in an importer of 8 workers and 2 connections, two of them slow"
    faults_table.add(AREA, "own pool exhausted", done=done, seen="imported at the first attempt each", seconds=seconds)


async def _has_begun(shop: Shop) -> bool:
    return any(run["state"] != "queued" for run in await shop.ledger.runs())


async def _take_all_places(system: System, trouble: Trouble, stack: AsyncExitStack) -> int:
    """Connect as the services do until the server takes nobody in, and they are out; how many places that took."""
    taken = 0
    while True:
        try:
            connection = await asyncpg.connect(system.place.database_url, timeout=10)
        except asyncpg.TooManyConnectionsError:
            if await trouble.connection.fetchval(_PUT_OUT) == 0:
                return taken
        else:
            stack.callback(connection.terminate)
            taken += 1
