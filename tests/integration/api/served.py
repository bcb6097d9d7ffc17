"""A gateway behind a real port, in a thread of its own, with one of everything in it."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx

from services.api.app import create_app
from services.api.limits import Limits
from services.api.tools import HostedServer, Tools
from shared.domain.integration import Integration
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES
from shared.formats.openpgp.gpg import find_programs
from shared.observe.metrics import Metrics
from shared.runtime.looking import Looking
from shared.runtime.web import serving
from shared.storage import inquiries, notifications, samples
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from tests.fakes.apart import in_thread
from tests.integration.api.asking import IMPORT_GOAL, Client
from tests.integration.api.conftest import make_key
from tests.integration.api.ledger import arrive, claim, complete
from tests.real.database_fixtures import make_account, own_database
from tests.real.postgres import PrivatePostgres

_START_SECONDS = 60
_ALL_ACTIVE = {kind.value: "active" for kind in Integration}


@dataclass(slots=True)
class Served:
    """A gateway that answers at `url`."""

    url: str = ""
    owner_key: str = ""
    operator_key: str = ""
    account: UUID = OPERATOR
    _database: Database | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _counted: int = 0
    _segment: str = ""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def key_for(self, path: str) -> str:
        """The key that may ask for a path."""
        return self.operator_key if path.startswith("/v1/accounts") else self.owner_key

    def make_things(self) -> dict[str, str]:
        """One new thing of each kind; its identifiers by the names that paths have for them."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(self._make_things(), self._loop).result(_START_SECONDS)

    async def _make_things(self) -> dict[str, str]:
        self._counted += 1
        assert self._database is not None
        headers = {"Authorization": f"Bearer {self.owner_key}"}
        async with Client(base_url=self.url, headers=headers, timeout=30) as owner:
            # What was said to the gateway before may have switched them off.
            await owner.ask("PATCH", "/v1/integrations", 200, json=_ALL_ACTIVE, headers={"If-Match": "*"})
            folder = await owner.ask("POST", "/v1/drop-folders", 201, json={"name": f"folder {self._counted}"})
            place = {"transport": "hosted", "drop_folder_id": folder["id"]}
            new = {"name": f"connection {self._counted}", "place": place}
            connection = await owner.ask("POST", "/v1/connections", 201, json=new)
            goal = await owner.ask("POST", f"/v1/connections/{connection['id']}/goals", 201, json=IMPORT_GOAL)
            run_id = await arrive(self._database, self.account, {"connection": connection, "goal": goal})
            if self._counted % 2:
                claimed = await claim(self._database)
                await complete(self._database, claimed)
                run_id = claimed.id
            run = await owner.ask("GET", f"/v1/runs/{run_id}", 200)
            sent = {"content": b"E-mail;First name\n", "headers": {"Content-Type": "application/octet-stream"}}
            imported = await owner.ask("POST", f"/v1/imports?name=a.csv&goal_id={goal['id']}", 202, **sent)
            if self._segment:  # an account can have a thousand of them
                gone = await owner.delete(self._segment, headers={"If-Match": "*"})
                assert gone.status_code in (204, 404), gone.text
            asked = {"name": f"segment {self._counted}", "condition": {"consent": "unknown"}}
            segment = await owner.ask("POST", "/v1/segments", 201, json=asked)
            self._segment = f"/v1/segments/{segment['id']}"
            key = await owner.ask("POST", "/v1/keys", 201, json={"name": "k", "scopes": ["runs:read"]})
            credential = await owner.ask("POST", f"/v1/drop-folders/{folder['id']}/credentials", 201, json={})
        async with self._database.account(self.account) as tx:
            notification = await notifications.raise_(tx, notifications.News("code", "title"))
            inquiry = await inquiries.ask(tx, UUID(connection["id"]))
            sample = await samples.ask(tx, UUID(connection["id"]), "in/a.csv", 60)
            profile = await tx.connection.fetchval(
                f"INSERT INTO {tx.schema}.profiles (domain_group) VALUES (1) RETURNING id"
            )
        return {
            "account_id": str(self.account),
            "folder_id": folder["id"],
            "drop_folder_id": folder["id"],
            "segment_id": segment["id"],
            "connection_id": connection["id"],
            "goal_id": goal["id"],
            "run_id": str(run_id),
            "arrival_id": run["arrival_id"],
            "import_id": imported["id"],
            "key_id": key["id"],
            "credential_id": credential["id"],
            "notification_id": str(notification),
            "inquiry_id": str(inquiry),
            "sample_id": str(sample.id),
            "profile_id": str(profile),
            "name": "email",
            "domain_group": "default",
            "number": "1",
        }

    async def run(self, server: PrivatePostgres, template: str, has_started: threading.Event) -> None:
        """Serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        async with own_database(server, template) as address, Database.open(address) as database:
            self._database = database
            self.account = await make_account(database)
            self.owner_key = await make_key(database, self.account, OWNER_SCOPES)
            self.operator_key = await make_key(database, OPERATOR, OPERATOR_SCOPES)
            with TemporaryDirectory() as made:
                async with serving(create_app(_tools(database, Path(made))), "127.0.0.1", 0) as port:
                    self.url = f"http://127.0.0.1:{port}"
                    await self._define_properties()
                    has_started.set()
                    await self._stop.wait()

    async def _define_properties(self) -> None:
        headers = {"Authorization": f"Bearer {self.owner_key}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers) as client:
            for sent in (
                {"name": "email", "type": "email", "identifier": True},
                {"name": "first_name", "type": "text"},
            ):
                (await client.post("/v1/properties", json=sent)).raise_for_status()

    def stop(self) -> None:
        """Have `run` come to its end."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)


@contextmanager
def served(server: PrivatePostgres, template: str) -> Iterator[Served]:
    """A gateway of one's own while inside."""
    gateway, has_started = Served(), threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(gateway.run(server, template, has_started))
        except BaseException as error:
            failures.append(error)
            has_started.set()
            raise

    thread = threading.Thread(target=work, name="gateway", daemon=True)
    thread.start()
    try:
        assert has_started.wait(_START_SECONDS), "the gateway did not start"
        assert not failures, failures
        yield gateway
    finally:
        gateway.stop()
        thread.join(_START_SECONDS)
    assert not failures, failures


async def _fingerprints() -> tuple[str, ...]:
    return ("SHA256:" + "h" * 43,)


def _tools(database: Database, work_directory: Path) -> Tools:
    ring = KeyRing((os.urandom(32),))
    return Tools(
        database=database,
        keys=ring,
        metrics=Metrics(),
        hosted=HostedServer(host="drop.shop.example", port=2222, fingerprints=_fingerprints),
        bus_is_ready=lambda: True,
        looking=Looking(database, ring, work_directory, find_programs(), in_thread),
        # Schemathesis asks as fast as it can, and with wrong keys too.
        limits=Limits(requests_per_second=1e6, request_burst=1_000_000, wrong_keys_per_minute=1e6),
        verify_seconds=0.05,
    )
