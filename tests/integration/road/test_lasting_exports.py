"""Exports that last: as many as there are places for do not keep the others waiting."""

import asyncio
from typing import Any

from shared.domain.export_goal import ExportProfiles
from shared.storage import decisions
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal


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
