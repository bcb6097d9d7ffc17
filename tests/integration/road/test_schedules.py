"""Goals that run by themselves: at their times, after an import, when responses have ceased."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from services.poller.clock import tick
from services.poller.look import look
from services.poller.tools import Tools
from services.poller.wiring import tools_of
from shared.domain.blackout import Blackout
from shared.domain.connection import ConnectionSettings
from shared.domain.export_goal import ExportProfiles
from shared.domain.schedule import Cron
from shared.storage import connections, dues, goals, turns
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
        asked.append(
            await dues.begin(tx, goal_id, _export(when=[FIVE]), moment, is_on=True, connection_id=tenant.connection_id)
        )

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


async def test_files_wait_for_their_goals_time_and_are_then_taken_in_order(tenant: Tenant, tmp_path: Path) -> None:
    goal_id = await tenant.save(goal(when=[FIVE]))
    for name, minute in (("b.csv", 1), ("a.csv", 1), ("c.csv", 0)):
        path = tenant.drop(name, f"email,name\n{name[0]}@example.com,{name}\n")
        written_at = (TOMORROW - timedelta(days=2, minutes=-minute)).timestamp()
        os.utime(path, (written_at, written_at))

    async def wait(*names: str) -> bool:
        found = await tenant.arrivals()
        return all(name in found and found[name]["reason_code"] == "scheduled" for name in names)

    await eventually(lambda: wait("a.csv", "b.csv", "c.csv"), "files to wait", limit_seconds=30)
    due_at = await _due_at(tenant, goal_id)
    assert f"next at {due_at:%Y-%m-%dT%H:%M:%SZ}" in (await tenant.arrivals())["a.csv"]["reason_detail"]
    assert await tenant.runs() == []

    # Two times passed while nobody looked: one turn takes all three, and what comes after it waits anew.
    late = _at(tenant, TOMORROW + timedelta(days=2), tmp_path)
    await asyncio.gather(tick(late), tick(late))
    await tenant.settled("b.csv")
    await tenant.settled("c.csv")
    began = sorted(await _runs(tenant, "import"), key=lambda run: run["started_at"])
    assert [run["path"] for run in began] == ["c.csv", "a.csv", "b.csv"]
    tenant.drop("late.csv", "email,name\nd@example.com,Dan\n")
    await eventually(lambda: wait("late.csv"), "a later file to wait", limit_seconds=30)


async def test_goals_of_a_connection_are_carried_out_one_after_another_at_its_times(
    tenant: Tenant, tmp_path: Path
) -> None:
    # Nothing is a directory there: this goal's turn passes, and keeps no other waiting.
    tenant.drop("taken", "no directory")
    await tenant.save(goal(name="Barred", position=0, source={"directory": "taken", "pattern": {"wildcard": "*"}}))
    first = await tenant.save(goal(name="First", position=1))
    second = await tenant.save(_export(name="Second", position=2))
    third = await tenant.save(
        goal(name="Third", position=3, source={"directory": "more", "pattern": {"wildcard": "*"}})
    )
    async with tenant.base.database.account(tenant.account_id) as tx:
        stored = await connections.get(tx, tenant.connection_id)
        timed = stored.settings.model_copy(update={"when": (Cron(cron="0 5 * * *"),)})
        await connections.update(tx, tenant.base.keys, tenant.connection_id, timed, {})
    assert await _due_at(tenant, third) == await _due_at(tenant, first)
    tenant.drop("a.csv", "email,name\nann@example.com,Ann\n")
    tenant.drop("more/b.csv", "email,name\nbob@example.com,Bob\n")
    os.utime(tenant.directory / "more/b.csv", (TOMORROW.timestamp() - 9e5, TOMORROW.timestamp() - 9e5))

    async def waits() -> bool:
        found = await tenant.arrivals()
        return "a.csv" in found and found["a.csv"]["reason_code"] == "scheduled"

    await eventually(waits, "the file to wait", limit_seconds=30)
    late = _at(tenant, TOMORROW + timedelta(days=2), tmp_path)

    async def is_over() -> bool:
        async with tenant.base.database.account(tenant.account_id) as tx:
            return await turns.of_connection(tx, tenant.connection_id) == []

    async def has_begun() -> bool:
        # A connection that a look has in hand is left to the next tick.
        await tick(late)
        return not await is_over()

    await eventually(has_begun, "the round to begin", limit_seconds=30)
    await eventually(is_over, "the round to end", limit_seconds=60)
    ended = sorted(await tenant.runs(), key=lambda run: run["started_at"])
    assert [run["goal_id"] for run in ended][:2] == [first, second]
    assert all(before["finished_at"] <= run["started_at"] for before, run in pairwise(ended))


async def test_what_comes_or_is_due_in_a_blackout_waits_until_it_has_ended(tenant: Tenant, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    begin, end = (f"{now + timedelta(minutes=minutes):%H:%M}" for minutes in (-2, 90))
    window = Blackout.model_validate({"from": begin, "to": end})
    goal_id = await tenant.save(goal(blackouts=[window]))
    hourly = await tenant.save(_export(when=[{"cron": "* * * * *"}], blackouts=[window]))
    tenant.drop("a.csv", "email,name\nann@example.com,Ann\n")

    async def waits() -> bool:
        found = await tenant.arrivals()
        return "a.csv" in found and found["a.csv"]["reason_code"] == "blackout"

    await eventually(waits, "the file to wait", limit_seconds=30)
    assert f"T{end}:00Z" in (await tenant.arrivals())["a.csv"]["reason_detail"]
    await tick(_at(tenant, now + timedelta(minutes=3), tmp_path))
    due_at = await _due_at(tenant, hourly)
    assert due_at is not None
    assert f"{due_at:%H:%M}" == end
    assert await tenant.runs() == []
    async with tenant.base.database.account(tenant.account_id) as tx:
        await goals.update(tx, goal_id, goal())
        await connections.look_now(tx, tenant.connection_id)
    assert (await tenant.ended(lambda run: run["goal_id"] == goal_id))["state"] == "completed"
    # At the end of the window the export has one run, however many times passed.
    await tick(_at(tenant, due_at, tmp_path))
    assert len(await _runs(tenant)) == 1


async def test_a_partners_server_is_left_alone_in_a_blackout(tenant: Tenant, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    begin, end = (f"{now + timedelta(minutes=minutes):%H:%M}" for minutes in (-2, 90))
    place = {"transport": "sftp", "host": "127.0.0.1", "port": 1, "username": "shop"}
    said = {"name": "Closed", "place": place, "blackouts": [{"from": begin, "to": end}], "active": False}
    async with tenant.base.database.account(tenant.account_id) as tx:
        made = await connections.create(
            tx, tenant.base.keys, ConnectionSettings.model_validate(said), {"password": "x"}, email=None
        )
    assert await look(_at(tenant, now, tmp_path), tenant.account_id, made.id) is False
    async with tenant.base.database.account(tenant.account_id) as tx:
        waiting = await connections.get(tx, made.id)
    assert (waiting.looked_at, waiting.failures_in_a_row) == (None, 0)
    assert f"{waiting.next_look_at:%H:%M}" == end


async def _due_at(tenant: Tenant, goal_id: UUID) -> datetime | None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        return (await dues.next_of(tx, [goal_id])).get(goal_id)
