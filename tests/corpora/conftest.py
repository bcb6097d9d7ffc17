"""The corpora go through the running system of the road's tests, and are read back through a real gateway."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest_asyncio

from shared.runtime.service import Base
from tests.corpora.importing import Importing
from tests.integration.api.asking import Client
from tests.integration.road.conftest import base, system  # noqa: F401 the fixture is found by its name here
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, make_tenant


@pytest_asyncio.fixture
async def tenant(base: Base, account: UUID) -> AsyncIterator[Tenant]:  # noqa: F811 the fixture of that name
    """An account on the running system. A look for hundreds of goals and files costs something: it is asked for."""
    made = await make_tenant(base, account)
    async with system(base):
        yield made


@pytest_asyncio.fixture
async def gateway(tenant: Tenant) -> AsyncIterator[Client]:
    """A client of the tenant's gateway, with all of an owner's scopes."""
    async with gateway_of(tenant) as client:
        yield client


@pytest_asyncio.fixture
async def importing(tenant: Tenant, gateway: Client) -> Importing:
    """What imports the cases of a corpus."""
    return Importing(tenant, gateway)
