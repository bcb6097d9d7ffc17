"""The corpora go through the running system of the road's tests, and are read back through a real gateway."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest_asyncio

from services.api.app import create_app
from services.api.tools import HostedServer, Tools
from shared.domain.scope import OWNER_SCOPES
from shared.runtime.service import Base
from shared.storage import keys
from tests.corpora.importing import Importing
from tests.integration.api.asking import Client
from tests.integration.road.conftest import base, system  # noqa: F401 the fixture is found by its name here
from tests.integration.road.place import Tenant, make_tenant


async def _fingerprints() -> tuple[str, ...]:
    return ()


@pytest_asyncio.fixture
async def tenant(base: Base, account: UUID) -> AsyncIterator[Tenant]:  # noqa: F811 the fixture of that name
    """An account on the running system. A look for hundreds of goals and files costs something: it is asked for."""
    made = await make_tenant(base, account)
    async with system(base):
        yield made


@pytest_asyncio.fixture
async def gateway(tenant: Tenant) -> AsyncIterator[Client]:
    """A client of the tenant's gateway, with all of an owner's scopes."""
    server = HostedServer(host="drop.shop.example", port=2222, fingerprints=_fingerprints)
    tools = Tools(
        database=tenant.base.database,
        keys=tenant.base.keys,
        metrics=tenant.base.metrics,
        hosted=server,
        bus_is_ready=lambda: True,
    )
    async with tenant.base.database.account(tenant.account_id) as tx:
        _, token = await keys.create(tx, keys.NewKey("tests", OWNER_SCOPES, email="owner@shop.example"))
    transport = httpx.ASGITransport(app=create_app(tools))
    headers = {"Authorization": f"Bearer {token}"}
    async with Client(transport=transport, base_url="http://gateway.example", headers=headers) as client:
        yield client


@pytest_asyncio.fixture
async def importing(tenant: Tenant, gateway: Client) -> Importing:
    """What imports the cases of a corpus."""
    return Importing(tenant, gateway)
