"""Exports that last: as many as there are places for do not keep the others waiting."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from shared.domain.export_goal import ExportProfiles
from shared.runtime.service import Base
from shared.storage import decisions, exchanges
from shared.storage.database import Database, DatabaseAddress
from tests.eventually import eventually
from tests.integration.road.conftest import system
from tests.integration.road.place import Tenant, goal
from tests.integration.road.watched import tenant_on
from tests.real.openssh import PrivateOpenSSH


def _export(name: str, **changes: Any) -> ExportProfiles:
    plain: dict[str, Any] = {
        "kind": "export_profiles",
        "name": name,
        "target": {"directory": "out", "file_name": f"{name}.csv"},
        "columns": [{"property": "email"}],
    }
    return ExportProfiles.model_validate({**plain, **changes})


async def test_an_export_goes_on_beside_as_many_that_last_as_there_are_places(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.imported("in.csv", "email,name\nann@example.com,Ann\n")
    slow = [
        await tenant.save(_export(f"slow{number}", columns=[{"property": "email"}, {"lists": "all"}]))
        for number in range(tenant.base.settings.workers)
    ]
    quick = await tenant.save(_export("quick"))
    database = tenant.base.database

    async def running() -> bool:
        return [run["state"] for run in await tenant.runs() if run["goal_id"] in slow] == ["running"] * len(slow)

    async with database.account(tenant.account_id) as tx:
        # Who shows lists waits here.
        await tx.connection.execute(f"LOCK TABLE {tx.schema}.list_members IN ACCESS EXCLUSIVE MODE")
        async with database.account(tenant.account_id) as other:
            for each in slow:
                await decisions.run_now(other, each)
        await eventually(running, "all that last to be in hand")
        async with asyncio.timeout(20):
            run = await tenant.exported(quick)
        assert (run["state"], run["receipt"]["rows_exported"]) == ("completed", 1)
        assert await running(), "they ended before it, and were in nobody's way"
    for each in slow:
        ended = await tenant.ended(lambda run, each=each: run["goal_id"] == each)
        assert ended["state"] == "completed", ended["receipt"]


async def test_exports_that_end_leave_connections_to_those_that_begin(
    base: Base,
    account: UUID,
    database_address: DatabaseAddress,
    openssh_server: PrivateOpenSSH,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many have delivered at the same time: else one of them would find none, and deliver once more."""
    may_end, add = asyncio.Event(), exchanges.add

    async def held_add(*told: Any) -> None:
        await may_end.wait()
        await add(*told)

    monkeypatch.setattr(exchanges, "add", held_add)
    async with Database.open(database_address, connections=4) as database:
        narrow = replace(base, database=database)
        afar = await tenant_on(narrow, account, openssh_server)
        names = [f"end{number}" for number in range(4)]
        goal_ids = [await afar.save(_export(name)) for name in (*names, "last")]

        def are_there(wanted: list[str]) -> bool:
            return all((afar.directory / "out" / f"{name}.csv").exists() for name in wanted)

        async with system(narrow):
            for part, there in ((goal_ids[:4], names), (goal_ids[4:], ["last"])):
                async with database.account(account) as tx:
                    for each in part:
                        await decisions.run_now(tx, each)
                await eventually(lambda there=there: are_there(there), f"{there} to be delivered")
            may_end.set()
            for each in goal_ids:
                run = await afar.ended(lambda run, each=each: run["goal_id"] == each)
                assert (run["state"], run["attempt"]) == ("completed", 1)
