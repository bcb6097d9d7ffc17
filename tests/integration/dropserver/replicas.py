"""Real hosted servers side by side, on one database and one directory, as replicas of a deployment are."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncssh

from services.dropserver.ledger import DatabaseGate, DatabaseUploads
from services.dropserver.sftp import DropServer
from services.dropserver.tenant import Limits
from services.dropserver.webdav.application import Surroundings
from services.dropserver.webdav.server import DavServer
from shared.observe.metrics import Metrics
from shared.runtime.clients import Network
from shared.runtime.room import LedgerRoom
from shared.runtime.roots import make_root
from shared.storage import credentials, drop_folders
from shared.storage.credentials import Allowed, Credential
from shared.storage.database import Database
from shared.storage.login_scores import PATIENCE, Patience
from shared.transfer.keys import make_private_key
from shared.transfer.open_folder import Places
from tests.fakes.sessions import FreeSessions

HOST_KEY = make_private_key()


@dataclass(slots=True)
class Replicas:
    """Servers of one deployment, and an account with a folder."""

    database: Database
    places: Places
    account_id: UUID
    folder_id: UUID
    servers: list[DropServer]
    webdav: list[DavServer]
    """Beside each of them."""

    @property
    def directory(self) -> Path:
        """Where the folder lies."""
        return self.places.hosted(self.account_id, self.folder_id)

    async def login(
        self, allowed: Allowed | None = None, *, public_key: str | None = None, directory: str = ""
    ) -> tuple[Credential, str]:
        """A login of the folder; its password is empty where it has a key."""
        async with self.database.account(self.account_id) as tx:
            made, password = await credentials.create(
                tx, self.folder_id, directory=directory, public_key=public_key, allowed=allowed
            )
        return made, password or ""

    @asynccontextmanager
    async def client(
        self, username: str, password: str = "", *, at: int = 0, **options: Any
    ) -> AsyncIterator[asyncssh.SFTPClient]:
        """An SFTP session at one of the servers."""
        server = self.servers[at]
        known = ([asyncssh.import_public_key(key.line) for key in server.host_keys], [], [])
        secret = {"password": password, "client_keys": None} if password else {}
        async with (
            asyncssh.connect(
                "127.0.0.1",
                server.port,
                username=username,
                known_hosts=known,
                config=None,
                agent_path=None,
                **{**secret, **options},
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            yield client

    async def lets_in(self, username: str, password: str = "", *, at: int = 0, **options: Any) -> bool:
        """Whether a login is let in."""
        try:
            async with self.client(username, password, at=at, **options):
                return True
        except (asyncssh.DisconnectError, ConnectionError):
            return False


@asynccontextmanager
async def replicas(
    database: Database,
    account_id: UUID,
    directory: Path,
    *,
    count: int = 1,
    limits: Limits | None = None,
    patience: Patience = PATIENCE,
    proxies: Sequence[Network] = (),
) -> AsyncIterator[Replicas]:
    """Servers at work while inside."""
    rooms, roots = partial(LedgerRoom, database), partial(make_root, database)
    places = Places(directory, sessions=FreeSessions(), rooms=rooms, make_root=roots)
    async with database.account(account_id) as tx:
        folder = await drop_folders.create(tx, "in", 10**9)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(
                DropServer.open(
                    "127.0.0.1",
                    0,
                    [HOST_KEY],
                    DatabaseGate(database, places, metrics, patience),
                    DatabaseUploads(database, metrics),
                    limits,
                    patience,
                )
            )
            for _ in range(count)
        ]
        webdav = [
            await stack.enter_async_context(DavServer.open(server.house, "127.0.0.1", 0, None, Surroundings(proxies)))
            for server in servers
        ]
        yield Replicas(database, places, account_id, folder.id, servers, webdav)
