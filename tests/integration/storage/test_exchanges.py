"""Whose data was exchanged is a set that grows, by runs that neither lose each other's nor wait without need."""

import asyncio
from uuid import UUID, uuid4

from shared.storage import exchanges
from shared.storage.database import Database, Tx
from shared.storage.exchanges import Blocks, Exchange
from tests.eventually import eventually

RUN = Exchange(files=1, rows=10, size_bytes=100)
FIRST_BIT, LAST_BIT = 1, -(1 << 63)


async def _profiles(tx: Tx, connection_id: UUID) -> int:
    return (await exchanges.totals(tx, connection_id))["import"].profiles


async def test_two_runs_at_once_add_to_the_same_blocks_and_neither_is_lost(database: Database, account: UUID) -> None:
    connection_id = uuid4()

    async def second() -> None:
        async with database.account(account) as tx:
            # In the other order, and as a table: what is added stands in one order in both.
            table = f"(VALUES (9, {1 << 5}), (0, 2)) AS given (block, bits)"
            text = f"CREATE TEMPORARY TABLE given ON COMMIT DROP AS SELECT * FROM {table}"
            await tx.connection.execute(text)
            await exchanges.add(tx, connection_id, "import", RUN, "pg_temp.given")

    async with database.account(account) as tx:
        await exchanges.add(tx, connection_id, "import", RUN, Blocks([0, 9], [FIRST_BIT, LAST_BIT]))
        other = asyncio.create_task(second())

        async def waits() -> bool:
            query = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            return bool(await tx.connection.fetchval(query))

        await eventually(waits, "the other one to wait")
    await other
    async with database.account(account) as tx:
        found = (await exchanges.totals(tx, connection_id))["import"]
        assert (found.profiles, found.runs, found.rows, found.size_bytes) == (4, 2, 20, 200)
        assert await exchanges.totals(tx, uuid4()) == {}


async def test_blocks_that_hold_all_of_theirs_are_not_waited_for(database: Database, account: UUID) -> None:
    connection_id = uuid4()
    async with database.account(account) as tx:
        await exchanges.add(tx, connection_id, "import", RUN, Blocks([3], [FIRST_BIT | LAST_BIT]))
        await exchanges.add(tx, connection_id, "export", RUN, Blocks([3], [-1]))
    async with database.account(account) as holding:
        await holding.connection.execute(f"SELECT FROM {holding.schema}.exchange_sets FOR UPDATE")
        async with database.account(account) as tx:
            await tx.connection.execute("SET LOCAL lock_timeout = '1ms'")
            await exchanges.add(tx, connection_id, "import", RUN, Blocks([3, 4], [LAST_BIT, 7]))
    async with database.account(account) as tx:
        assert await _profiles(tx, connection_id) == 5
        await exchanges.forget(tx, connection_id)
        assert await exchanges.totals(tx, connection_id) == {}
