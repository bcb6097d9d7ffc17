"""Disks that are full: PostgreSQL's, the importer's workspace, the hosted drop folders. Made of a small tmpfs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import asyncpg
import asyncssh
import pytest

from services.entry import postgres_processes
from tests.acceptance.conftest import own_system
from tests.acceptance.shop import Shop, content_of, people
from tests.acceptance.system import SERVICES, System
from tests.eventually import eventually
from tests.faults.outage import RECOVERY_SECONDS, Recovery, assert_exactly_once, drop, shop_in
from tests.faults.report import Table
from tests.real.database_fixtures import TEMPLATE, make_template
from tests.real.postgres import PrivatePostgres, programs
from tests.real.rabbitmq import RabbitServer
from tests.real.small_disk import SmallDisk, small_disk

AREA = "full disks"
COUNT = 3_000
FILES = {"contacts_a.csv": 3, "contacts_b.csv": 5}
LARGE = content_of(people(60_000))
FULL_SECONDS = 5.0
TOLD = r"No space|could not be written|is full"


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A disk of a few megabytes."""
    with small_disk(32) as made:
        yield made


@pytest.fixture
def system(postgres_server: PrivatePostgres, template_database: str, rabbitmq: RabbitServer) -> Iterator[System]:
    """A system of which nothing runs yet."""
    with own_system(postgres_server, template_database, rabbitmq) as made:
        yield made


@pytest.mark.slow
async def test_a_database_without_room_is_waited_for(
    system: System,
    postgres_server: PrivatePostgres,
    disk: SmallDisk,
    request: pytest.FixtureRequest,
    faults_table: Table,
) -> None:
    async with _tables_on(disk, postgres_server, system), shop_in(system, request) as shop:
        disk.fill(leave_bytes=100_000)
        try:
            await drop(shop, FILES, count=COUNT)
            await shop.await_runs("contacts_a.csv", "waiting")
            (run,) = await shop.ledger.runs_of("contacts_a.csv")
            assert run["reason_code"] == "storage_unavailable"
            await asyncio.sleep(FULL_SECONDS)
        finally:
            disk.empty()
        seconds = await assert_exactly_once(shop, FILES, Recovery(), count=COUNT)
    done = f"the tablespace of its tables full for {FULL_SECONDS:.0f} s and more"
    faults_table.add(AREA, "PostgreSQL's", done=done, seen="tried again, imported exactly once", seconds=seconds)


@pytest.fixture
def tight_server() -> Iterator[tuple[PrivatePostgres, SmallDisk]]:
    """A server with all that it has on a small disk of its own."""
    with small_disk(400) as disk:
        directory = disk.root / "postgres"
        directory.mkdir()
        server = PrivatePostgres(programs(), directory)
        try:
            server.start()
            asyncio.run(make_template(server))
            yield server, disk
        finally:
            server.stop()


@pytest.fixture
def tight_system(tight_server: tuple[PrivatePostgres, SmallDisk], rabbitmq: RabbitServer) -> Iterator[System]:
    """A system on that server, of which nothing runs yet."""
    with own_system(tight_server[0], TEMPLATE, rabbitmq) as made:
        yield made


@pytest.mark.slow
async def test_a_server_that_cannot_write_its_log_crashes_and_loses_nothing(
    tight_system: System,
    tight_server: tuple[PrivatePostgres, SmallDisk],
    request: pytest.FixtureRequest,
    faults_table: Table,
) -> None:
    server, disk = tight_server
    async with shop_in(tight_system, request) as shop:
        await drop(shop, FILES, count=COUNT)
        await shop.await_runs("contacts_a.csv", "completed")
        disk.fill()
        try:
            await eventually(lambda: _crashes(server, shop), "the server's end", limit_seconds=RECOVERY_SECONDS)
            # An upload that cannot be registered is one that did not happen, and the uploader is told so.
            with pytest.raises((asyncssh.Error, OSError)):
                await drop(shop, {"contacts_c.csv": 8}, count=COUNT)
            await asyncio.sleep(FULL_SECONDS)
        finally:
            disk.empty()
        await asyncio.to_thread(server.restart)
        recovery = Recovery()
        await shop.read_again()
        await drop(shop, {"contacts_c.csv": 8}, count=COUNT)
        seconds = await assert_exactly_once(shop, FILES | {"contacts_c.csv": 8}, recovery, count=COUNT)
    done = "no room for its write-ahead log: it crashed, and was started when there was room"
    faults_table.add(AREA, "PostgreSQL's own", done=done, seen="imported exactly once", seconds=seconds)


