"""Files that do not come as goals expect them: told once each and counted, mostly by a clock that the test sets."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.poller.clock import judge_due
from services.poller.wiring import tools_of
from shared.domain.blackout import Blackout
from shared.domain.expectation import Expectation
from shared.domain.integration import Integration, IntegrationState
from shared.domain.place import HostedPlace
from shared.domain.timetable import Timetable
from shared.runtime.expecting import came_lately
from shared.runtime.service import Base
from shared.storage import connections, drop_folders, expectations, goals, integrations, notifications
from tests.eventually import eventually
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal, make_tenant

SOON = timedelta(minutes=1)
FINDINGS = ("missing", "late", "small", "large", "unexpected")


def _zone_at_noon(now: datetime) -> ZoneInfo:
    """A zone in which it is about noon: the day does not end while the test runs."""
    return ZoneInfo(f"Etc/GMT{now.hour - 12:+d}")


async def _counts(tenant: Tenant, **expected: int) -> None:
    """That the metric comes to these findings and no others; it follows what people are told, by whichever poller."""

    def counted() -> Counter[str]:
        value = tenant.base.metrics.registry.get_sample_value
        found = {each: value("tidegate_expectations_total", {"finding": each}) for each in FINDINGS}
        return +Counter({each: int(count or 0) for each, count in found.items()})

    await eventually(lambda: counted() >= Counter(expected), f"the metric to count {expected}")
    assert counted() == Counter(expected)


async def _told(tenant: Tenant, code: str) -> list[Any]:
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = await notifications.page(tx, notifications.NotificationFilter(code=code), 100)
    return [each.news for each in found]


async def _has_told(tenant: Tenant, code: str) -> bool:
    return bool(await _told(tenant, code))


async def test_files_are_told_that_are_missing_small_or_too_many(tenant: Tenant, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    zone = _zone_at_noon(now)
    tomorrow = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(6), zone).astimezone(UTC)
    tools = tools_of(tenant.base, tmp_path)

    async def shows(moment: datetime) -> None:
        await judge_due(replace(tools, now=lambda: moment))

    expect = {"by": "06:00", "grace_minutes": 30, "minimum_rows": 2, "unexpected": True, "timezone": zone.key}
    goal_id = await tenant.save(goal(expect=expect))
    await _counts(tenant)
    await tenant.imported("a.csv", "email,name\nann@example.com,Ann\n")
    skipped = await tenant.imported("again.csv", "email,name\nann@example.com,Ann\n")
    assert skipped["state"] == "skipped"
    for _ in range(2):
        await shows(datetime.now(UTC) + SOON)
    # The second of today is one too many, though it is a duplicate; rows of a skipped one were not counted.
    [small] = await _told(tenant, "file_small")
    assert (small.detail, small.goal_id) == ("Found 1 rows, expected 2 at least.", goal_id)
    [unexpected] = await _told(tenant, "file_unexpected")
    assert unexpected.detail.startswith("Found 2 files on")
    await _counts(tenant, small=1, unexpected=1)

    await shows(tomorrow + timedelta(minutes=29))
    assert await _told(tenant, "file_missing") == []
    for minutes in (30, 31):
        await shows(tomorrow + timedelta(minutes=minutes))
    [missing] = await _told(tenant, "file_missing")
    assert missing.detail == f"Found 0 files by {tomorrow + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}, expected 1."
    await _counts(tenant, small=1, unexpected=1, missing=1)

    # Nobody is told of a connection that rests, whichever way, nor of that time when it is used again.
    async def switch(*, active: bool) -> None:
        async with tenant.base.database.account(tenant.account_id) as tx:
            settings = (await connections.get(tx, tenant.connection_id)).settings.model_copy(update={"active": active})
            await connections.update(tx, tenant.base.keys, tenant.connection_id, settings, {})

    async def put(state: IntegrationState) -> None:
        async with tenant.base.database.account(tenant.account_id) as tx:
            await integrations.hold(tx, Integration.HOSTED_FOLDERS)
            await integrations.change(tx, Integration.HOSTED_FOLDERS, state)

    await switch(active=False)
    await shows(tomorrow + timedelta(days=1, hours=1))
    await switch(active=True)
    await put(IntegrationState.PAUSED)
    await shows(tomorrow + timedelta(days=2, hours=1))
    assert len(await _told(tenant, "file_missing")) == 1
    await _counts(tenant, small=1, unexpected=1, missing=1)

    async with tenant.base.database.account(tenant.account_id) as tx:
        since = await expectations.since(tx, goal_id)
        await put(IntegrationState.ACTIVE)
        again = await expectations.since(tx, goal_id)
    assert since is not None
    assert again is not None
    assert again < since, "the clock that the test set was ahead"
    assert abs(again - datetime.now(UTC)) < SOON


async def test_files_are_told_that_are_late_or_large(tenant: Tenant, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    zone = _zone_at_noon(now)
    deadline = datetime.combine(now.astimezone(zone).date(), time(6), zone).astimezone(UTC)
    expected = Expectation(by="06:00", maximum_rows=1, timezone=zone.key)
    goal_id = await tenant.save(goal(expect=expected.model_dump()))
    run = await tenant.imported("a.csv", "email,name\nann@example.com,Ann\nbob@example.com,Bob\n")
    await eventually(lambda: _has_told(tenant, "file_large"), "the file to be told as large")
    await _counts(tenant, large=1)

    # As if the goal had expected it since before this morning's deadline.
    async with tenant.base.database.account(tenant.account_id) as tx:
        await expectations.pass_over(tx, goal_id, deadline - SOON, now)
    for _ in range(2):
        await judge_due(tools_of(tenant.base, tmp_path))
    await eventually(lambda: _has_told(tenant, "file_late"), "the file to be told as late")
    [large] = await _told(tenant, "file_large")
    assert (large.detail, large.goal_id) == ("Found 2 rows, expected 1 at most.", goal_id)
    [late] = await _told(tenant, "file_late")
    assert late.detail.endswith(f", expected by {deadline:%Y-%m-%dT%H:%M:%SZ}.")
    assert (late.goal_id, late.run_id, large.run_id) == (goal_id, run["run_id"], run["run_id"])
    await _counts(tenant, large=1, late=1)


async def test_a_goal_that_is_being_saved_is_judged_once_it_is(base: Base, account: UUID, tmp_path: Path) -> None:
    tenant = await make_tenant(base, account)
    now = datetime.now(UTC)
    zone = _zone_at_noon(now)
    deadline = now.astimezone(zone).replace(hour=10, minute=0, second=0, microsecond=0)
    tools, expecting = tools_of(base, tmp_path), goal(expect={"by": "10:00", "timezone": zone.key})
    goal_id = await tenant.save(expecting)
    async with base.database.account(account) as tx:
        await expectations.pass_over(tx, goal_id, deadline - SOON, now)
    async with base.database.account(account) as tx:
        await goals.lock(tx, goal_id)
        judging = asyncio.create_task(judge_due(tools))
        await asyncio.wait([judging], timeout=10)
        assert judging.done(), "who judges it has it in hand, and would wait for who saves it, who waits for that"
        assert await _told(tenant, "file_missing") == []
    await judge_due(tools)
    assert len(await _told(tenant, "file_missing")) == 1


async def test_files_are_looked_up_by_plans_for_what_there_is_now(base: Base, account: UUID) -> None:
    tenant = await make_tenant(base, account)
    expecting = goal(expect={"by": "10:00"})
    goal_id = await tenant.save(expecting)
    async with base.database.account(account) as tx:
        for _ in range(20):
            await came_lately(tx, goal_id, expecting, Timetable(Expectation(by="10:00")), datetime.now(UTC))
        planned = await tx.connection.fetch(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE $1",
            "%stamped_at AS came_at%",
        )
    assert [(each["custom_plans"], each["generic_plans"]) for each in planned] == [(20, 0)] * 2


async def test_of_more_files_than_are_looked_at_none_is_missing(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = _zone_at_noon(datetime.now(UTC))
    this_evening = datetime.now(zone).replace(hour=19)
    await tenant.save(goal(expect={"by": "18:00", "files": 2, "timezone": zone.key}))
    await tenant.imported("a.csv", "email,name\nann@example.com,Ann\n")
    await tenant.imported("b.csv", "email,name\nbob@example.com,Bob\n")
    with monkeypatch.context() as patched:
        patched.setattr(expectations, "MOST_FILES", 1)
        await judge_due(replace(tools_of(tenant.base, tmp_path), now=lambda: this_evening))
    assert await _told(tenant, "file_missing") == []


async def test_what_came_in_a_blackout_is_neither_missing_nor_late_where_it_is_seen_after_it(
    afar: Tenant, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    zone = _zone_at_noon(now)
    ended = now.astimezone(zone).replace(second=0, microsecond=0)
    deadline, put_off = ended.replace(hour=10, minute=0), ended + timedelta(seconds=3600 + 30 + 90)
    tools = tools_of(afar.base, tmp_path)

    async def shows(moment: datetime) -> list[Any]:
        await judge_due(replace(tools, now=lambda: moment))
        return [await _told(afar, code) for code in ("file_missing", "file_late")]

    async def nothing_is_begun(until: str) -> datetime | None:
        window = Blackout.model_validate({"from": "08:00", "to": until, "timezone": zone.key})
        async with afar.base.database.account(afar.account_id) as tx:
            changed = {"blackouts": (window,), "interval_seconds": 3600}
            settings = (await connections.get(tx, afar.connection_id)).settings.model_copy(update=changed)
            await connections.update(tx, afar.base.keys, afar.connection_id, settings, {})
            return await expectations.since(tx, goal_id)

    goal_id = await afar.save(goal(expect={"by": "10:00", "timezone": zone.key}))
    await nothing_is_begun(f"{ended:%H:%M}")
    async with afar.base.database.account(afar.account_id) as tx:
        await expectations.pass_over(tx, goal_id, deadline - SOON, now)
    assert await shows(now) == [[], []]
    await afar.imported("a.csv", "email,name\nann@example.com,Ann\n")
    assert await shows(datetime.now(UTC) + SOON) == [[], []]
    async with gateway_of(afar) as client:
        shown = await client.ask("GET", f"/v1/goals/{goal_id}/expectation", 200)
    assert (shown["state"], shown["files"]) == ("met", 1)
    assert datetime.fromisoformat(shown["deadline"]) == put_off

    # On the day after none comes.
    tomorrow = timedelta(days=1)
    for moment in (deadline + SOON, put_off - SOON):
        assert await shows(moment + tomorrow) == [[], []]
    [missing], _ = await shows(put_off + tomorrow)
    assert missing.detail == f"Found 0 files by {put_off.astimezone(UTC) + tomorrow:%Y-%m-%dT%H:%M:%SZ}, expected 1."

    # What is missing while a blackout lasts that is made longer is judged behind it.
    since = await nothing_is_begun("20:00")
    assert since is not None
    assert abs(since - datetime.now(UTC)) < SOON
    assert await nothing_is_begun("21:00") == since

    # What was put off is judged no more where the place becomes a folder of our own, which is looked at all the same.
    async with afar.base.database.account(afar.account_id) as tx:
        folder = await drop_folders.create(tx, "Instead", quota_bytes=10**9)
        hosted = HostedPlace(transport="hosted", drop_folder_id=folder.id)
        settings = (await connections.get(tx, afar.connection_id)).settings.model_copy(update={"place": hosted})
        await expectations.pass_over(tx, goal_id, deadline - SOON, now)
        await connections.update(tx, afar.base.keys, afar.connection_id, settings, {})
        begun_anew = await expectations.since(tx, goal_id)
    assert begun_anew is not None
    assert abs(begun_anew - datetime.now(UTC)) < SOON
