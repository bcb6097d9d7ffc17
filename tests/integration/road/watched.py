"""A tenant whose files lie on a partner's real OpenSSH server, on the running system."""

import os
from uuid import UUID, uuid4

from shared.domain.connection import ConnectionSettings
from shared.domain.place import SftpPlace
from shared.runtime.service import Base
from shared.storage import connections
from tests.integration.road.place import Tenant, make_tenant
from tests.real.openssh import PARTNER_ID, PrivateOpenSSH


async def tenant_on(base: Base, account: UUID, server: PrivateOpenSSH) -> Tenant:
    """The tenant of `make_tenant`, its connection one to a directory of its own on the server."""
    made = await make_tenant(base, account)
    home = server.put(f"test-{uuid4().hex}/first", b"").parent
    (home / "first").unlink()
    place = SftpPlace(
        transport="sftp",
        host=server.host,
        port=server.port,
        username=server.username,
        home_directory=home.name,
        host_keys=tuple(server.host_keys()),
    )
    settings = ConnectionSettings(name="Partner", interval_seconds=10, place=place)
    async with base.database.account(account) as tx:
        key = {"private_key": server.client_key.read_text()}
        connection = await connections.create(tx, base.keys, settings, key, email=None)
    made.connection_id, made.directory = connection.id, home
    if server.password is not None:
        os.chown(home, PARTNER_ID, PARTNER_ID)
    return made
