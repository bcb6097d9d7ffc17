"""A gateway on a real PostgreSQL, asked in process, and clients with keys of two accounts and the operator."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from services.api.app import create_app
from services.api.tools import HostedServer, Tools
from shared.domain.scope import OWNER_SCOPES, Scope
from shared.formats.openpgp.gpg import find_programs
from shared.observe.metrics import Metrics
from shared.runtime.looking import Looking
from shared.storage import keys
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from tests.fakes.apart import in_thread
from tests.integration.api.asking import Client
from tests.real.database_fixtures import make_account

FINGERPRINT = "SHA256:" + "h" * 43


async def _fingerprints() -> tuple[str, ...]:
    return (FINGERPRINT,)


@pytest.fixture
def tools(database: Database, tmp_path: Path) -> Tools:
    """The gateway's tools; nobody answers inquiries, so verify waits only a moment."""
    ring = KeyRing((os.urandom(32),))
    return Tools(
        database=database,
        keys=ring,
        metrics=Metrics(),
        hosted=HostedServer(
            host="drop.shop.example",
            port=2222,
            fingerprints=_fingerprints,
            webdav_url="https://drop.shop.example:8443/",
        ),
        bus_is_ready=lambda: True,
        looking=Looking(database, ring, tmp_path, find_programs(), in_thread),
        local_directories=frozenset({"share", "archive"}),
        verify_seconds=0.2,
    )


@pytest_asyncio.fixture
async def connect(tools: Tools) -> AsyncIterator[Callable[..., "Client"]]:
    """Makes clients: `connect(key)`; other tools may be given."""
    async with AsyncExitStack() as stack:
        made: list[Client] = []

        def client(key: str | None = None, **changes: object) -> Client:
            app = create_app(replace(tools, **changes))  # type: ignore[arg-type]  # the test names real fields
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            made.append(
                Client(
                    transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
                    base_url="http://gateway.example",
                    headers=headers,
                )
            )
            return made[-1]

        yield client
        for each in made:
            stack.push_async_callback(each.aclose)


@pytest_asyncio.fixture
async def key(database: Database, account: UUID) -> str:
    """A key of the account with all of an owner's scopes."""
    return await make_key(database, account, OWNER_SCOPES)


@pytest.fixture
def owner(connect: Callable[..., "Client"], key: str) -> "Client":
    """A client of the account with all of an owner's scopes."""
    return connect(key)


@pytest_asyncio.fixture
async def stranger(connect: Callable[..., "Client"], database: Database) -> "Client":
    """The same of another account."""
    return connect(await make_key(database, await make_account(database, "Other Shop"), OWNER_SCOPES))


@pytest_asyncio.fixture
async def operator(connect: Callable[..., "Client"], database: Database) -> "Client":
    """The deployment's operator."""
    return connect(await make_key(database, OPERATOR, frozenset({Scope.ADMIN, Scope.KEYS_READ, Scope.KEYS_WRITE})))


async def make_key(database: Database, account_id: UUID, scopes: frozenset[Scope]) -> str:
    """A key of an account."""
    async with database.account(account_id) as tx:
        _, token = await keys.create(tx, keys.NewKey("tests", scopes, email="owner@shop.example"))
    return token
