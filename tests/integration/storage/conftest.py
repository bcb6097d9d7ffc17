"""Bare connections of Tidegate's roles to a database in which two accounts have a row in every table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest_asyncio

from shared.storage.database import Database, DatabaseAddress
from tests.integration.storage.filled import Shelves, fill
from tests.real.database_fixtures import make_account
from tests.real.postgres import PrivatePostgres


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


@pytest_asyncio.fixture
async def superuser(postgres_server: PrivatePostgres, database_address: DatabaseAddress) -> AsyncIterator[Any]:
    """Who passes by all walls."""
    name = urlsplit(database_address.service_url).path.lstrip("/")
    async with _connected(postgres_server.superuser_dsn(name)) as connection:
        yield connection


@pytest_asyncio.fixture
async def shelves(superuser: Any, database: Database) -> Shelves:
    """Two accounts with a row in every table."""
    ours, theirs = [await make_account(database, name) for name in ("Tide Shop", "Ebb Shop")]
    return await fill(superuser, ours, theirs)


@pytest_asyncio.fixture
async def service(database_address: DatabaseAddress) -> AsyncIterator[Any]:
    """A connection of the services' role that has named no account."""
    async with _connected(database_address.service_url) as connection:
        yield connection


@pytest_asyncio.fixture
async def as_ours(service: Any, shelves: Shelves) -> AsyncIterator[Any]:
    """The same in a transaction that has named ours."""
    transaction = service.transaction()
    await transaction.start()
    await service.execute("SELECT set_config('tidegate.account', $1, true)", str(shelves.ours))
    yield service
    await transaction.rollback()


@pytest_asyncio.fixture
async def watch(database_address: DatabaseAddress) -> AsyncIterator[Any]:
    """A connection of the watching role."""
    async with _connected(database_address.watch_url) as connection:
        yield connection
