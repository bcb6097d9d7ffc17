"""Files that others beside them say are complete: markers, checksums, and on a real server a manifest."""

import hashlib
import json
import os
from typing import Any

from shared.storage import decisions, goals, notifications
from tests.eventually import eventually
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

ROWS = "email,name\n{}@b.example,x\n"
SOURCE = {"pattern": {"wildcard": "*.csv"}, "afterwards": {"failed": {"move_to": "failed"}}}


def content(name: str) -> str:
    return ROWS.format(name)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def waits(tenant: Tenant, path: str, code: str) -> dict[str, Any]:
    """The arrival, once it waits for that."""
    found: dict[str, Any] = {}

    async def it_does() -> bool:
        found.update((await tenant.arrivals()).get(path, {}))
        return found.get("reason_code") == code

    await eventually(it_does, f"{path} to wait: {code}")
    return found


def lying(tenant: Tenant) -> set[str]:
    return {path.name for path in tenant.directory.iterdir()}


async def test_a_marker_and_a_checksum_say_that_a_file_is_complete_and_go_with_it(tenant: Tenant) -> None:
    readiness = {"strategy": ["marker", "checksum"], "marker": "{stem}.ready"}
    await tenant.save(goal(source={**SOURCE, "readiness": readiness}))
    text = content("a")
    tenant.drop("a.csv", text)
    tenant.drop("early.csv.sha256", f"{sha256(content('early'))}  early.csv\n")
    await waits(tenant, "a.csv", "marker_missing")
    await waits(tenant, "early.csv.sha256", "companion")
    tenant.drop("a.ready", "")
    await waits(tenant, "a.csv", "checksum_missing")
    tenant.drop("a.csv.sha256", "nonsense")
    waiting = await waits(tenant, "a.csv", "checksum_unreadable")
    assert "'a.csv.sha256'" in waiting["reason_detail"]
    async with gateway_of(tenant) as gateway:
        shown = await gateway.ask("GET", f"/v1/arrivals/{waiting['arrival_id']}", 200)
    assert (shown["state"], shown["waiting_since"], shown["overdue_at"]) == ("waiting", shown["seen_at"], None)

    tenant.drop("a.csv.sha256", f"{sha256(text)}  a.csv\n")
    run = await tenant.ended(lambda each: each["path"] == "a.csv")
    assert (run["state"], run["sha256"]) == ("completed", sha256(text))
    await tenant.settled("a.csv")
    assert lying(tenant) == {"a.csv.done", "a.ready.done", "a.csv.sha256.done", "early.csv.sha256"}

    # Another file than its checksum says fails, and what lies beside it stays to be looked at.
    tenant.drop("early.csv", content("another"))
    tenant.drop("early.ready", "")
    failed = await tenant.ended(lambda each: each["path"] == "early.csv")
    assert (failed["state"], failed["reason_code"]) == ("failed", "checksum_mismatch")
    await tenant.settled("early.csv")
    assert lying(tenant) >= {"failed", "early.ready", "early.csv.sha256"}
    # Nor does a file that comes again count as complete by the marker of the one before.
    again = tenant.drop("early.csv", content("early"))
    later = again.stat().st_mtime + 60
    os.utime(again, (later, later))
    await waits(tenant, "early.csv", "marker_outdated")


async def test_files_of_a_manifest_wait_for_each_other_are_told_when_late_and_go_together(afar: Tenant) -> None:
    tenant = afar
    readiness = {"strategy": ["manifest", "rename"], "manifest": "*.json", "deadline_minutes": 5}
    await tenant.save(goal(source={**SOURCE, "readiness": readiness}))
    texts = {name: content(name[0]) for name in ("a.csv", "b.csv")}
    files = [{"name": name, "bytes": len(text), "sha256": sha256(text)} for name, text in texts.items()]
    tenant.drop("all.json", json.dumps({"files": [*files, {"name": "all.json"}]}))
    tenant.drop("a.csv", texts["a.csv"])
    waiting = await waits(tenant, "a.csv", "manifest_incomplete")
    assert "'b.csv'" in waiting["reason_detail"]
    await waits(tenant, "all.json", "manifest_incomplete")
    # The deadline passes, and only one more file comes, which no manifest names.
    async with tenant.base.database.account(tenant.account_id) as tx:
        earlier = "UPDATE tidegate.arrivals SET seen_at = seen_at - interval '1 hour'"
        await tx.connection.execute(earlier)
    await eventually(lambda: _are_told(tenant, 2), "the files to be told")
    tenant.drop("stray.csv", content("s"))
    await waits(tenant, "stray.csv", "manifest_missing")
    assert await _are_told(tenant, 2)

    tenant.drop("b.csv", texts["b.csv"])
    for name in texts:
        assert (await tenant.ended(lambda each, name=name: each["path"] == name))["state"] == "completed"
        await tenant.settled(name)
    await eventually(lambda: "all.json.done" in lying(tenant), "the manifest to be marked")
    assert lying(tenant) == {"a.csv.done", "b.csv.done", "all.json.done", "stray.csv"}


async def test_what_stands_for_several_files_stays_until_all_were_taken_also_one_that_waits_for_its_time(
    afar: Tenant,
) -> None:
    tenant = afar
    readiness = {"strategy": ["manifest", "marker", "rename"], "manifest": "*.json", "marker": "{stem}.ready"}
    at_once, later = ({**SOURCE, "pattern": {"wildcard": f"*.{name}"}, "readiness": readiness} for name in "ab")
    far_off = goal(name="Later", source=later, when=[{"cron": "0 0 29 2 *"}])
    # Together: a look that has begun with one of them would know of no more.
    async with tenant.base.database.account(tenant.account_id) as tx:
        await goals.create(tx, tenant.connection_id, goal(source=at_once), email=None)
        waits_long = (await goals.create(tx, tenant.connection_id, far_off, email=None)).id
    for name in ("x.a", "x.b"):
        tenant.drop(name, content(name[-1]))
    tenant.drop("all.json", json.dumps({"files": [{"name": name} for name in ("x.a", "x.b")]}))
    tenant.drop("x.ready", "")
    assert (await tenant.ended(lambda each: each["path"] == "x.a"))["state"] == "completed"
    await tenant.settled("x.a")
    await waits(tenant, "x.b", "scheduled")
    assert lying(tenant) == {"x.a.done", "x.b", "all.json", "x.ready"}
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.run_now(tx, waits_long)
    assert (await tenant.ended(lambda each: each["path"] == "x.b"))["state"] == "completed"
    marked = {"x.a.done", "x.b.done", "all.json.done", "x.ready.done"}
    await eventually(lambda: lying(tenant) == marked, "the manifest and the marker to be marked")


async def _are_told(tenant: Tenant, files: int) -> bool:
    async with tenant.base.database.account(tenant.account_id, read_only=True) as tx:
        told = await notifications.page(tx, notifications.NotificationFilter(), 100)
    lines = [line for each in told if each.news.code == "file_not_ready" for line in each.news.detail.splitlines()]
    return len(lines) == files
