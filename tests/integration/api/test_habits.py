"""What every resource has: versions that a change names, filters, cursors that hold, deletion that loses nothing."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.domain.built_in import OFFERED
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, IMPORT_GOAL, SFTP_PLACE, Client, set_up
from tests.integration.api.ledger import arrive, claim, complete, fail

ANY = {"If-Match": "*"}


async def _changed(client: Client, path: str, change: dict[str, Any]) -> Any:
    """Change a thing by its ETag; without one, with an old and with a weak one it must not go."""
    before = await client.get(path)
    etag = before.headers["ETag"]
    await client.ask("PATCH", path, 428, json=change)
    await client.ask("PATCH", path, 412, json=change, headers={"If-Match": f"W/{etag}"})
    answer = await client.patch(path, json=change, headers={"If-Match": f'"x", {etag}'})
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] != etag
    await client.ask("PATCH", path, 412, json=change, headers={"If-Match": etag})
    again = await client.get(path)
    assert (again.json(), again.headers["ETag"]) == (answer.json(), answer.headers["ETag"])
    return answer.json()


async def test_what_can_be_edited_is_changed_by_its_etag(owner: Client, operator: Client, account: UUID) -> None:
    made = await set_up(owner, hosted=True)
    folder = await _changed(owner, f"/v1/drop-folders/{made['folder']['id']}", {"quota_bytes": 5})
    assert (folder["name"], folder["quota_bytes"]) == ("incoming", 5)
    assert (await _changed(owner, "/v1/properties/first_name", {"label": "Name"}))["label"] == "Name"
    assert made["connection"]["interval_seconds"] == 60
    connection = await _changed(owner, f"/v1/connections/{made['connection']['id']}", {"interval_seconds": 600})
    assert (connection["name"], connection["interval_seconds"]) == ("Partner", 600)
    dialect = {"delimiter": "|", "dateFormat": None, "quoteChar": None}
    goal = await _changed(owner, f"/v1/goals/{made['goal']['id']}", {"dialect": dialect})
    assert (goal["dialect"]["delimiter"], goal["mapping"]) == ("|", made["goal"]["mapping"])
    assert (goal["dialect"]["dateFormat"], goal["dialect"]["quoteChar"]) == ("YYYY-MM-DD", None)
    assert (await _changed(operator, f"/v1/accounts/{account}", {"name": "Renamed"}))["name"] == "Renamed"


@pytest.mark.parametrize(
    ("path", "change", "pointer"),
    [
        ("/v1/connections/{connection}", {"place": {"port": 70_000}}, "/place/port"),
        ("/v1/connections/{connection}", {"name": None}, "/name"),
        ("/v1/connections/{connection}", {"colour": "red"}, "/colour"),
        ("/v1/goals/{goal}", {"mapping": [{"field": "F", "property": "nothing"}]}, "/mapping/0/property"),
        ("/v1/goals/{goal}", {"kind": "export_profiles"}, None),
        ("/v1/properties/email", {"type": "text"}, "/type"),
    ],
)
async def test_a_change_is_judged_as_a_whole_thing_would_be(
    owner: Client, path: str, change: dict[str, Any], pointer: str | None
) -> None:
    made = await set_up(owner)
    asked = path.format(connection=made["connection"]["id"], goal=made["goal"]["id"])
    problem = await owner.ask("PATCH", asked, 422, json=change, headers=ANY)
    assert pointer is None or pointer in [each["pointer"] for each in problem["errors"]]


async def test_a_patch_keeps_and_takes_away_secrets_and_sends_none_elsewhere(owner: Client) -> None:
    sent: dict[str, Any] = {"name": "P", "place": SFTP_PLACE, "password": "hush hush"}
    path = f"/v1/connections/{(await owner.ask('POST', '/v1/connections', 201, json=sent))['id']}"
    kept = await owner.ask("PATCH", path, 200, json={"name": "Q"}, headers=ANY)
    assert (kept["name"], kept["password"]) == ("Q", {"set": True})
    moved = {"place": {"host": "mine.attacker.example"}}
    problem = await owner.ask("PATCH", path, 422, json=moved, headers=ANY)
    assert problem["errors"][0]["pointer"] == "/password"
    gone = await owner.ask("PATCH", path, 200, json={**moved, "password": None}, headers=ANY)
    assert gone["password"] == {"set": False}


async def test_a_goal_shows_its_versions_and_what_changed(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/goals/{made['goal']['id']}"
    mapping = [*IMPORT_GOAL["mapping"], {"field": "Surname", "property": "email"}]
    await owner.ask("PATCH", path, 422, json={"mapping": mapping}, headers=ANY)
    await owner.ask("PUT", path, 200, json=IMPORT_GOAL, headers=ANY)
    await owner.ask("PATCH", path, 200, json={"name": made["goal"]["name"]}, headers=ANY)
    assert (await owner.ask("GET", path, 200))["version"] == 1, "what changes nothing is no version"
    await owner.ask("PATCH", path, 200, json={"name": "Hourly"}, headers=ANY)
    await owner.ask("PATCH", path, 200, json={"mapping": []}, headers=ANY)
    page = await owner.ask("GET", f"{path}/versions", 200, params={"limit": 2})
    assert [each["number"] for each in page["items"]] == [3, 2]
    rest = await owner.ask("GET", f"{path}/versions", 200, params={"limit": 2, "cursor": page["next_cursor"]})
    assert [each["number"] for each in rest["items"]] == [1]
    assert page["items"][0]["saved_by"]["name"] == "tests"
    assert (await owner.ask("GET", f"{path}/versions/2", 200))["goal"]["name"] == "Hourly"
    diff = await owner.ask("GET", f"{path}/versions/3/diff", 200, params={"from": 1})
    assert [(each["pointer"], each["kind"]) for each in diff["differences"]] == [
        ("/name", "changed"),
        ("/mapping/0", "removed"),
    ]
    stale = await owner.ask("PATCH", path, 412, json={"name": "x"}, headers={"If-Match": '"1"'})
    assert f"{path}/versions/3/diff?from=1" in stale["detail"]
    await owner.ask("DELETE", path, 204, headers=ANY)
    await owner.ask("GET", path, 404)
    assert len((await owner.ask("GET", f"{path}/versions", 200))["items"]) == 3
    await owner.ask("GET", f"{path}/versions/99", 404)


async def test_a_connection_goes_when_its_runs_have_ended_and_they_stay(
    owner: Client, database: Database, account: UUID
) -> None:
    made = await set_up(owner, hosted=True)
    run_id = await arrive(database, account, made)
    path, folder = f"/v1/connections/{made['connection']['id']}", f"/v1/drop-folders/{made['folder']['id']}"
    login = await owner.ask("POST", f"{folder}/credentials", 201, json={})
    await owner.ask("DELETE", path, 428)
    problem = await owner.ask("DELETE", path, 409, headers=ANY)
    assert (problem["code"], "Cancel" in problem["what_to_do"]) == ("runs_open", True)
    assert (await owner.ask("DELETE", folder, 409, headers=ANY))["code"] == "folder_watched"
    claimed = await claim(database)
    await owner.ask("DELETE", path, 409, headers=ANY)
    await fail(database, claimed)
    await owner.ask("DELETE", path, 204, headers=ANY)
    for gone in (path, f"/v1/goals/{made['goal']['id']}"):
        await owner.ask("GET", gone, 404)
    assert (await owner.ask("GET", "/v1/connections", 200))["items"] == []
    run = await owner.ask("GET", f"/v1/runs/{run_id}", 200)
    assert (run["state"], run["receipt"] is not None) == ("failed", True)
    (arrival,) = (await owner.ask("GET", "/v1/arrivals", 200))["items"]
    assert (arrival["state"], arrival["settled_as"]) == ("settled", "left")
    assert (await owner.ask("POST", f"/v1/runs/{run_id}/retry", 409))["code"] == "goal_inactive"
    await owner.ask("DELETE", folder, 204, headers=ANY)
    await owner.ask("GET", folder, 404)
    await owner.ask("GET", f"{folder}/credentials/{login['id']}", 404)
    await owner.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
    sent = {"name": "n", "place": {"transport": "hosted", "drop_folder_id": made["folder"]["id"]}}
    await owner.ask("POST", "/v1/connections", 422, json=sent)
    async with database.account(account) as tx:
        row = "SELECT count(*) FROM tidegate.credentials WHERE revoked_at IS NULL"
        assert await tx.connection.fetchval(row) == 0


async def test_lists_are_filtered_by_field(owner: Client, database: Database, account: UUID) -> None:
    made = await set_up(owner, hosted=True)
    await owner.ask("POST", "/v1/connections", 201, json={"name": "Off", "active": False, "place": SFTP_PLACE})
    await owner.ask("POST", f"/v1/connections/{made['connection']['id']}/goals", 201, json=EXPORT_GOAL)
    login = await owner.ask("POST", f"/v1/drop-folders/{made['folder']['id']}/credentials", 201, json={})
    spare = await owner.ask("POST", "/v1/keys", 201, json={"name": "second", "scopes": ["runs:read"]})
    await owner.ask("DELETE", f"/v1/keys/{spare['id']}", 204, headers={"If-Match": '"1"'})
    run_id = await arrive(database, account, made)
    await complete(database, await claim(database))
    queued = (await owner.ask("GET", f"/v1/runs/{run_id}", 200))["queued_at"]
    goals, credentials = (
        f"connections/{made['connection']['id']}/goals",
        f"drop-folders/{made['folder']['id']}/credentials",
    )
    expected: list[tuple[str, dict[str, Any], int]] = [
        ("connections", {"name": "Off"}, 1),
        ("connections", {"active": True}, 1),
        ("connections", {"transport": "sftp"}, 1),
        ("connections", {"stopped": True}, 0),
        ("connections", {"drop_folder_id": made["folder"]["id"]}, 1),
        (goals, {"kind": "export_profiles"}, 1),
        (goals, {"active": False}, 0),
        (goals, {"name": "All contacts"}, 1),
        ("properties", {"type": "email"}, 1),
        ("properties", {"identifier": False}, 1 + len(OFFERED)),
        ("drop-folders", {"name": "nothing"}, 0),
        (credentials, {"state": "revoked"}, 0),
        (credentials, {"username": login["username"]}, 1),
        ("keys", {"state": "revoked"}, 1),
        ("keys", {"name": "second", "state": "active"}, 0),
        ("keys", {"prefix": spare["prefix"]}, 1),
        ("runs", {"kind": "export"}, 0),
        ("runs", {"state": "completed_with_rejects"}, 1),
        ("runs", {"since": queued}, 1),
        ("runs", {"until": queued}, 0),
        ("arrivals", {"path": "in/contacts_0.csv"}, 1),
        ("arrivals", {"until": queued[:10] + "T00:00:00Z"}, 0),
        (f"runs/{run_id}/rejects", {"code": "not_an_email"}, 1),
        (f"runs/{run_id}/rejects", {"field": "nothing"}, 0),
        ("notifications", {"code": "nothing"}, 0),
        ("notifications", {"run_id": str(run_id)}, 0),
    ]
    for path, filters, count in expected:
        page = await owner.ask("GET", f"/v1/{path}", 200, params=filters)
        assert len(page["items"]) == count, f"{path} {filters}"


async def test_a_cursor_belongs_to_its_account_list_and_filters(owner: Client, stranger: Client) -> None:
    for name in ("a", "b", "c"):
        for client in (owner, stranger):
            await client.ask("POST", "/v1/drop-folders", 201, json={"name": name})
    cursor = (await owner.ask("GET", "/v1/drop-folders", 200, params={"limit": 1}))["next_cursor"]
    await owner.ask("GET", "/v1/drop-folders", 200, params={"cursor": cursor, "limit": 2})
    for client, path, more in (
        (stranger, "drop-folders", {}),
        (owner, "drop-folders", {"name": "b"}),
        (owner, "connections", {}),
    ):
        problem = await client.ask("GET", f"/v1/{path}", 422, params={"cursor": cursor, **more})
        assert problem["errors"][0]["code"] == "foreign_cursor"


async def test_a_list_that_grows_meanwhile_repeats_and_leaves_out_nothing(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    for number in range(4):
        goal = {**EXPORT_GOAL, "name": f"goal {number}", "position": 5 + number, "active": False}
        await owner.ask("POST", path, 201, json=goal)
    first = await owner.ask("GET", path, 200, params={"limit": 2})
    await owner.ask("POST", path, 201, json={**EXPORT_GOAL, "name": "early", "position": 0, "active": False})
    await owner.ask("POST", path, 201, json={**EXPORT_GOAL, "name": "late", "position": 6, "active": False})
    rest = await owner.ask("GET", path, 200, params={"cursor": first["next_cursor"]})
    names = [each["name"] for each in first["items"] + rest["items"]]
    assert names == ["Nightly contacts", "goal 0", "goal 1", "late", "goal 2", "goal 3"]


async def test_all_goals_of_a_connection_run_now(owner: Client, connect: Callable[..., Client]) -> None:
    made = await set_up(owner)
    connection = f"/v1/connections/{made['connection']['id']}"
    for position in (3, 2):
        target = {"directory": f"out {position}"}
        goal = {**EXPORT_GOAL, "name": f"goal {position}", "position": position, "target": target}
        await owner.ask("POST", f"{connection}/goals", 201, json=goal)
    answer = await owner.post(f"{connection}/runs")
    assert answer.status_code == 202
    turns = (await owner.ask("GET", answer.headers["Location"], 200))["turns"]
    goals = [each["id"] for each in (await owner.ask("GET", f"{connection}/goals", 200))["items"]]
    assert [each["goal_id"] for each in turns] == goals
    await owner.ask("POST", f"/v1/connections/{uuid4()}/runs", 404)
