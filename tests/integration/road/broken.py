"""Exports of changes to a partner's server by way of a proxy, broken off and tried again; and what must be true of it.

Nothing under a final name is ever half a file, a done file stands for a whole set, nothing is remembered of what was
not delivered, and the same run, tried again, brings everything and leaves nothing else behind.
"""

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.exporter.wiring import running as exporting
from shared.domain.connection import ConnectionSettings
from shared.domain.export_goal import ExportProfiles
from shared.domain.place import SftpPlace
from shared.runtime.service import Base, relaying
from shared.storage import connections, decisions
from shared.transfer.folder import Deadlines
from tests.integration.road.place import Tenant, make_tenant
from tests.real.openssh import PrivateOpenSSH
from tests.real.proxy import Action, Fault, TcpProxy, proxy_to

PEOPLE = 300
CHANGED, LEAVING = range(200), range(200, 220)
NOTE = "x" * 1_500
"""So that the main file is two requests of writing."""
NAMES = ("all.csv", "all_left.csv")

_FILL = (
    "INSERT INTO {schema}.profiles (domain_group, p_email, k_email, p_name, p_points) "
    "SELECT 1, n || '@b.example', n || '@b.example', $2, 1 FROM generate_series(0, $1::int - 1) n"
)
_CHANGE = (
    "UPDATE {schema}.profiles SET p_points = $1, changed_xid = pg_current_xact_id() "
    "WHERE split_part(p_email, '@', 1)::int = ANY ($2::int[])"
)


@dataclass(slots=True)
class Partner:
    """An account whose changes go to a partner's server by way of a proxy."""

    tenant: Tenant
    proxy: TcpProxy
    disk: Path
    """Where the files lie there."""
    goal_id: UUID
    rounds: int = 1
    """How often people have changed; in every second round some have left, in the others they are back."""

    async def change(self) -> None:
        """Most people change, and some leave or come back."""
        self.rounds += 1
        await self.execute(_CHANGE, self.rounds, list(CHANGED))
        await self.execute(_CHANGE, -1 if self.rounds % 2 else 1, list(LEAVING))

    async def retried(self, run: dict[str, Any]) -> dict[str, Any]:
        """What comes of a failed run that is retried."""
        async with self.tenant.base.database.account(self.tenant.account_id) as tx:
            await decisions.retry(tx, run["run_id"])
        return await self.tenant.ended(lambda each: each["run_id"] == run["run_id"])

    async def remembered(self) -> list[list[tuple[Any, ...]]]:
        """The goal's mark, and whom it told of."""
        async with self.tenant.base.database.account(self.tenant.account_id, read_only=True) as tx:
            return [
                [tuple(row) for row in await tx.connection.fetch(f"SELECT * FROM {tx.schema}.{table} ORDER BY 1, 2, 3")]
                for table in ("export_marks", "export_sets")
            ]

    def lying(self) -> dict[str, bytes]:
        """What lies there, also what is hidden."""
        return {file.name: file.read_bytes() for file in sorted(self.disk.iterdir())}

    def check_whole(self) -> None:
        """What must lie there, and nothing else, when the changes of this round have been told."""
        found = self.lying()
        checksums = {f"{name}.sha256" for name in NAMES}
        assert set(found) == {*NAMES, *checksums, "all.csv.done"}
        for name in NAMES:
            assert found[f"{name}.sha256"].decode() == f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n"
        gone = self.rounds % 2
        changed = [(n, self.rounds) for n in CHANGED] + ([] if gone else [(n, 1) for n in LEAVING])
        assert _rows(found["all.csv"]) == {(f"{n}@b.example", str(points)) for n, points in changed}
        assert _rows(found["all_left.csv"]) == {(f"{n}@b.example", "-1") for n in LEAVING if gone}

    async def execute(self, text: str, *values: Any) -> None:
        """A statement of the account's."""
        async with self.tenant.base.database.account(self.tenant.account_id) as tx:
            await tx.connection.execute(text.replace("{schema}", tx.schema), *values)


