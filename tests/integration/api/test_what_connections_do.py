"""What a connection has exchanged in all, and when its goals are due next."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.storage import exchanges
from shared.storage.database import Database
from shared.storage.exchanges import Blocks, Exchange
from tests.integration.api.asking import EXPORT_GOAL, Client, set_up

ANY = {"If-Match": "*"}
NOTHING = {"profiles": 0, "runs": 0, "files": 0, "rows": 0, "size_bytes": 0, "first_at": None, "last_at": None}


async def test_both_directions_are_told_and_go_with_the_connection(
    owner: Client, database: Database, account: UUID
) -> None:
    path = f"/v1/connections/{(await set_up(owner))['connection']['id']}"
    shown = await owner.ask("GET", f"{path}/data-exchange", 200)
    assert (shown["imported"], shown["exported"]) == (NOTHING, NOTHING)
    run = Exchange(files=3, rows=50, size_bytes=2**40)
    async with database.account(account) as tx:
        await exchanges.add(tx, UUID(shown["connection_id"]), "export", run, Blocks([0, 2], [3, -1]))
    shown = await owner.ask("GET", f"{path}/data-exchange", 200)
    exported = shown["exported"]
    assert exported.pop("first_at") == exported.pop("last_at")
    assert exported == {"profiles": 66, "runs": 1, "files": 3, "rows": 50, "size_bytes": 2**40}
    assert shown["imported"] == NOTHING
    await owner.ask("DELETE", path, 204, headers=ANY)
    await owner.ask("GET", f"{path}/data-exchange", 404)
    async with database.account(account) as tx:
        assert await exchanges.totals(tx, UUID(shown["connection_id"])) == {}


async def test_goals_tell_when_they_are_due_next(owner: Client) -> None:
    made = await set_up(owner, hosted=True)
    place = f"/v1/connections/{made['connection']['id']}"
    assert made["goal"]["next_due_at"] is None
    cron = [{"cron": "0 5 * * *", "timezone": "UTC"}, {"cron": "0 17 * * *", "timezone": "UTC"}]
    daily = await owner.ask("POST", f"{place}/goals", 201, json=EXPORT_GOAL | {"when": cron})
    path = f"/v1/goals/{daily['id']}"
    due_at = datetime.fromisoformat(daily["next_due_at"])
    assert due_at.hour in (5, 17)
    assert timedelta() <= due_at - datetime.now(UTC) + timedelta(minutes=1) < timedelta(hours=13)
    shown = (await owner.ask("GET", f"{place}/goals", 200))["items"]
    assert {each["id"]: each["next_due_at"] for each in shown} == {
        made["goal"]["id"]: None,
        daily["id"]: daily["next_due_at"],
    }
    # Where anything is switched off, nothing is due; and what follows another goal has no time of its own.
    place_off = await owner.ask("PATCH", place, 200, json={"active": False}, headers=ANY)
    assert place_off["active"] is False
    assert (await owner.ask("GET", path, 200))["next_due_at"] is None
    await owner.ask("PATCH", place, 200, json={"active": True}, headers=ANY)
    assert (await owner.ask("GET", path, 200))["next_due_at"] == daily["next_due_at"]
    goal_off = await owner.ask("PATCH", path, 200, json={"active": False}, headers=ANY)
    assert goal_off["next_due_at"] is None
    follows = {"active": True, "when": [{"after_goal": made["goal"]["id"]}]}
    assert (await owner.ask("PATCH", path, 200, json=follows, headers=ANY))["next_due_at"] is None
    at_noon = {"when": [{"cron": "0 12 * * *", "timezone": "UTC"}]}
    changed = await owner.ask("PATCH", path, 200, json=at_noon, headers=ANY)
    assert datetime.fromisoformat(changed["next_due_at"]).hour == 12


async def test_the_next_times_of_a_schedule_are_shown_before_it_is_saved(owner: Client) -> None:
    zone = {"timezone": "Europe/Amsterdam"}
    sundays = {"weekdays": ["sun"], "at": "02:30"} | zone
    asked: dict[str, Any] = {"when": [sundays, {"days_of_month": ["last"], "at": "06:00"} | zone], "times": 3}
    asked["blackouts"] = [{"from": "05:00", "to": "07:00", **zone}]
    shown = await owner.ask("POST", "/v1/schedule-previews", 200, json=asked | {"after": "2026-03-28T00:00:00Z"})
    assert shown["times"] == [
        {
            "at": "2026-03-29T01:00:00Z",
            "local": "2026-03-29T03:00:00+02:00",
            "begins_at": "2026-03-29T01:00:00Z",
            "number": 0,
        },
        {
            "at": "2026-03-31T04:00:00Z",
            "local": "2026-03-31T06:00:00+02:00",
            "begins_at": "2026-03-31T05:00:00Z",
            "number": 1,
        },
        {
            "at": "2026-04-05T00:30:00Z",
            "local": "2026-04-05T02:30:00+02:00",
            "begins_at": "2026-04-05T00:30:00Z",
            "number": 0,
        },
    ]
    daily = {"when": [{"cron": "0 5 * * *", "timezone": "Middle-earth/Shire"}]}
    refused = await owner.ask("POST", "/v1/schedule-previews", 422, json=daily)
    assert refused["errors"][0]["pointer"].startswith("/when/0")
    # The ends of the calendar have no number in other zones.
    kiritimati = {"when": [{"cron": "0 5 * * *", "timezone": "Pacific/Kiritimati"}]}
    for after in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9000-01-01T00:00:00Z"):
        refused = await owner.ask("POST", "/v1/schedule-previews", 422, json=kiritimati | {"after": after})
        assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [("/after", "out_of_bounds")]
    await owner.ask("POST", "/v1/schedule-previews", 200, json=kiritimati | {"after": "8999-12-31T23:59:59Z"})


async def test_goals_and_connections_are_paused_and_resumed(owner: Client) -> None:
    made = await set_up(owner)
    for path in (f"/v1/goals/{made['goal']['id']}", f"/v1/connections/{made['connection']['id']}"):
        paused = await owner.ask("POST", f"{path}/pause", 200)
        assert (paused["active"], paused["version"]) == (False, 2)
        assert (await owner.ask("POST", f"{path}/pause", 200))["version"] == 2
        refused = await owner.ask("POST", f"/v1/goals/{made['goal']['id']}/runs", 409)
        assert refused["code"] == "goal_inactive"
        assert (await owner.ask("POST", f"{path}/resume", 200))["active"] is True
    now = datetime.now(UTC)
    begin, end = (f"{now + timedelta(minutes=minutes):%H:%M}" for minutes in (-2, 90))
    change = {"blackouts": [{"from": begin, "to": end}]}
    await owner.ask("PATCH", path, 200, json=change, headers=ANY)
    for asked in (f"{path}/runs", f"/v1/goals/{made['goal']['id']}/runs"):
        refused = await owner.ask("POST", asked, 409)
        assert refused["code"] == "blackout"
        assert f"T{end}:00Z" in refused["detail"]


async def test_a_goal_tells_how_its_day_stands(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/goals/{made['goal']['id']}"
    assert (await owner.ask("GET", f"{path}/expectation", 409))["code"] == "conflict"
    at_night = {"by": "23:00", "grace_minutes": 59}
    await owner.ask("PATCH", path, 200, json={"expect": at_night}, headers=ANY)
    shown = await owner.ask("GET", f"{path}/expectation", 200)
    assert (shown["state"] in ("awaited", "not_expected"), shown["files"]) == (True, 0)
    assert shown["next_deadline"].endswith("T23:59:00Z")
    refused = await owner.ask("PATCH", path, 422, json={"expect": {"by": "23:00", "grace_minutes": 60}}, headers=ANY)
    assert refused["errors"][0]["pointer"].startswith("/expect")
