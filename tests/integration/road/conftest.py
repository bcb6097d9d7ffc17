"""A running system without a gateway: poller, importer and exporter on an in-process bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest_asyncio

from services.exporter.wiring import running as exporting
from services.importer.wiring import running as importing
from services.poller.wiring import running as polling
from shared.bus.alongside import alongside
from shared.bus.in_process import InProcessBus
from shared.observe.metrics import Metrics
from shared.runtime.service import Base, base_of, relaying
from shared.runtime.settings import read_settings
from shared.storage import connections
from shared.storage.database import Database
from shared.storage.secrets import new_key
from tests.integration.road.place import Tenant, make_tenant
from tests.integration.road.watched import tenant_on
from tests.real.openssh import PrivateOpenSSH

LOOK_SECONDS = 0.2


@pytest_asyncio.fixture
async def base(database: Database, tmp_path: Path) -> Base:
    """What the services have."""
    settings = read_settings(
        secret_key=new_key(),
        drop_directory=tmp_path / "drop",
        work_directory=tmp_path / "work",
        sweep_seconds=1,
        ledger_poll_seconds=0.5,
        retry_base_seconds=0.1,
        allowed_networks="127.0.0.0/8",
        local_directories=f"share={tmp_path / 'share'}",
        one_shot_unique_property="number",
    )
    return await base_of(settings, database, InProcessBus(), Metrics())


@pytest_asyncio.fixture
async def tenant(base: Base, account: UUID) -> AsyncIterator[Tenant]:
    """An account on the running system; its connection is due again and again."""
    made = await make_tenant(base, account)
    async with watched(base, made):
        yield made


@pytest_asyncio.fixture
async def afar(base: Base, account: UUID, openssh_server: PrivateOpenSSH) -> AsyncIterator[Tenant]:
    """The same, its files on a partner's real server."""
    made = await tenant_on(base, account, openssh_server)
    async with watched(base, made):
        yield made


@asynccontextmanager
async def watched(base: Base, made: Tenant) -> AsyncIterator[None]:
    """The system, that looks at the tenant's connection again and again."""
    async with system(base), alongside(_keep_due(base, made)):
        yield


@asynccontextmanager
async def system(base: Base) -> AsyncIterator[None]:
    """Poller, importer and exporter at work."""
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(relaying(base))
        for running in (polling, importing, exporting):
            await stack.enter_async_context(running(base, stopping))
        yield
        stopping.set()


async def _keep_due(base: Base, tenant: Tenant) -> None:
    """Ten seconds is the shortest interval that a connection can have, and too long for a test."""
    while True:
        async with base.database.account(tenant.account_id) as tx:
            await connections.look_now(tx, tenant.connection_id)
        await asyncio.sleep(LOOK_SECONDS)