def _rows(content: bytes) -> set[tuple[str, str]]:
    return {(row["email"], row["points"]) for row in csv.DictReader(io.StringIO(content.decode(), newline=""))}


@asynccontextmanager
async def partner_on(
    base: Base, account: UUID, server: PrivateOpenSSH, disk: Path, deadlines: Deadlines | None = None
) -> AsyncIterator[Partner]:
    """One whose first export has been delivered; a run that fails is not tried again by itself."""
    places = replace(base.places, reach=replace(base.places.reach, deadlines=deadlines or Deadlines()))
    base = replace(base, settings=base.settings.model_copy(update={"retry_attempts": 1}), places=places)
    with proxy_to(server.port) as proxy:
        tenant = await make_tenant(base, account)
        place = SftpPlace(
            transport="sftp",
            host=server.host,
            port=proxy.port,
            username=server.username,
            home_directory=str(disk),
            host_keys=tuple(server.host_keys()),
        )
        settings = ConnectionSettings(name="Partner", place=place)
        secrets = {"private_key": server.client_key.read_text()}
        async with base.database.account(account) as tx:
            tenant.connection_id = (await connections.create(tx, base.keys, settings, secrets, email=None)).id
        segment = await tenant.segment({"property": "points", "at_least": 0})
        partner = Partner(tenant, proxy, disk, await tenant.save(_goal(segment)))
        await partner.execute(_FILL, PEOPLE, NOTE)
        stopping = asyncio.Event()
        async with relaying(base), exporting(base, stopping):
            assert (await tenant.exported(partner.goal_id))["state"] == "completed"
            yield partner
            stopping.set()


def _goal(segment: UUID) -> ExportProfiles:
    return ExportProfiles.model_validate(
        {
            "kind": "export_profiles",
            "name": "Changes",
            "segment": str(segment),
            "target": {"file_name": "all.csv"},
            "columns": [{"property": "email"}, {"property": "points"}, {"property": "name"}],
            "changed_only": True,
            "leavers": True,
            "checksum": True,
            "done_file": {},
        }
    )


async def breaks(partner: Partner, fault: Callable[[], object], heal: Callable[[], object], *codes: str) -> bool:
    """Export changes under a fault and see to it that nothing is half; then without it. Whether the fault was felt."""
    before, known = partner.lying(), await partner.remembered()
    await partner.change()
    fault()
    run = await partner.tenant.exported(partner.goal_id)
    seen = {name: content for name, content in partner.lying().items() if not name.startswith(".")}
    heal()
    is_felt = run["state"] != "completed"
    if is_felt:
        assert run["receipt"]["reason"]["code"] in codes, run["receipt"]
        assert await partner.remembered() == known
        assert (await partner.retried(run))["state"] == "completed"
    partner.check_whole()
    after = partner.lying()
    for name, content in seen.items():
        assert content in (before[name], after[name]), f"{name} is half"
    if "all.csv.done" in seen:
        assert seen in (before, after), "what a done file stands for is whole"
    return is_felt


async def goes_on(partner: Partner) -> None:
    """Nothing comes again without cause."""
    run = await partner.tenant.exported(partner.goal_id)
    assert (run["state"], run["receipt"]["rows_exported"]) == ("completed", 0)


async def cut_at(partner: Partner, places: Iterable[tuple[int, Action]]) -> None:
    """Export again and again, each time cut at another byte of what is sent; negative ones are counted from the end."""
    await partner.change()
    sent = partner.proxy.bytes_to_server
    assert (await partner.tenant.exported(partner.goal_id))["state"] == "completed"
    size = partner.proxy.bytes_to_server - sent
    for at, action in places:
        fault = Fault((), action, after_bytes=at if at > 0 else size + at)
        await breaks(partner, partial(partner.proxy.arm, fault), _nothing, "connection_lost")
        assert fault.struck.is_set()


def _nothing() -> None:
    """A cut heals by itself: it strikes one connection."""


def home_on(server: PrivateOpenSSH) -> Path:
    """A directory of a test's own."""
    name = f"broken-{uuid4().hex[:8]}"
    server.put(f"{name}/first", b"").unlink()
    return server.drop / name
