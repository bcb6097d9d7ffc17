"""Partners that hang: as many of them as there are places keep neither the files nor the exports of others waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.connection import ConnectionSettings
from shared.domain.export_goal import ExportProfiles
from shared.domain.goal import Goal
from shared.domain.place import SftpPlace
from shared.runtime.service import Base
from shared.storage import arrivals, connections, decisions, goals, runs
from shared.transfer.folder import Deadlines
from tests.eventually import eventually
from tests.integration.road.conftest import system, watched
from tests.integration.road.place import Tenant, goal, make_tenant
from tests.integration.road.watched import tenant_on
from tests.real.openssh import PrivateOpenSSH


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """The port of a server that accepts everybody and never says a word, until it dies."""
    met: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: met.append(writer), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in met:
            each.transport.abort()


def _patient(base: Base) -> Base:
    """Waits for a server that hangs for longer than any machine takes for the rest."""
    reach = replace(base.places.reach, deadlines=Deadlines(login_seconds=300))
    return replace(base, places=replace(base.places, reach=reach))


async def _goal_at(tenant: Tenant, port: int, wanted: Goal) -> tuple[UUID, UUID]:
    """A goal on a connection of its own to a server at that port: (connection, goal)."""
    place = SftpPlace(transport="sftp", host="127.0.0.1", port=port, username=f"u{port}", trust_on_first_use=True)
    # Nobody is to look there: the run alone meets the server.
    settings = ConnectionSettings(name=f"Partner {port}", interval_seconds=86_400, place=place)
    async with tenant.base.database.account(tenant.account_id) as tx:
        made = await connections.create(tx, tenant.base.keys, settings, {"password": "p"}, email=None)
        return made.id, (await goals.create(tx, made.id, wanted, email=None)).id


async def _arrive(tenant: Tenant, connection_id: UUID, goal_id: UUID) -> None:
    file = FileStamp("hangs.csv", 10, datetime.now(UTC))
    async with tenant.base.database.account(tenant.account_id) as tx:
        seen = arrivals.Sighting(file, arrivals.Explained(ArrivalState.ACCEPTED))
        [arrival_id] = await arrivals.insert(tx, connection_id, [seen])
        await runs.create(tx, runs.NewRun("import", goal_id, file.modified_at, file.path, arrival_id=arrival_id))


async def _are_running(tenant: Tenant, goal_ids: list[UUID]) -> bool:
    states = [run["state"] for run in await tenant.runs() if run["goal_id"] in goal_ids]
    return states == ["running"] * len(goal_ids)


async def test_files_are_imported_beside_as_many_partners_that_hang_as_there_are_places(
    base: Base, account: UUID, openssh_server: PrivateOpenSSH
) -> None:
    base = _patient(base)
    afar = await tenant_on(base, account, openssh_server)
    await afar.save(goal())
    async with watched(base, afar), silent() as one, silent() as other:
        hanging = [await _goal_at(afar, port, goal()) for port in (one, other)]
        assert len(hanging) == afar.base.settings.workers
        for each in hanging:
            await _arrive(afar, *each)
        goal_ids = [goal_id for _, goal_id in hanging]
        await eventually(lambda: _are_running(afar, goal_ids), "the runs to meet the servers")
        run = await afar.imported("well.csv", "email,name\nann@example.com,Ann\n")
        assert run["state"] == "completed", run["receipt"]
        assert await _are_running(afar, goal_ids), "they ended before it, and were in nobody's way"
        assert b'tidegate_runs_in_hand{kind="import",where="at_partner"} 2.0' in afar.base.metrics.text()


async def test_exports_go_on_beside_more_partners_that_hang_than_may_last(base: Base, account: UUID) -> None:
    base = _patient(base)
    tenant = await make_tenant(base, account)
    plain = {"kind": "export_profiles", "columns": [{"property": "email"}]}
    wanted = [
        ExportProfiles.model_validate({**plain, "name": name, "target": {"directory": "out", "file_name": "x.csv"}})
        for name in ("hangs", "quick")
    ]
    quick = await tenant.save(wanted[1])
    async with system(base), silent() as port:
        # In places, and besides as many that have lasted; and one more.
        hanging = [(await _goal_at(tenant, port, wanted[0]))[1] for _ in range(2 * tenant.base.settings.workers + 1)]
        async with tenant.base.database.account(tenant.account_id) as tx:
            for each in hanging:
                await decisions.run_now(tx, each)
        await eventually(lambda: _are_running(tenant, hanging), "all of them to be in hand")
        run = await tenant.exported(quick)
        assert run["state"] == "completed", run["receipt"]
        assert await _are_running(tenant, hanging), "they ended before it, and were in nobody's way"
