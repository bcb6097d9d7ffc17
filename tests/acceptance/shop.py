"""A tenant of the system under test: its settings made through the gateway, its files dropped over SFTP, and what
became of them. Every goal sums points and adds tags, so that a row that was imported twice shows.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncssh
import httpx

from shared.domain.scope import OWNER_SCOPES
from tests.acceptance.ledger import Ledger, await_quiet, open_ledger
from tests.acceptance.system import System
from tests.eventually import eventually

PROPERTIES = (
    {"name": "email", "type": "email", "identifier": True},
    {"name": "first_name", "type": "text"},
    {"name": "points", "type": "integer"},
    {"name": "tags", "type": "list"},
)
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Person:
    """A row of a file."""

    email: str
    points: int = 1
    tags: tuple[str, ...] = ("seen",)


def content_of(people: Sequence[Person]) -> bytes:
    """A file of contacts as the goal expects it."""
    lines = ["email;first_name;points;tags"]
    lines += [f"{each.email};Ann;{each.points};{'|'.join(each.tags)}" for each in people]
    return ("\n".join(lines) + "\n").encode()


def people(count: int, *, first: int = 0, points: int = 1) -> list[Person]:
    """So many people with consecutive addresses."""
    return [Person(f"person{number}@shop.example", points) for number in range(first, first + count)]


def import_goal(pattern: str = "contacts_*.csv", *, sums: bool = True, **more: Any) -> dict[str, Any]:
    """A goal as the gateway takes it; without sums it is idempotent."""
    points = [{"field": "points", "property": "points", "rule": "sum"}] if sums else []
    source = {"directory": "", "pattern": {"wildcard": pattern}} | more.pop("source", {})
    return {
        "kind": "import_profiles",
        "name": f"Contacts {pattern}",
        "source": source,
        "dialect": {"delimiter": ";", "listDelimiter": "|"},
        "identifiers": [{"field": "email", "property": "email"}],
        "mapping": [
            {"field": "first_name", "property": "first_name"},
            *points,
            {"field": "tags", "property": "tags", "rule": "add"},
        ],
        "opt_in": {"declaration": "undefined"},
        **more,
    }


@dataclass(slots=True)
class Shop:
    """An account with a client, and a hosted folder where it wants one."""

    system: System
    client: httpx.AsyncClient
    ledger: Ledger
    account_id: UUID
    login: dict[str, Any] = field(default_factory=dict)
    connection_id: str = ""

    async def ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        """The body of the gateway's answer, which must have that status."""
        answer = await self.client.request(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    async def host_a_folder(self) -> None:
        """A hosted folder, a login to it and a connection that watches it."""
        folder = await self.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
        self.login = await self.ask("POST", f"/v1/drop-folders/{folder['id']}/credentials", 201, json={})
        place = {"transport": "hosted", "drop_folder_id": folder["id"]}
        await self.connect({"name": "Hosted", "interval_seconds": 10, "place": place})

    async def connect(self, settings: dict[str, Any]) -> None:
        """A connection, which the goals that are added from now on belong to."""
        self.connection_id = (await self.ask("POST", "/v1/connections", 201, json=settings))["id"]

    async def add_goal(self, goal: dict[str, Any] | None = None) -> str:
        """Give the connection a goal; its identity."""
        path = f"/v1/connections/{self.connection_id}/goals"
        goal_id: str = (await self.ask("POST", path, 201, json=goal or import_goal()))["id"]
        return goal_id

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """An SFTP client in the hosted folder."""
        key = asyncssh.read_private_key(self.system.host_key).convert_to_public()
        async with (
            asyncssh.connect(
                "127.0.0.1",
                self.system.sftp_port,
                username=self.login["username"],
                password=self.login["password"],
                known_hosts=([key], [], []),
                config=None,
                agent_path=None,
                client_keys=None,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            yield sftp

    async def drop(self, name: str, content: bytes) -> None:
        """Upload a file to the hosted folder, closed when this returns."""
        async with self.folder() as sftp, sftp.open(name, "wb") as file:
            await file.write(content)

    async def names(self) -> list[str]:
        """What lies in the hosted folder."""
        async with self.folder() as sftp:
            return sorted(str(name) for name in await sftp.listdir(".") if name not in (".", ".."))

    async def profiles(self) -> dict[str, dict[str, Any]]:
        """All profiles by address."""
        found: dict[str, dict[str, Any]] = {}
        cursor: str | None = None
        while True:
            query = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
            page = await self.ask("GET", "/v1/profiles", 200, params=query)
            found |= {each["properties"]["email"]: each["properties"] for each in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def points(self) -> dict[str, int]:
        """The points of everybody."""
        return {email: int(each["points"] or 0) for email, each in (await self.profiles()).items()}

    async def await_runs(
        self, name: str, *states: str, limit_seconds: float = PATIENCE_SECONDS
    ) -> list[dict[str, Any]]:
        """Wait until the runs of the files under a name are in these states, in their order; the runs."""

        async def are_there() -> bool:
            return [each["state"] for each in await self.ledger.runs_of(name)] == list(states)

        await eventually(are_there, f"runs of {name} {states}", limit_seconds=limit_seconds, every_seconds=0.1)
        return await self.ledger.runs_of(name)

    async def read_again(self) -> None:
        """Read the ledger on a new connection: the database was away."""
        await self.ledger.reconnect(self.system.place.superuser_dsn)

    async def await_settled(self) -> None:
        """Wait until every arrival's file has been marked."""

        async def are_settled() -> bool:
            return all(each["state"] == "settled" for each in await self.ledger.arrivals())

        await eventually(are_settled, "all files marked", limit_seconds=PATIENCE_SECONDS)

    async def await_quiet(self, limit_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until nothing is left to do, and check what must always be true."""
        await await_quiet(self.ledger, limit_seconds)

    async def rest(self) -> None:
        """No look at its connections any more, so that a system that goes on has none of it."""
        await self.ledger.forget_looks()

    async def await_mails(self, words: str) -> list[str]:
        """Wait for a mail with these words; all mails that have them."""
        await eventually(lambda: any(words in mail for mail in self.mails()), f"a mail that says {words}")
        return [mail for mail in self.mails() if words in mail]

    def mails(self) -> list[str]:
        """All mails that were written, as they are."""
        return [file.read_text(errors="replace") for file in sorted(Path(self.system.mails).glob("**/*.eml"))]


@asynccontextmanager
async def open_shop(
    system: System,
    operator_key: str,
    *,
    hosted: bool = True,
    activates: bool = True,
    properties: Sequence[dict[str, Any]] = PROPERTIES,
) -> AsyncIterator[Shop]:
    """A fresh account, made through the gateway, which is told to host its folders unless it knows no such word."""
    # Idle connections are left before the gateway leaves them, or a request could meet one that has just gone.
    idle = httpx.Limits(keepalive_expiry=2.0)
    async with httpx.AsyncClient(base_url=system.api_url, timeout=20, limits=idle) as client:
        client.headers["Authorization"] = f"Bearer {operator_key}"
        account = (await client.post("/v1/accounts", json={"name": "Tide Shop"})).raise_for_status().json()
        new_key = {
            "name": "tests",
            "account_id": account["id"],
            "scopes": sorted(OWNER_SCOPES),
            "email": "owner@shop.example",
        }
        key = (await client.post("/v1/keys", json=new_key)).raise_for_status().json()
        client.headers["Authorization"] = f"Bearer {key['key']}"
        async with open_ledger(system.place.superuser_dsn, UUID(account["id"])) as ledger:
            shop = Shop(system, client, ledger, UUID(account["id"]))
            if activates:
                active = {"hosted_folders": "active"}
                await shop.ask("PATCH", "/v1/integrations", 200, json=active, headers={"If-Match": "*"})
            for each in properties:
                await shop.ask("POST", "/v1/properties", 201, json=each)
            if hosted:
                await shop.host_a_folder()
            yield shop
