"""Services, migration, database and broker come up in any order: who is early waits, says for what, and works later."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from shared.storage.migrate import SERVICE, WATCH
from tests.acceptance.process import ServiceProcess
from tests.acceptance.system import Place, System
from tests.eventually import eventually
from tests.real.database_fixtures import url_of
from tests.real.postgres import PrivatePostgres
from tests.real.proxy import proxy_to, through
from tests.real.rabbitmq import RabbitServer

SERVICES = ("api", "dropserver", "exporter", "importer", "notifier", "poller")
DATABASE = "tidegate"
LIMIT_SECONDS = 90.0


class Doors:
    """The ways to a database that was never migrated, and to a broker; all of them shut at first."""

    def __init__(self, postgres: PrivatePostgres, held: ExitStack, rabbitmq: RabbitServer, folder: Path) -> None:
        broker_port = int(rabbitmq.url.rpartition(":")[2].rstrip("/"))
        self.database, self.owner, self.broker = (
            held.enter_context(proxy_to(port)) for port in (postgres.port, postgres.port, broker_port)
        )
        for each in (self.database, self.owner, self.broker):
            each.refuse()
        self.owner_url = through(postgres.superuser_dsn(DATABASE), self.owner)
        self.place = Place(
            database_url=through(url_of(postgres, DATABASE, SERVICE), self.database),
            watch_database_url=through(url_of(postgres, DATABASE, WATCH), self.database),
            superuser_dsn=postgres.superuser_dsn("postgres"),
            bus_url=through(rabbitmq.url, self.broker),
            directory=folder,
        )


@pytest.fixture
def doors(own_postgres: Callable[[str], PrivatePostgres], rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[Doors]:
    server = own_postgres("")
    asyncio.run(_make_database(server))
    with ExitStack() as held:
        yield Doors(server, held, rabbitmq, tmp_path)


async def test_whatever_comes_up_first_waits_for_the_others_and_says_so(doors: Doors) -> None:
    system = System(doors.place)
    try:
        started = [system.launch(name, "") for name in SERVICES]
        migration = system.launch_migration(doors.owner_url)
        everybody = [*started, migration]
        await _eventually_all(everybody, lambda one: "database.awaited" in events(one), "the database is awaited")
        await _eventually_all(started, lambda one: one.answer("/healthz") == 200, "probes are answered")
        assert [one.answer("/readyz") for one in started] == [503] * len(started)
        # Who asks the gateway too early is told to come again, and not that there is nothing.
        assert started[0].answer("/v1/connections") == 503

        doors.database.heal()
        # The server answers now, and knows neither the role nor the tables.
        await _eventually_all(started, lambda one: "InvalidPasswordError" in one.log.read_text(), "they are unknown")

        doors.owner.heal()
        assert migration.await_end() == 0, migration.tail()
        await _eventually_all(started, lambda one: "service.started" in events(one), "they start")
        assert [one.answer("/readyz") for one in started] == [503] * len(started)

        doors.broker.heal()
        await _eventually_all(started, lambda one: one.answer("/readyz") == 200, "they are ready")
        # Nobody repeats itself once a second.
        assert max(events(one).count("database.awaited") for one in started) <= 6
    finally:
        system.end()


async def _eventually_all(processes: list[ServiceProcess], holds: Callable[[ServiceProcess], bool], what: str) -> None:
    for one in processes:

        def is_so(one: ServiceProcess = one) -> bool:
            assert one.is_running, f"{one.name} ended while it should wait:\n{one.tail()}"
            return holds(one)

        await eventually(is_so, f"{one.name}: {what}", limit_seconds=LIMIT_SECONDS)


def events(process: ServiceProcess) -> list[str]:
    """The events of its log, in order."""
    lines = [line for line in process.log.read_text().splitlines() if line.startswith("{")]
    return [json.loads(line)["event"] for line in lines]


async def _make_database(server: PrivatePostgres) -> None:
    connection = await asyncpg.connect(server.superuser_dsn("postgres"), timeout=30)
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close(timeout=10)
