"""An account that pauses hosted folders: nothing is looked at, due times and runs wait, and all goes on afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.poller.clock import tick
from services.poller.wiring import tools_of
from shared.domain.export_goal import ExportProfiles
from shared.domain.integration import Integration, IntegrationState
from shared.storage import claims, connections, decisions, integrations, run_watch
from tests.integration.road.place import Tenant, goal

DAILY: dict[str, Any] = {
    "kind": "export_profiles",
    "name": "Daily",
    "target": {"directory": "out", "file_name": "all_{requested_at:YYYYMMDDHHmmssSSS}.csv"},
    "columns": [{"property": "email"}],
    "when": [{"cron": "0 5 * * *"}],
}


async def _say(tenant: Tenant, state: IntegrationState) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        await integrations.change(tx, Integration.HOSTED_FOLDERS, state)


async def test_a_paused_integration_rests_and_goes_on(tenant: Tenant, tmp_path: Path) -> None:
    database = tenant.base.database
    await tenant.save(goal())
    export = await tenant.save(ExportProfiles.model_validate(DAILY))
    assert (await tenant.imported("first.csv", "email,name\na@shop.example,Ann\n"))["state"] == "completed"
    await _say(tenant, IntegrationState.PAUSED)
    tenant.drop("second.csv", "email,name\nb@shop.example,Bob\n")
    async with database.account(tenant.account_id) as tx:
        await connections.look_now(tx, tenant.connection_id)
        asked = await decisions.run_now(tx, export)
    async with database.watching() as watch:
        assert await connections.due(watch, 10) == []
        assert await run_watch.unheard(watch, 0) == []
    assert await claims.claim(database, "export", "nobody", 30) is None
    late = replace(tools_of(tenant.base, tmp_path), now=lambda: datetime.now(UTC) + timedelta(days=2))
    await tick(late)
    waiting = {run["run_id"]: run["state"] for run in await tenant.runs() if run["kind"] == "export"}
    assert waiting == {asked.run_id: "queued"}
    await _say(tenant, IntegrationState.ACTIVE)
    await tenant.ended(lambda run: run["path"] == "second.csv")
    await tenant.ended(lambda run: run["run_id"] == asked.run_id)
    await tick(late)
    assert len([run for run in await tenant.runs() if run["kind"] == "export"]) == 2
