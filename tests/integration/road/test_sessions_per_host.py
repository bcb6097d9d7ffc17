"""Two pollers, two importers and a server that lets few in: as many sessions as may be, and every file gets through."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from uuid import UUID

from shared.bus.alongside import alongside
from shared.bus.in_process import InProcessBus
from shared.domain.connection import ConnectionSettings
from shared.domain.place import SftpPlace
from shared.observe.metrics import Metrics
from shared.runtime.service import Base, base_of
from shared.storage import connections, goals
from tests.eventually import eventually
from tests.integration.road.conftest import system
from tests.integration.road.place import Tenant, goal, make_tenant
from tests.real.openssh import PrivateOpenSSH

PLACES = 5
MOST = 2


async def test_a_host_never_sees_more_sessions_than_it_may_and_every_file_is_imported_and_marked(
    base: Base, account: UUID, own_openssh: Callable[..., PrivateOpenSSH]
) -> None:
    # A server that drops the third at once, and whatever comes without having a session.
    server = own_openssh(settings=[f"MaxStartups {MOST}:100:{MOST}", "MaxSessions 1", "LogLevel VERBOSE"])
    settings = base.settings.model_copy(update={"sessions_per_host": MOST})
    systems = [await base_of(settings, base.database, InProcessBus(), Metrics()) for _ in range(2)]
    tenant = await make_tenant(systems[0], account)
    for number in range(PLACES):
        server.put(f"shop{number}/a.csv", f"email,name\nann{number}@example.com,Ann\n".encode())
    made = [await _connection(tenant, server, number) for number in range(PLACES)]
    async with AsyncExitStack() as stack:
        for each in systems:
            await stack.enter_async_context(system(each))
        async with alongside(_keep_due(tenant, made)):
            await eventually(
                lambda: len([*server.drop.glob("*/a.csv.done")]) == PLACES, "every file to be marked", limit_seconds=60
            )
    assert {run["state"] for run in await tenant.runs()} == {"completed"}
    assert len(await tenant.runs()) == PLACES
    log = server.log.read_text()
    assert "drop connection" not in log
    assert "exceeded" not in log.lower()
    assert _most_at_once(log) == MOST


def _most_at_once(log: str) -> int:
    """How many connections the server had at a time, by its own log."""
    now = most = 0
    for came in re.findall(r"^(Connection from|Disconnected from|Connection closed by|Connection reset by)", log, re.M):
        now += 1 if came == "Connection from" else -1
        most = max(most, now)
    return most


async def _connection(tenant: Tenant, server: PrivateOpenSSH, number: int) -> UUID:
    place = SftpPlace(
        transport="sftp",
        host=server.host,
        port=server.port,
        username=server.username,
        home_directory=f"shop{number}",
        host_keys=tuple(server.host_keys()),
    )
    login = {"private_key": server.client_key.read_text()}
    async with tenant.base.database.account(tenant.account_id) as tx:
        settings = ConnectionSettings(name=f"Shop {number}", interval_seconds=10, place=place)
        made = await connections.create(tx, tenant.base.keys, settings, login, email=None)
        await goals.create(tx, made.id, goal(name=f"Contacts {number}"), email=None)
    return made.id


async def _keep_due(tenant: Tenant, made: list[UUID]) -> None:
    while True:
        async with tenant.base.database.account(tenant.account_id) as tx:
            for connection_id in made:
                await connections.look_now(tx, connection_id)
        await asyncio.sleep(0.5)
