"""Databases for the tests: one template with all migrations, and a copy of it for each test that asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from shared.domain.integration import Integration
from shared.storage import accounts, integrations
from shared.storage.database import Database, DatabaseAddress
from shared.storage.migrate import OWNER, SERVICE, WATCH, migrate_shared
from tests.real.postgres import PrivatePostgres

TEMPLATE = "tidegate_template"
PASSWORD = "of-the-tests"


def url_of(server: PrivatePostgres, database: str, role: str) -> str:
    """The URL of a database for one of Tidegate's roles."""
    parts = urlsplit(server.superuser_dsn(database))
    host = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit(parts._replace(netloc=f"{role}:{PASSWORD}@{host}"))


@pytest.fixture(scope="session")
def template_database(postgres_server: PrivatePostgres) -> str:
    """The name of a database that holds the shared schema and nothing else."""
    asyncio.run(make_template(postgres_server))
    return TEMPLATE


@pytest_asyncio.fixture
async def database_address(postgres_server: PrivatePostgres, template_database: str) -> AsyncIterator[DatabaseAddress]:
    """Where this test's own database is."""
    async with own_database(postgres_server, template_database) as address:
        yield address


@asynccontextmanager
async def own_database(postgres_server: PrivatePostgres, template_database: str) -> AsyncIterator[DatabaseAddress]:
    """A copy of the template while inside."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(postgres_server.superuser_dsn("postgres"), timeout=10)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database} OWNER {OWNER}")
        # Rights on a database are its own, not the template's.
        await connection.execute(f"GRANT CREATE ON DATABASE {name} TO {SERVICE}")
        yield DatabaseAddress(url_of(postgres_server, name, SERVICE), url_of(postgres_server, name, WATCH))
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close(timeout=10)


@pytest_asyncio.fixture
async def database(database_address: DatabaseAddress) -> AsyncIterator[Database]:
    """This test's own database, opened as services open it."""
    async with Database.open(database_address) as opened:
        yield opened


@pytest_asyncio.fixture
async def account(database: Database) -> UUID:
    """A fresh account with its own schema."""
    return await make_account(database)


async def make_account(database: Database, name: str = "Tide Shop") -> UUID:
    """Another account of this test's database; its owner has activated hosted folders."""
    account_id = uuid4()
    async with database.account(account_id) as tx:
        await accounts.create(tx, name)
        await integrations.switch_on(tx, Integration.HOSTED_FOLDERS)
    return account_id


async def make_template(server: PrivatePostgres) -> None:
    """Roles, and a database with the shared schema, on a server that has none."""
    connection = await asyncpg.connect(server.superuser_dsn("postgres"), timeout=10)
    try:
        await connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        await connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    finally:
        await connection.close(timeout=10)
    service, watch = (url_of(server, TEMPLATE, role) for role in (SERVICE, WATCH))
    await migrate_shared(url_of(server, TEMPLATE, OWNER), service_url=service, watch_url=watch)
