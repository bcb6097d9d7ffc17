"""Import many small files at once, each as its own dialect says, and tell what the gateway shows of them afterwards.

Every file has a goal and a domain group of its own, so that its rows meet no other file's. No corpus has an
identifier; the first column does as one that has another value in each row. A row without a value there is rejected
with all its fields, and so is read back as well: nothing that was read is out of sight.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.domain.identifier import key_of
from shared.domain.property import PropertyType
from shared.domain.receipt import Receipt
from shared.domain.trimmed import TRIMMED
from shared.storage import connections, domain_groups
from tests.eventually import eventually
from tests.integration.api.asking import Client
from tests.integration.road.place import Tenant

Row = tuple[str, ...]

LIMIT_SECONDS = 500.0
"""For all files of a corpus, on a machine that does other things besides."""


@dataclass(frozen=True, slots=True)
class Case:
    """One file and what a right reader makes of it."""

    name: str
    content: bytes
    expected: tuple[Row, ...]
    """Rows behind the header; a blank line is none."""
    dialect: dict[str, Any] = field(default_factory=dict)
    width: int | None = None
    """How many columns there are, where the first expected row does not tell."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    state: str
    """The run's, or `refused` where the goal was."""
    code: str | None
    """Why it failed or was refused."""
    rows: frozenset[Row] = frozenset()
    """Every row that was read, with nothing for a value of white space alone."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Rejected rows by code; of these, those without an identifier were read."""


class Importing:
    """An account on a running system."""

    def __init__(self, tenant: Tenant, gateway: Client) -> None:
        self._tenant = tenant
        self.gateway = gateway

    async def outcomes(self, cases: Sequence[Case]) -> dict[str, Outcome]:
        """Import all these files and read everything back; by the case's name."""
        width = max(_identifier(case)[1] for case in cases)
        await self.define("key", is_identifier=True)
        for place in range(width):
            await self.define(f"c{place}")
        found: dict[str, Outcome] = {}
        for case in cases:
            refused = await self._save(case)
            if refused is not None:
                found[case.name] = refused
        waiting = [case for case in cases if case.name not in found]
        runs = await self.runs({case.name: case.content for case in waiting})
        for case in waiting:
            found[case.name] = await self._read_back(case, runs[case.name])
        return found

    async def runs(self, files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        """Put files into the folder and wait for the end of a run for each; the runs by the file's name."""
        before = len(await self.all("/v1/runs"))
        for name, content in files.items():
            self._tenant.drop(name, content)
        await self.look()
        return await self._ended(before + len(files))

    async def look(self) -> None:
        """Have the folder looked at."""
        async with self._tenant.base.database.account(self._tenant.account_id) as tx:
            await connections.look_now(tx, self._tenant.connection_id)

    async def save(self, name: str, **more: Any) -> httpx.Response:
        """Ask the gateway for a goal that takes the files of that name, and leaves them where they are."""
        source = {
            "pattern": {"wildcard": name},
            "readiness": {"strategy": "rename"},
            "afterwards": {"done": {"leave": True}, "failed": {"leave": True}},
        }
        body = {"kind": "import_profiles", "name": name, "source": source, "opt_in": {"declaration": "undefined"}}
        return await self.gateway.post(f"/v1/connections/{self._tenant.connection_id}/goals", json=body | more)

    async def define_group(self, name: str) -> None:
        """Make a domain group, so that a file's profiles meet no other file's."""
        async with self._tenant.base.database.account(self._tenant.account_id) as tx:
            await domain_groups.create(tx, name)

    async def define(self, name: str, kind: str = "text", *, is_identifier: bool = False) -> None:
        """Define a property."""
        body = {"name": name, "type": kind, "identifier": is_identifier}
        await self.gateway.ask("POST", "/v1/properties", 201, json=body)

    async def all(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self.gateway.ask("GET", path, 200, params={"limit": "1000", **parameters, **more})
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    async def _save(self, case: Case) -> Outcome | None:
        await self.define_group(case.name)
        key, width = _identifier(case)
        answer = await self.save(
            case.name,
            dialect={"header": False, **case.dialect},
            domain_group=case.name,
            identifiers=[{"position": key, "property": "key"}],
            mapping=[{"position": n, "property": f"c{n}"} for n in range(width)],
        )
        if answer.status_code == 201:
            return None
        assert answer.status_code == 422, answer.text
        return Outcome("refused", answer.json()["code"])

    async def _ended(self, count: int) -> dict[str, dict[str, Any]]:
        found: list[dict[str, Any]] = []

        async def have_ended() -> bool:
            # Asked often, and beside all that work: what is still to be done first, which is a short answer.
            for state in ("queued", "running"):
                page = await self.gateway.ask("GET", "/v1/runs", 200, params={"state": state, "limit": "1"})
                if page["items"]:
                    return False
            found[:] = await self.all("/v1/runs")
            return len(found) == count and all(run["finished_at"] for run in found)

        await eventually(have_ended, f"{count} runs to end", limit_seconds=LIMIT_SECONDS)
        return {run["path"]: run for run in found}

    async def _read_back(self, case: Case, run: dict[str, Any]) -> Outcome:
        profiles = await self.all("/v1/profiles", domain_group=case.name)
        rejects = await self.all(f"/v1/runs/{run['id']}/rejects")
        code = run["reason"]["code"] if run["reason"] else None
        if run["state"] == "failed":
            assert not profiles, f"{case.name} failed and wrote profiles"
            return Outcome("failed", code)
        _, width = _identifier(case)
        rows = {_shown([each["properties"][f"c{n}"] or "" for n in range(width)]) for each in profiles}
        rows |= {_shown(each["raw"]) for each in rejects if each["code"] == "no_identifier"}
        by_code = Counter(each["code"] for each in rejects)
        receipt = Receipt.model_validate(run["receipt"])
        assert receipt.rejected == len(rejects), case.name
        return Outcome(run["state"], code, frozenset(rows), dict(by_code))


def shown(rows: Sequence[Row]) -> frozenset[Row]:
    """Expected rows in the form of `Outcome.rows`."""
    return frozenset(_shown(row) for row in rows)


def _shown(row: Sequence[str]) -> Row:
    """A value of white space alone is none: a profile has nothing there."""
    return tuple(value if value.strip(TRIMMED) else "" for value in row)


def _identifier(case: Case) -> tuple[int, int]:
    """The column that names the profiles, and how many columns there are."""
    rows = case.expected
    width = case.width or (len(rows[0]) if rows else 1)
    for place in range(width):
        keys = [key_of(row[place], PropertyType.TEXT) for row in rows if len(row) == width]
        if all(keys) and len(set(keys)) == len(keys):
            return place, width
    return 0, width
