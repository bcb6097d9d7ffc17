"""The demonstration's client of the API: what a platform team would write."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncssh
import httpx
from rich.console import Console

from demo.generate import DELIMITER
from demo.system import System
from services.entry.watch_runs import Gateway, watch

PROPERTIES = (
    ("email", "email", True),
    ("first_name", "text", False),
    ("city", "text", False),
    ("points", "integer", False),
    ("balance", "number", False),
    ("tags", "list", False),
    ("member", "boolean", False),
    ("birth_date", "date", False),
)
PIECE_BYTES = 1 << 20
SAMPLE_SECONDS = 300
"""A large file is looked at as a whole."""
SCOPES = [
    f"{resource}:{right}"
    for resource in ("connections", "goals", "runs", "profiles", "exports")
    for right in ("read", "write")
]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What who drops files was handed over."""

    host: str
    port: int
    fingerprint: str
    username: str
    password: str | None

    def login(self) -> dict[str, Any]:
        """As the uploading process wants it."""
        return {
            "host": self.host,
            "port": self.port,
            "fingerprint": self.fingerprint,
            "username": self.username,
            "password": self.password,
        }


class Client:
    """Talks to the gateway of a running Tidegate."""

    def __init__(self, system: System, console: Console) -> None:
        self._system = system
        self._console = console
        self._key = system.operator_key

    async def make_account(self) -> None:
        """Make an account and go on with a key of its own."""
        account = await self._post("/v1/accounts", {"name": "Demonstration"})
        body = {"name": "demo", "account_id": account["id"], "scopes": SCOPES, "email": "crm@shop.example"}
        self._key = (await self._post("/v1/keys", body))["key"]
        await self._patch("/v1/integrations", {"hosted_folders": "active"})
        self._console.print(f"account {account['id']}, which hosts folders")

    async def make_properties(self) -> None:
        """Define the properties of a profile."""
        for name, kind, identifier in PROPERTIES:
            await self._post("/v1/properties", {"name": name, "type": kind, "identifier": identifier})
        self._console.print(f"{len(PROPERTIES)} properties")

    async def make_property(self, wanted: dict[str, Any]) -> None:
        """Define one property."""
        made = await self._post("/v1/properties", wanted)
        identifier = ", names a profile" if made["identifier"] else ""
        self._console.print(f"property {made['name']}: {made['type']}{identifier}", markup=False)

    async def make_openpgp_key(self, name: str) -> str:
        """Have the account make an OpenPGP key of its own; the half that partners encrypt to."""
        generate = {"user_id": f"{name} <files@shop.example>", "algorithm": "curve25519"}
        made = await self._post("/v1/openpgp-keys", {"name": name, "generate": generate})
        self._console.print(f"OpenPGP key {made['fingerprint']}")
        async with self._http() as http:
            answer = await http.get(f"/v1/openpgp-keys/{made['id']}/public")
            answer.raise_for_status()
            return answer.text

    async def take_sample(self, file: Path) -> dict[str, Any]:
        """Send a file as a sample; what was found, and what a goal made of it says."""
        async with self._http() as http:
            headers = {"Content-Type": "application/octet-stream"}
            answer = await http.post(
                "/v1/samples",
                params={"name": file.name},
                content=_pieces(file),
                headers=headers,
                timeout=SAMPLE_SECONDS,
            )
            return _body(answer)

    async def answer(self, sample: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
        """Answer questions about a sample; the sample as it is then."""
        return await self._post(f"/v1/samples/{sample['id']}/answers", {"answers": answers})

    async def make_drop_folder(self) -> str:
        """Make a hosted folder."""
        folder = await self._post("/v1/drop-folders", {"name": "contacts"})
        self._console.print(f"drop folder {folder['id']}")
        return str(folder["id"])

    async def make_credential(self, folder: str, public_key: str | None = None) -> Sheet:
        """Make a login to the folder, with a password or a public key."""
        made = await self._post(f"/v1/drop-folders/{folder}/credentials", {"public_key": public_key})
        self._console.print(f"login {made['username']} on {made['host']}:{made['port']}, {made['kind']}")
        return Sheet(made["host"], made["port"], made["host_key_fingerprints"][0], made["username"], made["password"])

    async def make_connection(self, folder: str) -> str:
        """Make a connection for the folder."""
        place = {"transport": "hosted", "drop_folder_id": folder}
        made = await self._post("/v1/connections", {"name": "Shop", "interval_seconds": 10, "place": place})
        return str(made["id"])

    async def make_partner(self, sheet: Sheet) -> str:
        """Make a connection to the server that a login is for, as if it were a partner's, with its host key pinned."""
        presented = await asyncssh.get_server_host_key(sheet.host, sheet.port, server_host_key_algs=["ssh-ed25519"])
        if presented is None or presented.get_fingerprint() != sheet.fingerprint:
            raise RuntimeError(f"found another host key than {sheet.fingerprint}")
        line = presented.export_public_key().decode().strip()
        place = {"transport": "sftp", "host": sheet.host, "port": sheet.port, "username": sheet.username}
        place |= {"host_keys": [line]}
        made = await self._post("/v1/connections", {"name": "Partner", "place": place, "password": sheet.password})
        return str(made["id"])

    async def add_openpgp_key(self, name: str, public: str) -> str:
        """Take in the half of a partner's key that files are encrypted to; its fingerprint."""
        return str((await self._post("/v1/openpgp-keys", {"name": name, "key": public}))["fingerprint"])

    async def make_segment(self, name: str, condition: dict[str, Any]) -> tuple[str, int]:
        """Make a segment; its id, and how many are in it."""
        made = await self._post("/v1/segments", {"name": name, "condition": condition})
        count = (await self._post(f"/v1/segments/{made['id']}/count", None))["profiles"]
        self._console.print(f"segment {made['id']}: {name}, {count:,} profiles", markup=False)
        return str(made["id"]), int(count)

    async def make_goal(self, connection: str, goal: dict[str, Any]) -> dict[str, Any]:
        """Make a goal of a connection; as it was made."""
        made = await self._post(f"/v1/connections/{connection}/goals", goal)
        self._console.print(f"goal {made['id']}: {goal['name']}", markup=False)
        return made

    async def properties(self) -> list[dict[str, Any]]:
        """The properties that a profile has."""
        items: list[dict[str, Any]] = (await self._get("/v1/properties?limit=1000"))["items"]
        return items

    async def run_of(self, goal: str, name: str) -> UUID:
        """The run that a file with that name got; waits for it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            page = await self._get(f"/v1/runs?limit=10&goal_id={goal}")
            found = [run for run in page["items"] if run["path"] == name]
            if found:
                return UUID(found[0]["id"])
            await asyncio.sleep(0.1)
        raise RuntimeError(f"no run for {name} within 60 seconds")

    async def run_now(self, goal: str) -> UUID:
        """Run an export now."""
        asked = await self._post(f"/v1/goals/{goal}/runs", None)
        return UUID(asked["run_ids"][0])

    async def follow(self, run_id: UUID) -> dict[str, Any]:
        """Follow a run with a progress bar."""
        return await watch(Gateway(self._system.api_url, self._key), run_id, console=self._console)

    async def profile(self, email: str) -> dict[str, Any]:
        """The profile of an e-mail address."""
        items = (await self._get(f"/v1/profiles?email={email}"))["items"]
        found: dict[str, Any] = items[0]
        return found

    async def profiles(self) -> AsyncIterator[dict[str, Any]]:
        """All profiles that the account has."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._get(f"/v1/profiles?limit=1000{cursor}")
            for each in page["items"]:
                yield each
            cursor = None if page["next_cursor"] is None else f"&cursor={page['next_cursor']}"

    async def rejects(self, run_id: str) -> list[dict[str, Any]]:
        """The first rejects of a run."""
        items: list[dict[str, Any]] = (await self._get(f"/v1/runs/{run_id}/rejects?limit=200"))["items"]
        return items

    async def rejects_csv(self, run_id: str) -> bytes:
        """The rejects of a run as a file that can be mended and dropped again."""
        async with self._http() as http:
            answer = await http.get(f"/v1/runs/{run_id}/rejects.csv")
            answer.raise_for_status()
            return answer.content

    async def _get(self, path: str) -> dict[str, Any]:
        async with self._http() as http:
            return _body(await http.get(path))

    async def _post(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        async with self._http() as http:
            return _body(await http.post(path, json=body))

    async def _patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http() as http:
            return _body(await http.patch(path, json=body, headers={"If-Match": "*"}))

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._system.api_url, headers={"Authorization": f"Bearer {self._key}"}, timeout=30
        )


def _body(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise RuntimeError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    body: dict[str, Any] = answer.json()
    return body


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(PIECE_BYTES):
            yield piece


def import_goal() -> dict[str, Any]:
    """The goal that imports the demonstration's contacts."""
    return {
        "kind": "import_profiles",
        "name": "Contacts",
        "source": {"pattern": {"wildcard": "contacts_*.csv"}, "readiness": {"strategy": "closed"}},
        "dialect": {
            "delimiter": DELIMITER,
            "decimalChar": ",",
            "listDelimiter": "|",
            "dateFormat": "DD.MM.YYYY",
        },
        "identifiers": [{"field": "E-mail", "property": "email"}],
        "mapping": [
            {"field": "First name", "property": "first_name", "rule": "set"},
            {"field": "City", "property": "city", "rule": "set"},
            {"field": "Points", "property": "points", "rule": "sum"},
            {"field": "Balance", "property": "balance", "rule": "set"},
            {"field": "Tags", "property": "tags", "rule": "add"},
            {"field": "Member", "property": "member", "rule": "set_if_empty"},
            {"field": "Birth date", "property": "birth_date", "rule": "set_or_clear"},
        ],
        "opt_in": {"declaration": "undefined"},
        "feedback": {"emails": ["crm@shop.example"], "when": "always"},
    }


def export_goal(properties: Sequence[str]) -> dict[str, Any]:
    """A goal that exports these properties of all profiles."""
    return {
        "kind": "export_profiles",
        "name": "All profiles",
        "target": {"directory": "out"},
        "columns": [{"property": name} for name in properties],
    }
