"""Other sessions in the way: deadlocks, serialization failures, locks held too long, statements that take too long."""

import asyncio

import pytest

from tests.acceptance.shop import Shop
from tests.acceptance.system import System
from tests.faults.database_trouble import deadlocks_looked_for_after, in_database, raising, trouble_on
from tests.faults.outage import Recovery, assert_exactly_once, drop, shop_in
from tests.faults.outage_fixtures import Frail
from tests.faults.report import Table

AREA = "PostgreSQL, conflicts"
SEEN = "repeated, imported exactly once"
TIMES = 3
LOCK_TIMEOUT_SECONDS = 10.0
HELD_SECONDS = LOCK_TIMEOUT_SECONDS + 3


@pytest.fixture
def system(frail: Frail) -> System:
    """The system to ill-treat."""
    return frail.system


def profiles_of(shop: Shop) -> str:
    """The account's table of profiles."""
    return f'"account_{shop.account_id.hex}".profiles'


def claims_of(shop: Shop) -> str:
    """The claims of the account's runs, as a trigger's event."""
    return f"UPDATE WHEN (NEW.account_id = '{shop.account_id}' AND NEW.state = 'running' AND OLD.state <> 'running')"


@pytest.mark.parametrize(
    ("code", "name", "place"),
    [
        ("40P01", "deadlock", "merge"),
        ("40001", "serialization failure", "claim"),
        pytest.param("40001", "serialization failure", "merge", marks=pytest.mark.slow),
        pytest.param("40P01", "deadlock", "claim", marks=pytest.mark.slow),
        pytest.param("57014", "statement timeout", "merge", marks=pytest.mark.slow),
        pytest.param("53200", "out of memory", "merge", marks=pytest.mark.slow),
        pytest.param("57014", "statement timeout", "claim", marks=pytest.mark.slow),
    ],
)
async def test_an_error_that_passes_is_met_by_another_try(
    system: System, code: str, name: str, place: str, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {"contacts_a.csv": 3, "contacts_b.csv": 5}
    async with shop_in(system, request) as shop:
        table, event = (profiles_of(shop), "INSERT") if place == "merge" else ("tidegate.runs", claims_of(shop))
        async with trouble_on(system, table, event, raising(code), times=TIMES) as trouble:
            await drop(shop, points)
            await trouble.until_met(TIMES)
            recovery = Recovery()
            seconds = await assert_exactly_once(shop, points, recovery)
    done = f"{TIMES} times {code} raised in the middle of a {place}"
    faults_table.add(AREA, f"{name} in a {place}", done=done, seen=SEEN, seconds=seconds)


async def test_a_real_deadlock_ends_one_merge_and_not_its_run(
    system: System, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {"contacts_a.csv": 3, "contacts_b.csv": 5}
    async with shop_in(system, request) as shop:
        await drop(shop, {"contacts_a.csv": 3})
        await shop.await_runs("contacts_a.csv", "completed")
        table = profiles_of(shop)
        async with in_database(system) as trouble, in_database(system) as onlooker:
            deadlocks = await onlooker.deadlocks()
            # The merge looks when we wait for sure, and we look later still, so that it is the merge that is ended.
            await trouble.connection.execute("SET deadlock_timeout = '60s'")
            ctids = [row[0] for row in await trouble.connection.fetch(f"SELECT ctid::text FROM {table} ORDER BY ctid")]
            async with deadlocks_looked_for_after(onlooker, 5), trouble.connection.transaction():
                await trouble.connection.execute(f"SELECT FROM {table} WHERE ctid = '{ctids[-1]}' FOR UPDATE")
                await drop(shop, {"contacts_b.csv": 5})
                await onlooker.until_blocked_by(trouble)
                await trouble.connection.execute(f"SELECT FROM {table} WHERE ctid = '{ctids[0]}' FOR UPDATE")
            recovery = Recovery()
            seconds = await assert_exactly_once(shop, points, recovery)
            await onlooker.until_deadlocks(deadlocks + 1)
    done = "another session locked the last profile, then the first one, while a merge went the other way round"
    faults_table.add(AREA, "real deadlock in a merge", done=done, seen=SEEN, seconds=seconds)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["the account's profiles", "the runs of all accounts"])
async def test_a_table_that_somebody_locks_is_waited_for(
    system: System, what: str, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {"contacts_a.csv": 3, "contacts_b.csv": 5}
    async with shop_in(system, request) as shop:
        table = profiles_of(shop) if what == "the account's profiles" else "tidegate.runs"
        async with in_database(system) as trouble, in_database(system) as onlooker:
            async with trouble.connection.transaction():
                await trouble.connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                dropping = asyncio.create_task(drop(shop, points))
                await onlooker.until_somebody_waits()
                await asyncio.sleep(HELD_SECONDS)  # longer than anybody waits for a lock
            recovery = Recovery()
            await dropping
        seconds = await assert_exactly_once(shop, points, recovery)
    done = f"ACCESS EXCLUSIVE on {what} held for {HELD_SECONDS:.0f} s"
    faults_table.add(AREA, f"lock on {what}", done=done, seen="waited, imported exactly once", seconds=seconds)


@pytest.mark.slow
async def test_a_row_of_the_ledger_that_somebody_locks_is_waited_for(
    system: System, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {"contacts_a.csv": 3, "contacts_b.csv": 5}
    async with shop_in(system, request) as shop:
        system.stop(*system.running("importer"))
        await drop(shop, points)
        await shop.await_runs("contacts_a.csv", "queued")
        async with in_database(system) as trouble:
            async with trouble.connection.transaction():
                await trouble.connection.execute(
                    "SELECT FROM tidegate.runs WHERE account_id = $1 FOR UPDATE", shop.account_id
                )
                system.ensure("importer")
                async with in_database(system) as onlooker:
                    await onlooker.until_somebody_waits()
                await asyncio.sleep(HELD_SECONDS)
            recovery = Recovery()
        seconds = await assert_exactly_once(shop, points, recovery)
    done = f"the rows of the queued runs locked for {HELD_SECONDS:.0f} s"
    faults_table.add(AREA, "lock on a run", done=done, seen="waited, imported exactly once", seconds=seconds)


@pytest.mark.slow
async def test_a_statement_that_takes_too_long_is_ended_and_tried_again(
    system: System, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {"contacts_a.csv": 3, "contacts_b.csv": 5}
    async with shop_in(system, request) as shop:
        sleeping = "PERFORM pg_sleep(300)"
        async with trouble_on(system, "tidegate.runs", claims_of(shop), sleeping, times=1) as trouble:
            await drop(shop, points)
            await trouble.until_met(2)
            recovery = Recovery()
            seconds = await assert_exactly_once(shop, points, recovery)
    done = "a claim made to take five minutes: ended by the statement timeout of 30 s"
    faults_table.add(AREA, "real statement timeout in a claim", done=done, seen=SEEN, seconds=seconds)


@pytest.mark.slow
async def test_an_error_that_nobody_expects_does_not_end_the_poller(
    system: System, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {"contacts_a.csv": 3, "contacts_b.csv": 5}
    async with shop_in(system, request) as shop:
        system.stop(*system.running("importer"))
        # Nobody hears the doorbells, so the sweeper writes down that it rings again.
        rung = f"UPDATE WHEN (NEW.account_id = '{shop.account_id}' AND NEW.state = 'queued')"
        async with trouble_on(system, "tidegate.runs", rung, raising("P0001"), times=TIMES) as trouble:
            await drop(shop, points)
            await trouble.until_met(TIMES + 1)
            system.ensure("importer")
            seconds = await assert_exactly_once(shop, points, Recovery())
    done = f"an unknown error raised {TIMES} times in the sweep"
    faults_table.add(AREA, "bug in the sweep", done=done, seen="told, swept on, imported exactly once", seconds=seconds)
