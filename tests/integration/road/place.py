"""A tenant with a hosted folder whose files are put there on disk, and what became of them."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.domain.connection import ConnectionSettings
from shared.domain.goal import Goal, ImportGoal
from shared.domain.place import HostedPlace
from shared.domain.property import Property, PropertyType
from shared.domain.segment import Segment
from shared.runtime.service import Base
from shared.storage import (
    arrivals,
    connections,
    decisions,
    drop_folders,
    goals,
    profiles,
    properties,
    rejects,
    runs,
    segments,
)
from tests.eventually import eventually

PROPERTIES = {
    "email": PropertyType.EMAIL,
    "number": PropertyType.TEXT,
    "name": PropertyType.TEXT,
    "points": PropertyType.INTEGER,
    "balance": PropertyType.NUMBER,
    "member": PropertyType.BOOLEAN,
    "born": PropertyType.DATE,
    "seen": PropertyType.DATETIME,
    "tags": PropertyType.LIST,
}
IDENTIFIERS = ("email", "number")
_OPEN = ("queued", "running")
END_SECONDS = 90.0
"""For a small file and its mark, each, on a machine that has twenty other things to do."""


@dataclass(slots=True)
class Tenant:
    """One account on a running system."""

    base: Base
    account_id: UUID
    connection_id: UUID
    directory: Path
    properties: list[Property] = field(default_factory=list)
    look_seconds: float = 0.02
    """How often the end of a run is looked for."""

    async def save(self, goal: Goal) -> UUID:
        """Save a goal as it is."""
        async with self.base.database.account(self.account_id) as tx:
            return (await goals.create(tx, self.connection_id, goal, email=None)).id

    async def segment(self, condition: dict[str, Any], name: str = "Some") -> UUID:
        """Save a segment."""
        async with self.base.database.account(self.account_id) as tx:
            await segments.begin_saving(tx)
            segment = Segment.model_validate({"name": name, "condition": condition})
            return (await segments.create(tx, segment)).id

    def drop(self, name: str, content: bytes | str) -> Path:
        """Put a file into the folder, complete at once."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name[:100]}.part")
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        partial.rename(path)
        return path

    async def imported(self, name: str, content: bytes | str) -> dict[str, Any]:
        """Drop a file, and wait for the end of its run."""
        known = {run["run_id"] for run in await self.runs()}
        self.drop(name, content)
        return await self.ended(lambda run: run["path"] == name and run["run_id"] not in known)

    async def exported(self, goal_id: UUID) -> dict[str, Any]:
        """Run an export, and wait for its end."""
        async with self.base.database.account(self.account_id) as tx:
            asked = await decisions.run_now(tx, goal_id)
        return await self.ended(lambda run: run["run_id"] == asked.run_id)

    async def ended(self, is_it: Any) -> dict[str, Any]:
        """The newest run for which that holds, once it runs no longer."""
        found: list[dict[str, Any]] = []

        async def has_ended() -> bool:
            found[:] = [run for run in await self.runs() if is_it(run)]
            return bool(found) and found[0]["state"] not in _OPEN

        await eventually(has_ended, "the run to end", limit_seconds=END_SECONDS, every_seconds=self.look_seconds)
        return found[0]

    async def runs(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        async with self.base.database.account(self.account_id) as tx:
            return await runs.page(tx, runs.RunFilter(), 100)

    async def arrivals(self) -> dict[str, dict[str, Any]]:
        """The latest arrival of every path."""
        async with self.base.database.account(self.account_id) as tx:
            found = await arrivals.page(tx, arrivals.ArrivalFilter(), 1000)
        return {row["path"]: row for row in reversed(found)}

    async def settled(self, path: str) -> dict[str, Any]:
        """The arrival of a path, once its file was marked."""
        found: list[dict[str, Any]] = []

        async def is_settled() -> bool:
            found[:] = [row for where, row in (await self.arrivals()).items() if where == path]
            return bool(found) and found[0]["settled_at"] is not None

        await eventually(is_settled, f"{path} to be marked", limit_seconds=END_SECONDS)
        return found[0]

    async def profile(self, email: str) -> dict[str, Any]:
        """The values of a profile by its e-mail address."""
        async with self.base.database.account(self.account_id) as tx:
            found = await profiles.find(tx, self.properties, 1, {"email": email})
        assert found is not None
        return found.values

    async def rejects(self, run: dict[str, Any]) -> list[tuple[int, str, str | None]]:
        """Line, code and field of a run's rejects."""
        async with self.base.database.account(self.account_id) as tx:
            found = await rejects.page(tx, run["run_id"], run["token"], after_record=0, limit=1000)
        return [(each.line_number, each.code.value, each.field) for each in found]

    async def raw_rejects(self, run: dict[str, Any]) -> list[tuple[str, ...]]:
        """The fields of a run's rejects, as they were read."""
        async with self.base.database.account(self.account_id) as tx:
            return [
                each.raw for each in await rejects.page(tx, run["run_id"], run["token"], after_record=0, limit=1000)
            ]


async def make_tenant(base: Base, account_id: UUID) -> Tenant:
    """An account with properties, a hosted folder and a connection that is looked at often."""
    defined = [Property(name=name, type=kind, is_identifier=name in IDENTIFIERS) for name, kind in PROPERTIES.items()]
    async with base.database.account(account_id) as tx:
        for each in defined:
            await properties.define(tx, each)
        folder = await drop_folders.create(tx, "in", 10**9)
        place = HostedPlace(transport="hosted", drop_folder_id=folder.id)
        settings = ConnectionSettings(name="Shop", interval_seconds=10, place=place)
        connection = await connections.create(tx, base.keys, settings, {}, email=None)
    directory = base.places.hosted(account_id, folder.id)
    return Tenant(base, account_id, connection.id, directory, defined)


def goal(**changes: Any) -> ImportGoal:
    """An import of `*.csv` by e-mail address; files are complete when they appear."""
    plain: dict[str, Any] = {
        "name": "Contacts",
        "source": {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "rename"}},
        "identifiers": [{"field": "email", "property": "email"}],
        "mapping": [{"field": "name", "property": "name"}],
        "opt_in": {"declaration": "undefined"},
    }
    return ImportGoal.model_validate({**plain, **changes})


def packed(text: str) -> bytes:
    """As gzip."""
    return gzip.compress(text.encode())
