"""A hosted folder that keeps files for thirty days: what goes, what stays, and that it is told."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from services.poller.retention import Task, clean
from services.poller.wiring import tools_of
from shared.domain.export_goal import ExportProfiles
from shared.domain.place import HostedPlace
from shared.runtime.room import LedgerRoom
from shared.storage import connections, drop_usage, goals, retention, uploads
from shared.transfer.tree import Tree
from tests.eventually import eventually
from tests.integration.api.asking import Client
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

CONTENT = "email,name\nann@example.com,Ann\n"
SOURCE = {"pattern": {"wildcard": "*.csv"}}
KINDS = ("imported", "unmatched", "delivered", "left_over")
EXPORT = {
    "kind": "export_profiles",
    "name": "All",
    "target": {"directory": "out", "file_name": "all.csv"},
    "columns": [{"property": "email"}],
    "checksum": True,
    "manifest": True,
    "done_file": {"suffix": ".ready"},
}


async def test_what_was_kept_for_long_enough_goes_and_nothing_that_is_needed(tenant: Tenant, tmp_path: Path) -> None:
    folder_id = await _folder(tenant)
    await tenant.save(goal(rejects={"return_to": "back"}))
    export = await tenant.save(ExportProfiles.model_validate(EXPORT))
    await tenant.imported("a.csv", CONTENT)
    await tenant.settled("a.csv")
    await tenant.exported(export)
    failed = await tenant.imported("failed.csv", "other,header\n1,2\n")
    await tenant.settled("failed.csv")
    for name in ("nobody.txt", "half.csv.part", "out/restored.csv"):
        os.utime(tenant.drop(name, "1"), (0, 0))
    await _broken(tenant, folder_id, "broken.csv")
    async with gateway_of(tenant) as client:
        await client.ask(
            "PATCH", f"/v1/drop-folders/{folder_id}", 200, json={"retention_days": 30}, headers={"If-Match": "*"}
        )
        await eventually(lambda: _all_told(tenant), "everything to be seen")
        await _rests_while_nobody_can_come(tenant, folder_id, "nobody.txt")
        await eventually(lambda: _is_known_to_be_there(tenant, "nobody.txt"), "a round that removes nothing")
        before = sorted(_lying(tenant))
        assert before == [
            "a.csv.done", "back/a.csv.ack", "back/failed.csv.ack", "broken.csv", "failed/failed.csv", "half.csv.part",
            "nobody.txt", "out/all.csv", "out/all.csv.manifest.json", "out/all.csv.ready", "out/all.csv.sha256",
            "out/restored.csv",
        ]  # fmt: skip
        async with tenant.base.database.account(tenant.account_id) as tx:
            paths = [*before, "a.csv"]
            told = await retention.told_of(tx, tenant.connection_id, folder_id, paths)
        assert told == {path for path in paths if not path.startswith(("back/", "out/"))}, "vanished or not"
        await LedgerRoom(tenant.base.database, tenant.account_id, folder_id, tenant.directory).measure(0)
        later = datetime.now(UTC) + timedelta(days=31)
        tools = tools_of(tenant.base, tmp_path)
        task = Task(tenant.account_id, folder_id, Tree(tenant.directory), 30, later - timedelta(days=30))
        stopping = asyncio.Event()
        stopping.set()
        await clean(tools, task, stopping)
        assert sorted(_lying(tenant)) == before, "told to stop, it leaves the rest to the next round"
        await clean(tools, task, asyncio.Event())
        left = _lying(tenant)
        assert sorted(left) == ["broken.csv", "half.csv.part", "out/restored.csv"]
        async with tenant.base.database.account(tenant.account_id) as tx:
            used = await drop_usage.get(tx, folder_id)
        # With three directories.
        assert (used.bytes, used.files) == (sum(left.values()), len(left) + 3)
        expired = {kind: tools.metrics.files_expired.labels(kind)._value.get() for kind in KINDS}
        assert expired == {"imported": 2, "unmatched": 1, "delivered": 6, "left_over": 0}
        await _is_told(tenant, client)
        await client.ask("POST", f"/v1/runs/{failed['run_id']}/retry", 202, json={"out_of_order": True})
        run = await tenant.ended(lambda run: run["run_id"] == failed["run_id"] and run["reason_code"] == "file_gone")
        assert "keeps files for 30 days" in run["reason_detail"]


async def test_what_comes_while_its_goal_is_paused_waits_for_that(tenant: Tenant, tmp_path: Path) -> None:
    folder_id = await _folder(tenant)
    goal_id = await tenant.save(goal())
    later = datetime.now(UTC) + timedelta(days=31)
    task = Task(tenant.account_id, folder_id, Tree(tenant.directory), 30, later)
    tools = tools_of(tenant.base, tmp_path)
    async with gateway_of(tenant) as client:
        path, any_version = f"/v1/goals/{goal_id}", {"If-Match": "*"}
        await client.ask("PATCH", path, 200, json={"active": False}, headers=any_version)
        tenant.drop("a.csv", CONTENT)
        await eventually(lambda: _is_told_as(tenant, "a.csv", "unmatched"), "the file to be seen")
        async with tenant.base.database.account(tenant.account_id) as tx:
            # As a round leaves it that dies between telling and removing.
            await tx.connection.execute("UPDATE tidegate.arrivals SET expired_at = now(), reason_code = 'expired'")
        async with tenant.base.database.account(tenant.account_id) as tx:
            watching = await retention.watching(tx, folder_id)
            paused = (await goals.get(tx, goal_id)).version
            saved = await tx.connection.fetchval(
                "SELECT saved_at FROM tidegate.goal_versions WHERE goal_id = $1 AND version = $2", goal_id, paused
            )
        assert watching is not None
        assert (watching.has_paused_goals, watching.goals_changed_at) == (True, saved)
        await clean(tools, task, asyncio.Event())
        assert _lying(tenant) == {"a.csv": len(CONTENT)}
        assert (await tenant.arrivals())["a.csv"]["expired_at"] is None, "it is there"
        await client.ask("PATCH", path, 200, json={"active": True}, headers=any_version)
        run = await tenant.ended(lambda run: run["path"] == "a.csv")
        assert run["state"] == "completed"


async def test_what_said_that_a_file_is_complete_goes_with_it(tenant: Tenant, tmp_path: Path) -> None:
    """Put away with it, or left where it stood; not while it stands for another, and not what came anew."""
    readiness = {"strategy": ["marker", "rename"], "marker": "{stem}.ready"}
    left = {"done": {"leave": True}}
    named, stay = ({**SOURCE, "readiness": readiness, "pattern": {"wildcard": f"{each}*.csv"}} for each in "ab")
    await tenant.save(goal(source=named))
    await tenant.save(goal(source={**stay, "afterwards": left}, name="Left"))
    for name in ("a", "b", "b2"):
        tenant.drop(f"{name}.ready", "")
        await tenant.imported(f"{name}.csv", CONTENT)
        await tenant.settled(f"{name}.csv")
    tenant.drop("b2.ready", "anew")
    before = {"a.csv.done", "a.ready.done", "b.csv", "b.ready", "b2.csv", "b2.ready"}
    assert _lying(tenant).keys() == before
    later = datetime.now(UTC) + timedelta(days=31)
    tools, folder_id = tools_of(tenant.base, tmp_path), await _folder(tenant)
    await clean(tools, Task(tenant.account_id, folder_id, Tree(tenant.directory), 30, later), asyncio.Event())
    assert _lying(tenant).keys() == {"b2.ready"}
    assert tools.metrics.files_expired.labels("companion")._value.get() == 2


async def _is_told_as(tenant: Tenant, path: str, state: str) -> bool:
    told = await tenant.arrivals()
    return path in told and told[path]["state"] == state


async def _rests_while_nobody_can_come(tenant: Tenant, folder_id: UUID, path: str) -> None:
    """Nothing is looked through while hosted folders are paused, and for a day after they were.

    Of one file it is told that it is removed when the turn of the folder comes.
    """
    async with tenant.base.database.account(tenant.account_id) as tx:
        for state, hours, is_begun in (("active", 23, False), ("paused", 25, False), ("active", 25, True)):
            await tx.connection.execute(
                "UPDATE tidegate.integrations SET state = $1, changed_at = now() - make_interval(hours => $2)",
                state,
                hours,
            )
            turn = await retention.begin(tx, folder_id)
            assert (turn is not None) == is_begun, (state, hours)
        assert turn is not None
        assert turn.before == await tx.connection.fetchval("SELECT now() - interval '30 days'"), "the ledger's clock"
        await tx.connection.execute("UPDATE tidegate.arrivals SET expired_at = now() WHERE path = $1", path)
        await retention.again(tx, folder_id)


async def _is_told(tenant: Tenant, client: Client) -> None:
    shown = {each["path"]: each for each in (await client.ask("GET", "/v1/arrivals", 200))["items"]}
    for path in ("a.csv", "failed.csv", "nobody.txt"):
        assert shown[path]["expired_at"] is not None
        reason = shown[path]["reason"]
        assert (reason["code"], reason["detail"]) == ("expired", "The drop folder keeps files for 30 days.")
    assert {shown[path]["expired_at"] for path in ("broken.csv", "half.csv.part")} == {None}
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    period = {"connection_id": str(tenant.connection_id), "since": since, "until": until, "dry_run": True}
    plan = await client.ask("POST", "/v1/replays", 200, json=period)
    assert {each["path"]: each["passed_over"] for each in plan["items"]} == {
        "a.csv": "file_expired",
        "failed.csv": "file_expired",
    }


async def _folder(tenant: Tenant) -> UUID:
    async with tenant.base.database.account(tenant.account_id) as tx:
        place = (await connections.get(tx, tenant.connection_id)).settings.place
    assert isinstance(place, HostedPlace)
    return place.drop_folder_id


async def _broken(tenant: Tenant, folder_id: UUID, name: str) -> None:
    """An upload that was broken off."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        upload_id = await uploads.open_(tx, folder_id, name)
    tenant.drop(name, "half")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await uploads.break_off(tx, upload_id)


async def _all_told(tenant: Tenant) -> bool:
    """Every file has its arrival, and a look has passed over what the export has delivered."""
    told = await tenant.arrivals()
    async with tenant.base.database.account(tenant.account_id) as tx:
        looked_at = (await connections.get(tx, tenant.connection_id)).looked_at
    delivered = (tenant.directory / "out/all.csv").stat().st_ctime
    is_known = {"nobody.txt", "half.csv.part", "broken.csv"} <= told.keys()
    is_returned = len(list(tenant.directory.glob("back/*.ack"))) == 2
    return is_returned and is_known and looked_at is not None and looked_at.timestamp() > delivered


async def _is_known_to_be_there(tenant: Tenant, path: str) -> bool:
    """Whether a round has ended: the last that it does, where it removes nothing, is to say so."""
    return (await tenant.arrivals())[path]["expired_at"] is None


def _lying(tenant: Tenant) -> dict[str, int]:
    """Files and their sizes."""
    found = tenant.directory.rglob("*")
    return {str(each.relative_to(tenant.directory)): each.stat().st_size for each in found if each.is_file()}
