"""Goals that run by themselves: at their times, after an import, when responses have ceased."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.poller.clock import tick
from services.poller.tools import Tools
from services.poller.wiring import tools_of
from shared.domain.export_goal import ExportProfiles
from shared.storage import dues, goals
from shared.storage.database import Tx
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(hour=5, minute=0, second=0, microsecond=0)
FIVE = {"cron": "0 5 * * *"}


def _export(**changes: Any) -> ExportProfiles:
    plain: dict[str, Any] = {
        "kind": "export_profiles",
        "name": "Daily",
        "target": {"directory": "out", "file_name": "all_{requested_at:YYYYMMDDHHmmssSSS}.csv"},
        "columns": [{"property": "email"}],
    }
    return ExportProfiles.model_validate({**plain, **changes})


def _at(tenant: Tenant, moment: datetime, directory: Path) -> Tools:
    return replace(tools_of(tenant.base, directory), now=lambda: moment)


async def _runs(tenant: Tenant, kind: str = "export") -> list[dict[str, Any]]:
    return [run for run in await tenant.runs() if run["kind"] == kind]


async def test_a_time_makes_one_run_and_times_that_nobody_saw_make_one_together(tenant: Tenant, tmp_path: Path) -> None:
    # Whatever the day's clock shows, the first 05:00 is passed once two of them have.
    goal_id = await tenant.save(_export(when=[FIVE]))
    await tick(_at(tenant, datetime.now(UTC), tmp_path))
    assert await _runs(tenant) == []

    late = _at(tenant, TOMORROW + timedelta(days=3, minutes=1), tmp_path)
    await asyncio.gather(tick(late), tick(late))
    await tick(late)
    run = await tenant.ended(lambda run: run["goal_id"] == goal_id)
    assert (run["state"], len(await _runs(tenant))) == ("completed", 1)

    await tick(_at(tenant, TOMORROW + timedelta(days=4), tmp_path))
    assert len(await _runs(tenant)) == 2


async def test_what_is_switched_off_is_not_due_and_what_is_saved_anew_goes_by_its_new_times(
    tenant: Tenant, tmp_path: Path
) -> None:
    much_later = _at(tenant, TOMORROW + timedelta(days=3), tmp_path)
    goal_id = await tenant.save(_export(when=[FIVE]))
    async with tenant.base.database.account(tenant.account_id) as tx:
        await goals.update(tx, goal_id, _export(when=[FIVE], active=False))
    await tick(much_later)
    assert await _runs(tenant) == []

    async with tenant.base.database.account(tenant.account_id) as tx:
        await goals.update(tx, goal_id, _export(when=[{"cron": "0 5 1 1 *"}]))
    await tick(_at(tenant, datetime.now(UTC) + timedelta(minutes=1), tmp_path))
    assert await _runs(tenant) == []

    async with tenant.base.database.account(tenant.account_id) as tx:
        await goals.update(tx, goal_id, _export(when=[FIVE]))
        await goals.delete(tx, goal_id)
    await tick(much_later)
    assert await _runs(tenant) == []


async def test_a_time_that_is_due_when_its_goal_is_saved_still_makes_its_run(tenant: Tenant, tmp_path: Path) -> None:
    """The poller may have been down, or have had much else to do."""
    goal_id = await tenant.save(_export(when=[FIVE]))
    passed = datetime.now(UTC) - timedelta(minutes=10)
    yearly = {"cron": "0 5 1 1 *"}

    async def saved(**changes: Any) -> datetime | None:
        async with tenant.base.database.account(tenant.account_id) as tx:
            await goals.update(tx, goal_id, _export(**changes))
            return (await dues.next_of(tx, [goal_id])).get(goal_id)

    async def let_pass(cause: str) -> None:
        async with tenant.base.database.account(tenant.account_id) as tx:
            await tx.execute("dues.set", tenant.account_id, goal_id, cause, passed)

    await let_pass("times:0")
    assert await saved(name="Nightly", when=[yearly, FIVE]) == passed
    now = _at(tenant, datetime.now(UTC), tmp_path)
    await tick(now)
    await tick(now)
    run = await tenant.ended(lambda run: run["goal_id"] == goal_id)
    assert (run["state"], len(await _runs(tenant))) == ("completed", 1)

    # A time that the goal no longer has is not made up for, nor what passed before it was switched off.
    await let_pass("times:1")
    due_at = await saved(when=[yearly])
    assert due_at is not None
    assert due_at > passed
    await let_pass("times:0")
    assert await saved(when=[yearly], active=False) is None
    assert await saved(when=[yearly]) == due_at
    await tick(now)
    assert len(await _runs(tenant)) == 1


async def test_an_export_follows_each_completed_import_and_no_other_end(tenant: Tenant) -> None:
    imports = await tenant.save(goal(mapping=[{"field": "points", "property": "points"}]))
    await tenant.save(_export(when=[{"after_goal": str(imports)}]))
    await tenant.imported("good.csv", "email,points\nann@example.com,1\n")
    run = await tenant.ended(lambda run: run["kind"] == "export")
    assert (run["state"], run["receipt"]["rows_exported"]) == ("completed", 1)

    failed = await tenant.imported("bad.csv", "no such header\n")
    assert failed["state"] == "failed"
    assert len(await _runs(tenant)) == 1


async def test_an_export_waits_until_a_messages_responses_have_ceased(tenant: Tenant, tmp_path: Path) -> None:
    await tenant.save(_export(when=[{"after_responses": {"minutes": 30}}]))
    began = datetime.now(UTC)

    async def respond(after_minutes: int) -> None:
        async with tenant.base.database.account(tenant.account_id) as tx:
            await dues.responded(tx, [7], began + timedelta(minutes=after_minutes))

    await respond(0)
    await respond(20)
    await tick(_at(tenant, began + timedelta(minutes=49), tmp_path))
    assert await _runs(tenant) == []
    await tick(_at(tenant, began + timedelta(minutes=51), tmp_path))
    await tick(_at(tenant, began + timedelta(minutes=52), tmp_path))
    assert len(await _runs(tenant)) == 1


async def test_a_run_that_waits_already_is_enough(tenant: Tenant, tmp_path: Path) -> None:
    """The one in the queue begins after whatever asks for another, and sees all of it."""
    goal_id = await tenant.save(_export(when=[FIVE]))
    database = tenant.base.database
    asked: list[Any] = []

    async def ask(tx: Tx, moment: datetime) -> None:
        asked.append(await dues.begin(tx, goal_id, _export(when=[FIVE]), moment, is_on=True))

    async with database.account(tenant.account_id) as tx:
        await ask(tx, TOMORROW + timedelta(days=1, minutes=1))
        await ask(tx, TOMORROW + timedelta(days=2, minutes=1))
    assert [each is not None for each in asked] == [True, False]
    await eventually(lambda: _all_ended(tenant), "the run to end")
    async with database.account(tenant.account_id) as tx:
        await ask(tx, TOMORROW + timedelta(days=3, minutes=1))
    assert asked[-1] is not None


async def _all_ended(tenant: Tenant) -> bool:
    return all(run["state"] == "completed" for run in await _runs(tenant))
