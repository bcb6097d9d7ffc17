"""An account of a running Tidegate: made through the API, its files uploaded by SFTP, its runs watched in the ledger.

The ledger is looked into directly, because a question through the gateway costs more than a small run takes.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import asyncssh
import httpx

from bench.generate import Made
from bench.goal import GOAL, PROPERTIES
from bench.system import System

RUN_SECONDS = 1800.0
WRITE_BYTES = 16 << 20
_SCOPES = [
    f"{resource}:{right}"
    for resource in ("connections", "exports", "goals", "profiles", "runs")
    for right in ("read", "write")
]

_LOOK = """
SELECT r.state, r.receipt, r.reason_code, r.reason_detail, u.closed_at,
    a.settled_at IS NOT NULL AS is_settled
FROM tidegate.runs r
JOIN tidegate.arrivals a USING (account_id, arrival_id)
JOIN tidegate.uploads u ON u.account_id = a.account_id AND u.upload_id = a.upload_id
WHERE r.account_id = $1 AND r.order_name = $2
"""

_LOOK_AT_RUN = """
SELECT state, receipt, reason_code, reason_detail, started_at, finished_at
FROM tidegate.runs WHERE account_id = $1 AND run_id = $2
"""

_ENDED = """
SELECT order_name, state FROM tidegate.runs WHERE account_id = $1 AND state NOT IN ('queued', 'running', 'waiting')
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """One file's import."""

    closing_at: float
    """When the client asked to close the upload; seconds since 1970."""
    closed_at: float
    """When the dropserver had the whole file on disk and told so."""
    committed_at: float
    """When the ledger was first seen to say so."""
    seconds_by_step: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made in a fresh account."""

    sheet: dict[str, Any]
    connection_id: str
    goals: dict[str, str]
    """Ids by name."""


class Tenant:
    """An account with a hosted folder and a goal."""

    def __init__(
        self, client: "Client", made: "_Made", sftp: asyncssh.SFTPClient, ledger: "asyncpg.Connection[Any]"
    ) -> None:
        self.account_id = client.account_id
        self._client = client
        self._connection_id = made.connection_id
        self._goals = dict(made.goals)
        self._sftp = sftp
        self._ledger = ledger
        self._looking = asyncio.Lock()

    async def bring(self, made: Made, name: str, *, look_seconds: float, path: str = "fast") -> Imported:
        """Upload a file and wait until its import is committed and its file is marked.

        Raises RuntimeError where the counts are not those of the generator, or rows were not read by that path.
        """
        await self._ledger.execute("CHECKPOINT")
        closing_at = await self._upload(made.path, name)
        row = await self._seen(name, "state", look_seconds)
        committed_at = time.time()
        if row["state"] != "completed":
            raise RuntimeError(f"the run is {row['state']}: {row['reason_code']} {row['reason_detail']}")
        receipt = json.loads(row["receipt"])
        _compare(made, receipt, path)
        closed_at: datetime = row["closed_at"]
        await self._seen(name, "settled", look_seconds)
        return Imported(closing_at, closed_at.timestamp(), committed_at, receipt["seconds_by_step"])

    async def upload(self, local: Path, name: str) -> float:
        """Upload a file and wait for nothing else; when its closing was asked for, in seconds since 1970."""
        return await self._upload(local, name)

    async def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the gateway for something new."""
        return await self._client.post(path, body)

    async def save(self, goal: dict[str, Any]) -> None:
        """One more goal."""
        found = await self.ask(f"/v1/connections/{self._connection_id}/goals", goal)
        self._goals[goal["name"]] = found["id"]

    async def fill(self, text: str, *args: object) -> None:
        """Write rows by SQL, with slots for {profiles} and {members} of lists, and let them be known to the planner."""
        members = f"{self._schema}.list_members"
        await self._ledger.execute(text.replace("{profiles}", self.profiles).replace("{members}", members), *args)
        await self._ledger.execute(f"VACUUM (ANALYZE) {self.profiles}, {members}")

    async def export(self, goal: str, *, look_seconds: float) -> dict[str, Any]:
        """Run an export by its goal's name, and wait for its end. Raises RuntimeError where it ends otherwise."""
        asked = await self._client.post(f"/v1/goals/{self._goals[goal]}/runs", {})
        run_id = UUID(asked["run_ids"][0])
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            async with self._looking:
                row = await self._ledger.fetchrow(_LOOK_AT_RUN, self.account_id, run_id)
            if row is not None and row["state"] == "completed":
                return dict(row)
            if row is not None and row["state"] == "failed":
                raise RuntimeError(f"the export failed: {row['reason_code']} {row['reason_detail']}")
            await asyncio.sleep(look_seconds)
        raise RuntimeError(f"the export did not end within {RUN_SECONDS:.0f} seconds")

    async def rename(self, old: str, new: str) -> None:
        """Give an uploaded file the name under which it is looked for."""
        await self._sftp.rename(old, new)

    async def seen(self, name: str, look_seconds: float) -> dict[str, Any]:
        """Wait until a file's run has ended and its file is marked; its state, receipt and times."""
        await self._seen(name, "state", look_seconds)
        return dict(await self._seen(name, "settled", look_seconds))

    async def completed(self) -> set[str]:
        """The names of the files whose runs are committed. Raises RuntimeError where one ended otherwise."""
        rows = await self._ledger.fetch(_ENDED, self.account_id)
        if odd := [row["order_name"] for row in rows if row["state"] != "completed"]:
            raise RuntimeError(f"{len(odd)} runs ended otherwise than completed, {odd[0]} among them")
        return {row["order_name"] for row in rows}

    async def rest(self) -> None:
        """What autovacuum does by itself within a minute or two, so that it does not fall into a measurement."""
        await self._ledger.execute(f"VACUUM (ANALYZE) {self.profiles}")

    async def empty(self) -> None:
        """Give the space back."""
        await self._ledger.execute(f"TRUNCATE {self.profiles}")

    async def _upload(self, local: Path, name: str) -> float:
        file = await self._sftp.open(name, "wb")
        with local.open("rb") as source:
            while data := source.read(WRITE_BYTES):
                await file.write(data)
        closing_at = time.time()
        await file.close()
        return closing_at

    async def _seen(self, name: str, what: str, look_seconds: float) -> Any:
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            row = await self._ledger.fetchrow(_LOOK, self.account_id, name)
            if row is not None and (
                row["is_settled"] if what == "settled" else row["state"] not in ("queued", "running", "waiting")
            ):
                return row
            await asyncio.sleep(look_seconds)
        raise RuntimeError(f"{name} is not {what} within {RUN_SECONDS:.0f} seconds")

    @property
    def profiles(self) -> str:
        """The table of the profiles."""
        return f"{self._schema}.profiles"

    @property
    def _schema(self) -> str:
        return f'"account_{self.account_id.hex}"'


