"""How often a place is looked at."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.poller.look import look
from services.poller.tools import Tools
from shared.domain.connection import ConnectionSettings
from shared.domain.place import SftpPlace
from shared.storage import connections, goals
from shared.storage.database import Database
from tests.builders import import_goal
from tests.real.openssh import PrivateOpenSSH


@pytest.mark.parametrize(("said", "seconds"), [({}, 60), ({"interval_seconds": 3_600}, 3_600)])
async def test_a_server_is_looked_at_every_minute_or_as_often_as_its_connection_says(
    tools: Tools,
    database: Database,
    account: UUID,
    own_openssh: Callable[..., PrivateOpenSSH],
    said: dict[str, Any],
    seconds: int,
) -> None:
    server = own_openssh()
    place = SftpPlace(
        transport="sftp",
        host=server.host,
        port=server.port,
        username=server.username,
        host_keys=tuple(server.host_keys()),
    )
    async with database.account(account) as tx:
        settings = ConnectionSettings(name="Partner", place=place, **said)
        login = {"private_key": server.client_key.read_text()}
        made = (await connections.create(tx, tools.keys, settings, login, email=None)).id
        await goals.create(tx, made, import_goal(), email=None)
    assert await look(replace(tools, lease_seconds=30), account, made)
    async with database.account(account) as tx:
        found = await connections.get(tx, made)
    assert found.failures_in_a_row == 0
    assert found.looked_at is not None
    assert found.next_look_at - found.looked_at == timedelta(seconds=seconds)
