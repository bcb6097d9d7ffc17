"""Databases for the tests: one template with all migrations, and a copy of it for each test that asks."""

import asyncio
import hmac
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import pbkdf2_hmac, sha256
from urllib.parse import unquote, urlsplit, urlunsplit
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
        await connection.execute(copying(name, template_database))
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
    superuser_dsn = server.superuser_dsn("postgres")
    connection = await asyncpg.connect(superuser_dsn, timeout=10)
    try:
        await connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        await connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
        service, watch = (url_of(server, TEMPLATE, role) for role in (SERVICE, WATCH))
        await migrate_shared(url_of(server, TEMPLATE, OWNER), service_url=service, watch_url=watch)
        for role in (OWNER, SERVICE, WATCH):
            await connection.execute(f"ALTER ROLE {role} PASSWORD '{_quickly_checked(PASSWORD)}'")
        superuser = urlsplit(superuser_dsn)
        kept = _quickly_checked(unquote(superuser.password or ""))
        await connection.execute(f"ALTER ROLE {superuser.username} PASSWORD '{kept}'")
    finally:
        await connection.close(timeout=10)


def copying(name: str, template: str) -> str:
    """The statement that copies a database. Copied as files it costs a third of what block by block does."""
    return f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} STRATEGY FILE_COPY"


def _quickly_checked(password: str) -> str:
    """A password as PostgreSQL keeps it for SCRAM (RFC 5803), derived in one round instead of 4,096.

    Every test connects several times, and the rounds cost each side more than all else of a connection.
    """
    salt, rounds = os.urandom(16), 1
    salted = pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    written = [b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${rounds}:{written[0]}${written[1]}:{written[2]}"