@asynccontextmanager
async def tenant(
    system: System, goals: Sequence[dict[str, Any]] = (GOAL,), openpgp_keys: Sequence[dict[str, Any]] = ()
) -> AsyncIterator[Tenant]:
    """A fresh account with keys, a login and these goals on its hosted folder, connected while inside."""
    async with client_of(system) as client:
        for key in openpgp_keys:
            await client.post("/v1/openpgp-keys", key)
        made = await _make(client, goals)
        async with _connected(made.sheet, system) as (sftp, ledger):
            yield Tenant(client, made, sftp, ledger)


@asynccontextmanager
async def _connected(
    sheet: dict[str, Any], system: System
) -> "AsyncIterator[tuple[asyncssh.SFTPClient, asyncpg.Connection[Any]]]":
    shown = await asyncssh.get_server_host_key(sheet["host"], sheet["port"], server_host_key_algs=["ssh-ed25519"])
    assert shown is not None
    if shown.get_fingerprint() not in sheet["host_key_fingerprints"]:
        raise RuntimeError("the SFTP server's key is not the one on the sheet")
    ledger = await asyncpg.connect(system.superuser_dsn, timeout=10)
    try:
        async with (
            asyncssh.connect(
                sheet["host"],
                sheet["port"],
                username=sheet["username"],
                password=sheet["password"],
                known_hosts=([shown], [], []),
                config=None,
                agent_path=None,
                client_keys=None,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            yield sftp, ledger
    finally:
        await ledger.close()


class Client:
    """The gateway, spoken to as an account's owner."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.key = ""
        self.account_id = UUID(int=0)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for something new. Raises RuntimeError with the gateway's answer where it refuses."""
        answer = await self._http.post(path, json=body, headers={"Authorization": f"Bearer {self.key}"})
        if answer.is_error:
            raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text}")
        made: dict[str, Any] = answer.json()
        return made

    async def patch(self, path: str, body: dict[str, Any]) -> None:
        """Change something. Raises RuntimeError with the gateway's answer where it refuses."""
        headers = {"Authorization": f"Bearer {self.key}", "If-Match": "*"}
        answer = await self._http.patch(path, json=body, headers=headers)
        if answer.is_error:
            raise RuntimeError(f"PATCH {path}: {answer.status_code} {answer.text}")


@asynccontextmanager
async def client_of(system: System) -> AsyncIterator[Client]:
    """The owner of a fresh account, without anything in it."""
    async with httpx.AsyncClient(base_url=system.api_url, timeout=30) as http:
        client = Client(http)
        client.key = system.operator_key
        account = await client.post("/v1/accounts", {"name": "Benchmark"})
        wanted = {"name": "bench", "account_id": account["id"], "scopes": _SCOPES, "email": "bench@shop.example"}
        client.key = (await client.post("/v1/keys", wanted))["key"]
        client.account_id = UUID(account["id"])
        await client.patch("/v1/integrations", {"hosted_folders": "active"})
        yield client


async def _make(client: Client, goals: Sequence[dict[str, Any]]) -> _Made:
    for each in PROPERTIES:
        body = {"name": each.name, "type": each.type.value, "identifier": each.is_identifier}
        await client.post("/v1/properties", body)
    folder = await client.post("/v1/drop-folders", {"name": "bench"})
    sheet = await client.post(f"/v1/drop-folders/{folder['id']}/credentials", {})
    place = {"transport": "hosted", "drop_folder_id": folder["id"]}
    connection = await client.post("/v1/connections", {"name": "Bench", "interval_seconds": 3600, "place": place})
    made = [await client.post(f"/v1/connections/{connection['id']}/goals", goal) for goal in goals]
    return _Made(sheet, connection["id"], {goal["name"]: found["id"] for goal, found in zip(goals, made, strict=True)})


def _compare(made: Made, receipt: dict[str, Any], path: str) -> None:
    for name in ("created", "updated", "unchanged"):
        if receipt[name] != getattr(made, name):
            raise RuntimeError(f"{name} is {receipt[name]}, expected {getattr(made, name)}")
    if receipt["rows_by_path"][path] != made.rows:
        raise RuntimeError(f"{receipt['rows_by_path']} by path, expected all {made.rows} rows {path}")
