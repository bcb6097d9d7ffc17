"""A file that is whole is imported, once, although somebody opened it to go on with it and wrote nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from services.dropserver.ledger import DatabaseGate, DatabaseUploads
from services.dropserver.sftp import DropServer
from shared.domain.place import HostedPlace
from shared.storage import connections, credentials
from shared.transfer.keys import make_private_key
from tests.integration.road.place import Tenant, goal

LEAVE = {"done": {"leave": True}, "failed": {"leave": True}}
CLOSED = {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}, "afterwards": LEAVE}


async def test_who_opens_a_whole_file_and_writes_nothing_neither_hides_it_nor_brings_it_twice(tenant: Tenant) -> None:
    async with _sessions(tenant) as client:
        await _put(client, "a.csv")
        await client.open("a.csv", "ab")
        # It waited until now: nobody took it.
        await tenant.save(goal(source=CLOSED))
        await _put(client, "b.csv")
        for name in ("a.csv", "b.csv"):
            run = await tenant.ended(lambda run, name=name: run["path"] == name)
            assert (run["state"], run["receipt"]["rows_read"]) == ("completed", 1)
        async with client.open("a.csv", "r+b"):
            pass
        client.exit()
    async with _sessions(tenant) as client:
        await _put(client, "c.csv")
        await tenant.ended(lambda run: run["path"] == "c.csv")
    assert sorted(run["path"] for run in await tenant.runs()) == ["a.csv", "b.csv", "c.csv"]


@asynccontextmanager
async def _sessions(tenant: Tenant) -> AsyncIterator[asyncssh.SFTPClient]:
    """A session at a hosted server, which ends with it."""
    base = tenant.base
    async with base.database.account(tenant.account_id) as tx:
        place = (await connections.get(tx, tenant.connection_id)).settings.place
        assert isinstance(place, HostedPlace)
        login, password = await credentials.create(tx, place.drop_folder_id, directory="", public_key=None)
    key = make_private_key()
    uploads, gate = DatabaseUploads(base.database, base.metrics), DatabaseGate(base.database, base.places, base.metrics)
    async with (
        DropServer.open("127.0.0.1", 0, [key], gate, uploads) as server,
        asyncssh.connect(
            "127.0.0.1",
            server.port,
            username=login.username,
            password=password,
            known_hosts=([asyncssh.import_private_key(key).convert_to_public()], [], []),
            client_keys=None,
            config=None,
            agent_path=None,
        ) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


async def _put(client: asyncssh.SFTPClient, name: str) -> None:
    async with client.open(name, "wb") as file:
        await file.write(f"email,name\nann@shop.example,{name}\n".encode())