@pytest.mark.slow
async def test_a_workspace_without_room_puts_runs_off(
    system: System,
    disk: SmallDisk,
    request: pytest.FixtureRequest,
    faults_table: Table,
) -> None:
    system.start(*SERVICES)
    system.start("importer", work_directory=disk.root / "work")
    async with shop_in(system, request) as shop:
        disk.fill(leave_bytes=20_000)
        try:
            await drop(shop, FILES, count=COUNT)
            await shop.await_runs("contacts_a.csv", "waiting")
            (run,) = await shop.ledger.runs_of("contacts_a.csv")
            assert run["reason_code"] == "disk_full"
            await asyncio.sleep(FULL_SECONDS)
        finally:
            disk.empty()
        seconds = await assert_exactly_once(shop, FILES, Recovery(), count=COUNT)
        assert not list((disk.root / "work").glob("*/*-*")), "files of ended runs were left behind"
    done = f"the disk of fetched files full for {FULL_SECONDS:.0f} s and more"
    faults_table.add(AREA, "the importer's", done=done, seen="tried again, imported exactly once", seconds=seconds)


@pytest.mark.slow
async def test_an_upload_for_which_there_is_no_room_is_refused_and_nothing_of_it_imported(
    system: System,
    disk: SmallDisk,
    request: pytest.FixtureRequest,
    faults_table: Table,
) -> None:
    """The uploader is told, at the latest by the answer to its CLOSE; room again, the same name is taken."""
    (system.place.directory / "drop").symlink_to(disk.root, target_is_directory=True)
    system.start(*SERVICES, "importer")
    async with shop_in(system, request) as shop:
        disk.fill(leave_bytes=200_000)
        with pytest.raises(asyncssh.SFTPError, match=TOLD):
            await shop.drop("contacts_a.csv", LARGE)
        disk.fill()
        with pytest.raises(asyncssh.SFTPError, match=TOLD):
            await shop.drop("contacts_b.csv", LARGE)
        left = sorted(file.name for file in disk.root.rglob("contacts_*"))
        assert (left, await shop.ledger.runs(), await shop.ledger.arrivals()) == ([], [], [])
        disk.empty()
        recovery = Recovery()
        await drop(shop, FILES, count=COUNT)
        seconds = await assert_exactly_once(shop, FILES, recovery, count=COUNT)
    seen = "the uploader was told by the answer to a write or to CLOSE; nothing was left; the next upload was imported"
    faults_table.add(AREA, "the drop folders'", done="full in the middle of uploads", seen=seen, seconds=seconds)


async def _crashes(server: PrivatePostgres, shop: Shop) -> bool:
    """Have the log want another segment, which there is no room for."""
    if server.exit_code() is not None:
        return True
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection = await asyncpg.connect(shop.system.place.superuser_dsn, timeout=10)
        try:
            await connection.execute("SELECT pg_switch_wal()", timeout=10)
            await connection.execute("CREATE TABLE public.straw AS SELECT generate_series(1, 100)", timeout=10)
        finally:
            connection.terminate()
    return False


@asynccontextmanager
async def _tables_on(disk: SmallDisk, server: PrivatePostgres, system: System) -> AsyncIterator[None]:
    """While inside, what the system's api and importer create in the database lies on that disk."""
    place = disk.root / "tablespace"
    place.mkdir()
    postgres_processes.identity().own(place)
    space = f"small_{system.prefix.strip('.')}"
    connection = await asyncpg.connect(server.superuser_dsn("postgres"), timeout=10)
    database = urlsplit(system.place.superuser_dsn).path.strip("/")
    try:
        await connection.execute(f"CREATE TABLESPACE {space} LOCATION '{place}'")
        await connection.execute(f"GRANT CREATE ON TABLESPACE {space} TO PUBLIC")
        for setting in ("default_tablespace", "temp_tablespaces"):
            await connection.execute(f"ALTER DATABASE {database} SET {setting} = '{space}'")
        # Settings of a database hold for sessions that begin afterwards.
        system.stop(*system.running("api"), *system.running("importer"))
        yield
    finally:
        system.end()
        # The server lives on, and its tablespace must not vanish under it.
        await connection.execute(f"DROP DATABASE {database} WITH (FORCE)")
        await connection.execute(f"DROP TABLESPACE {space}")
        await connection.close(timeout=10)
