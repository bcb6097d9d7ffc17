"""A gateway in front of the running system, asked in process or at a port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from services.api.app import create_app
from services.api.limits import Limits
from services.api.tools import HostedServer, Tools
from services.entry.watch_runs import Gateway
from shared.domain.scope import OWNER_SCOPES
from shared.formats.openpgp.gpg import find_programs
from shared.runtime.apart import apart
from shared.runtime.looking import Looking
from shared.runtime.web import serving
from shared.storage import keys
from tests.integration.api.asking import Client
from tests.integration.road.place import Tenant


@asynccontextmanager
async def gateway_of(tenant: Tenant) -> AsyncIterator[Client]:
    """A client of the tenant's gateway, with all of an owner's scopes."""
    transport = httpx.ASGITransport(app=_app(tenant))
    headers = {"Authorization": f"Bearer {await _key(tenant)}"}
    async with Client(transport=transport, base_url="http://gateway.example", headers=headers) as client:
        yield client


@asynccontextmanager
async def gateway_at_a_port(tenant: Tenant) -> AsyncIterator[Gateway]:
    """The same, as processes of this machine find it."""
    async with serving(_app(tenant), "127.0.0.1", 0) as port:
        yield Gateway(f"http://127.0.0.1:{port}", await _key(tenant))


def _app(tenant: Tenant) -> FastAPI:
    server = HostedServer(host="drop.shop.example", port=2222, fingerprints=_fingerprints)
    base = tenant.base
    tools = Tools(
        database=base.database,
        keys=base.keys,
        metrics=base.metrics,
        hosted=server,
        bus_is_ready=lambda: True,
        looking=Looking(base.database, base.keys, base.settings.work_directory, find_programs(), apart()),
        # One key makes hundreds of things here, as fast as the machine can.
        limits=Limits(request_burst=1_000_000),
        one_shot_unique_property=base.settings.one_shot_unique_property,
    )
    return create_app(tools)


async def _key(tenant: Tenant) -> str:
    async with tenant.base.database.account(tenant.account_id) as tx:
        _, token = await keys.create(tx, keys.NewKey("tests", OWNER_SCOPES, email="owner@shop.example"))
    return token


async def _fingerprints() -> tuple[str, ...]:
    return ()
