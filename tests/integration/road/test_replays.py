"""Files of a period run again: from where they lie now, as new runs that say so, and nothing is moved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

from rich.console import Console

from services.entry.replay import replay
from services.entry.watch_runs import Gateway
from tests.integration.api.asking import Client
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

SINCE = datetime.now(UTC) - timedelta(hours=1)
ANN = "email;name;points\na@b.example;Ann;1\n"
BEN = "email;name;points\nb@b.example;Ben;2\n"
DIALECT = {"dialect": {"delimiter": ";"}}


def period(**more: Any) -> dict[str, Any]:
    """From an hour ago until in an hour."""
    return {"since": SINCE.isoformat(), "until": (SINCE + timedelta(hours=3)).isoformat(), **more}


async def replayed(tenant: Tenant, client: Client, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs of a replay, once they run no longer."""
    answer = await client.ask("POST", "/v1/replays", 202, json=body)
    ids = [each["run_id"] for each in answer["items"] if each["run_id"]]
    for run_id in ids:
        await tenant.ended(lambda run, run_id=run_id: run["run_id"] == UUID(run_id))
    return [await client.ask("GET", f"/v1/runs/{run_id}", 200) for run_id in ids]


async def test_files_of_a_period_run_again_from_where_they_lie(tenant: Tenant) -> None:
    goal_id = str(await tenant.save(goal(**DIALECT)))
    for name, content in (("a.csv", ANN), ("b.csv", BEN)):
        await tenant.imported(name, content)
        await tenant.settled(name)
    (tenant.directory / "b.csv.done").unlink()
    lie = sorted(file.name for file in tenant.directory.iterdir())
    async with gateway_of(tenant) as client:
        mapping = [{"field": each, "property": each} for each in ("name", "points")]
        await client.ask("PATCH", f"/v1/goals/{goal_id}", 200, json={"mapping": mapping}, headers={"If-Match": "*"})
        plan = await client.ask("POST", "/v1/replays", 200, json=period(goal_id=goal_id, dry_run=True))
        assert (plan["runs"], [each["lies_at"] for each in plan["items"]]) == (2, ["a.csv.done", "b.csv.done"])
        assert {each["run_id"] for each in plan["items"]} == {None}
        again, gone = await replayed(tenant, client, period(goal_id=goal_id))
        assert (again["state"], again["replay"], again["receipt"]["replay"]) == ("completed", 1, 1)
        assert (again["path"], again["receipt"]["updated"]) == ("a.csv", 1)
        assert (gone["state"], gone["reason"]["code"]) == ("failed", "file_gone")
        (third, _) = await replayed(tenant, client, period(connection_id=str(tenant.connection_id)))
        assert (third["replay"], third["receipt"]["unchanged"]) == (2, 1)
        earlier = {**period(goal_id=goal_id), "until": (SINCE + timedelta(minutes=1)).isoformat()}
        assert (await client.ask("POST", "/v1/replays", 202, json=earlier))["items"] == []
        await client.ask("POST", "/v1/replays", 422, json=period())
        await client.ask("POST", "/v1/replays", 422, json={**period(goal_id=goal_id), "until": SINCE.isoformat()})
        await client.ask(
            "POST", "/v1/replays", 422, json=period(goal_id=goal_id) | {"since": "0001-01-01T00:00:00+14:00"}
        )
    assert (await tenant.profile("a@b.example"))["points"] == 1
    assert sorted(file.name for file in tenant.directory.iterdir()) == lie


async def test_what_would_be_added_again_waits_for_a_person(tenant: Tenant) -> None:
    """Also where another file was imported in between; and what a goal has skipped or given up is passed over."""
    sums = goal(mapping=[{"field": "points", "property": "points", "rule": "sum"}], **DIALECT)
    goal_id = await tenant.save(sums)
    for name, content in (("a.csv", ANN), ("b.csv", BEN)):
        await tenant.imported(name, content)
        await tenant.settled(name)
    async with gateway_of(tenant) as client:
        first, second = await replayed(tenant, client, period(goal_id=str(goal_id)))
        assert [each["state"] for each in (first, second)] == ["waiting", "waiting"]
        assert first["reason"]["code"] == "duplicate_content"
        waiting = await client.ask("POST", "/v1/replays", 200, json=period(goal_id=str(goal_id), dry_run=True))
        assert {each["passed_over"] for each in waiting["items"]} == {"not_ended"}
        await client.ask("POST", f"/v1/runs/{first['id']}/approve", 200)
        await client.ask("POST", f"/v1/runs/{second['id']}/cancel", 200)
        ended = await tenant.ended(lambda run: run["run_id"] == UUID(first["id"]) and run["state"] != "waiting")
        assert ended["state"] == "completed"
        plan = await client.ask("POST", "/v1/replays", 200, json=period(goal_id=str(goal_id), dry_run=True))
        assert [each["passed_over"] for each in plan["items"]] == [None, "run_cancelled"]
        shown = StringIO()
        place = Through("", "", client)
        made = await replay(
            place, {}, SINCE, SINCE + timedelta(hours=3), agrees=lambda _: False, console=Console(file=shown, width=200)
        )
        assert made == []
        assert "1 to be run again, 1 passed over" in shown.getvalue()
        made = await replay(
            place, {"goal_id": goal_id}, SINCE, SINCE + timedelta(hours=3), agrees=lambda count: count == 1
        )
        assert [each["path"] for each in made] == ["a.csv"]
    assert (await tenant.profile("a@b.example"))["points"] == 2


@dataclass(frozen=True, slots=True)
class Through(Gateway):
    """The tests' gateway, as the command line asks it."""

    opened: Client

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client that stays open."""
        yield self.opened
