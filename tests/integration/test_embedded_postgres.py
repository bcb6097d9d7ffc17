"""The all-in-one's database: it survives whatever happens to it or to us, and lets nobody in without the password."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from services.entry import postgres_processes
from services.entry.embedded_postgres import OPTIONS, binaries, embedded_postgres
from services.entry.postgres_server import PostgresServer
from shared.domain.failures import EmbeddedDatabaseFailed
from tests.real.postgres import PrivatePostgres

OWNER = """
import asyncio, sys
from pathlib import Path
from services.entry.embedded_postgres import embedded_postgres

async def main():
    async with embedded_postgres(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""
HELPERS = ("walwriter", "checkpointer", "background writer", "autovacuum")
"""Processes that would take to disk what a transaction leaves."""


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tidegate-embedded-") as name:
        yield Path(name) / "postgres"


async def execute(server: PostgresServer, *statements: str) -> object:
    connection = await asyncpg.connect(server.superuser_dsn(), timeout=10)
    try:
        results = [await connection.fetchval(statement, timeout=10) for statement in statements]
        return results[-1]
    finally:
        await connection.close(timeout=10)


def eventually(ask: Callable[[], int | None]) -> int | None:
    until = time.monotonic() + 10
    while (answer := ask()) is None and time.monotonic() < until:
        time.sleep(0.01)
    return answer


async def test_rows_and_port_are_the_same_after_a_restart(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        port = server.port
        await execute(server, "CREATE TABLE kept (value int)", "INSERT INTO kept VALUES (7)")
    async with embedded_postgres(directory) as server:
        assert (server.port, await execute(server, "SELECT value FROM kept")) == (port, 7)
    assert postgres_processes.working_in(server.data) == []


async def test_a_server_that_outlived_its_killed_owner_is_taken_over(directory: Path) -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, str(directory), stdout=subprocess.PIPE)
    assert owner.stdout is not None
    orphan = int(await asyncio.wait_for(owner.stdout.readline(), 60))
    owner.kill()
    await asyncio.wait_for(owner.wait(), 10)
    assert orphan in postgres_processes.working_in((directory / "data").resolve())
    async with embedded_postgres(directory) as server:
        assert await execute(server, "SELECT 1") == 1
        assert server.pid != orphan
        assert orphan not in postgres_processes.working_in(server.data)


async def test_a_directory_in_use_is_refused_and_its_server_left_alone(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        with pytest.raises(EmbeddedDatabaseFailed, match="in use by another process"):
            PostgresServer(binaries(), directory, OPTIONS).start()
        assert await execute(server, "SELECT 1") == 1


async def test_nobody_enters_without_the_password(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        assert (directory / "password").stat().st_mode & 0o777 == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host="127.0.0.1", port=server.port, user="postgres", password="guess", timeout=10)


async def test_a_stale_note_that_names_a_strangers_process_is_no_obstacle(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        note = (server.data / "postmaster.pid").read_text().splitlines()
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *note[1:]]) + "\n")
    async with embedded_postgres(directory) as server:
        assert await execute(server, "SELECT 1") == 1


async def test_a_port_that_was_taken_meanwhile_is_exchanged(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        port = server.port
    squatter = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", port)
    async with squatter, embedded_postgres(directory) as server:
        assert server.port != port
        assert await execute(server, "SELECT 1") == 1


async def test_a_directory_of_another_version_is_refused(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        pass
    (server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedDatabaseFailed, match="made by PostgreSQL 9"):
        PostgresServer(binaries(), directory, OPTIONS).start()


async def test_what_clients_do_wrong_does_not_reach_the_log(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await execute(server, "SELECT 'ada@example.org'::integer")
    assert "ada@example.org" not in server.log.read_text()


@pytest.mark.parametrize("version", ["", "18"])
async def test_a_killed_server_keeps_what_was_committed(
    own_postgres: Callable[[str], PrivatePostgres], version: str
) -> None:
    server = own_postgres(version)
    await execute(server, "CREATE TABLE kept (value int)", "INSERT INTO kept VALUES (7)", "CHECKPOINT")
    await execute(server, "INSERT INTO kept VALUES (8)")
    port = server.port
    server.kill()
    with pytest.raises(OSError, match=str(port)):
        await asyncpg.connect(server.superuser_dsn(), timeout=10)
    server.restart()
    assert (server.port, await execute(server, "SELECT sum(value) FROM kept")) == (port, 15)


@pytest.mark.parametrize("version", ["", "18"])
async def test_a_crash_just_after_an_unlogged_table_was_rolled_back_costs_no_start(
    own_postgres: Callable[[str], PrivatePostgres], version: str
) -> None:
    server = own_postgres(version)
    writer, other = [await asyncpg.connect(server.superuser_dsn(), timeout=10) for _ in range(2)]
    await other.execute("CREATE TABLE kept (x int); CHECKPOINT", timeout=10)
    await writer.execute("BEGIN; CREATE UNLOGGED TABLE made (x int)", timeout=10)
    # The commit takes the making of the unlogged table to disk; the rolling back will not get there.
    await other.execute("INSERT INTO kept VALUES (7)", timeout=10)
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    helpers = [each for each in postmaster.children() if any(word in each.cmdline()[0] for word in HELPERS)]
    for each in [postmaster, *helpers]:
        each.kill()
    server.kill()
    for connection in (writer, other):
        connection.terminate()
    server.start()
    assert await execute(server, "SELECT x FROM kept") == 7
    assert "File exists" in server.log.read_text(encoding="utf-8"), "the recovery met no obstacle"


async def test_a_server_that_ends_by_itself_is_noticed(directory: Path) -> None:
    async with embedded_postgres(directory) as server:
        assert server.exit_code() is None
        assert server.pid is not None
        os.kill(server.pid, signal.SIGINT)
        assert await asyncio.to_thread(lambda: eventually(server.exit_code)) == 0
