"""Systems for the acceptance tests, and what a failed test shows: the ledger and the ends of the services' logs."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from shared.domain.scope import Scope
from shared.storage import keys
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database, DatabaseAddress
from shared.storage.migrate import SERVICE, WATCH
from tests.acceptance.ledger import open_ledger
from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop, open_shop
from tests.acceptance.system import SERVICES, Place, System
from tests.real.database_fixtures import copying, url_of
from tests.real.postgres import PrivatePostgres
from tests.real.rabbitmq import RabbitServer

SHOPS = pytest.StashKey[list[Shop]]()


@pytest.fixture(scope="session")
def system(postgres_server: PrivatePostgres, template_database: str, rabbitmq: RabbitServer) -> Iterator[System]:
    """The system that most tests share: everything but importers and exporters runs."""
    with own_system(postgres_server, template_database, rabbitmq) as made:
        made.start(*SERVICES)
        yield made


@pytest.fixture(scope="session")
def operator_key(system: System) -> str:
    """A key that makes accounts in the shared system."""
    return asyncio.run(make_operator_key(system.place))


@pytest.fixture
def importer(system: System) -> ServiceProcess:
    """An importer that runs without failpoints; tests in a row share it."""
    return system.ensure("importer")


@pytest.fixture
def no_importer(system: System) -> None:
    """No importer runs: the test starts its own."""
    system.stop(*system.running("importer"))


@pytest_asyncio.fixture
async def shop(system: System, operator_key: str, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """A fresh account of the shared system with a hosted folder."""
    system.forget_failpoints()
    for each in SERVICES:
        system.ensure(each)
    async with open_shop(system, operator_key) as made:
        request.node.stash.setdefault(SHOPS, []).append(made)
        yield made


@contextmanager
def own_system(server: PrivatePostgres, template: str, rabbitmq: RabbitServer) -> Iterator[System]:
    """A system on a database of its own."""
    name = f"system_{uuid4().hex[:12]}"
    asyncio.run(_make_database(server, name, template))
    with tempfile.TemporaryDirectory(prefix="tidegate-acceptance-") as directory:
        place = Place(
            database_url=url_of(server, name, SERVICE),
            watch_database_url=url_of(server, name, WATCH),
            superuser_dsn=server.superuser_dsn(name),
            bus_url=rabbitmq.url,
            directory=Path(directory),
        )
        system = System(place)
        try:
            yield system
        finally:
            system.end()


async def make_operator_key(place: Place) -> str:
    """The deployment's first key, as `tidegate key create` makes it."""
    address = DatabaseAddress(place.database_url, place.watch_database_url)
    async with Database.open(address) as database, database.account(OPERATOR) as tx:
        scopes = frozenset({Scope.ADMIN, Scope.KEYS_READ, Scope.KEYS_WRITE})
        _, token = await keys.create(tx, keys.NewKey("tests", scopes))
    return token


async def _make_database(server: PrivatePostgres, name: str, template: str) -> None:
    connection = await asyncpg.connect(server.superuser_dsn("postgres"), timeout=10)
    try:
        await connection.execute(copying(name, template))
        await connection.execute(f"GRANT CREATE ON DATABASE {name} TO {SERVICE}")
    finally:
        await connection.close(timeout=10)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Put the ledger and the logs into the report of a test that failed."""
    report = yield
    if report.failed:  # type: ignore[attr-defined]  # what the wrapped hooks made
        for shop in item.stash.get(SHOPS, []):
            report.sections.append(("ledger", _ledger_of(shop)))  # type: ignore[attr-defined]  # see above
            for name, text in shop.system.logs().items():
                report.sections.append((name, text))  # type: ignore[attr-defined]  # see above
    return report


def _ledger_of(shop: Shop) -> str:
    async def read() -> str:
        try:
            async with open_ledger(shop.system.place.superuser_dsn, shop.account_id) as ledger:
                return await ledger.shown()
        except (OSError, asyncpg.PostgresError) as error:
            return f"not to be had: {error!r}"

    # In a thread: the test's own loop may not have been closed yet.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(read())).result(30)
