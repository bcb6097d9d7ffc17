"""A process that freezes in the middle of a statement keeps its locks only until a poller ends its session."""

import asyncpg
import pytest

from shared.storage.database import SHORT_NAME, Database, DatabaseAddress
from shared.storage.stalled import end_stalled
from tests.eventually import eventually


@pytest.mark.parametrize("role", ["service_url", "watch_url"])
async def test_a_session_that_froze_within_a_statement_is_ended(
    database: Database, database_address: DatabaseAddress, role: str
) -> None:
    url = getattr(database_address, role)
    frozen = await asyncpg.connect(url, server_settings={"application_name": SHORT_NAME})
    block = frozen.transaction()
    await block.start()
    # asyncpg asks the server to describe the statement, and is not heard of again.
    await frozen.prepare("SELECT 1 + $1::integer")

    await eventually(lambda: _ends(database), "the session to be ended")

    await eventually(lambda: _has_gone(database, frozen.get_server_pid()), "its backend to go")
    frozen.terminate()


async def _has_gone(database: Database, pid: int) -> bool:
    async with database.watching() as watch:
        return await watch.connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid) == 0


async def _ends(database: Database) -> bool:
    return await end_stalled(database, 0.2) == 1


async def test_a_session_between_statements_is_left_to_the_servers_own_limit(
    database: Database, database_address: DatabaseAddress
) -> None:
    idle = await asyncpg.connect(database_address.service_url, server_settings={"application_name": SHORT_NAME})
    block = idle.transaction()
    await block.start()
    await idle.fetchval("SELECT 1")

    assert await end_stalled(database, 0.0) == 0

    await block.rollback()
    await idle.close()
