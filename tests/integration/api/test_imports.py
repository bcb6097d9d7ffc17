"""`/v1/imports`: what a file that is sent becomes in the ledger, and what the connection of imports refuses."""

from typing import Any
from uuid import UUID

from services.importer.kept import settle_kept
from shared.storage import kept_files
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, IMPORT_GOAL, Client, set_up
from tests.integration.api.ledger import ask_a_person, claim, complete, fail, messages

FILE = {"Content-Type": "application/octet-stream"}
CONTENT = b"E-mail;First name\nann@shop.example;Ann\n"
ANY = {"If-Match": "*"}


async def send(client: Client, goal_id: str, status: int = 202, content: bytes = CONTENT, **more: str) -> Any:
    """Send a file to be imported by a goal's settings."""
    path = f"/v1/imports?name=visitors.csv&goal_id={goal_id}"
    return await client.ask("POST", path, status, content=content, headers={**FILE, **more})


async def test_a_file_that_is_sent_has_an_arrival_a_run_and_a_goal_of_its_own(
    owner: Client, database: Database
) -> None:
    goal_id = (await set_up(owner))["goal"]["id"]
    run = await send(owner, goal_id)
    assert (run["state"], run["path"], run["size_bytes"]) == ("queued", "visitors.csv", len(CONTENT))
    assert (await messages(database)).count("file.arrived.v1") == 1
    arrival = await owner.ask("GET", f"/v1/arrivals/{run['arrival_id']}", 200)
    assert (arrival["state"], [each["run_id"] for each in arrival["runs"]]) == ("accepted", [run["id"]])
    own = await owner.ask("GET", f"/v1/goals/{run['goal_id']}", 200)
    assert own["id"] != goal_id
    assert own["name"] == IMPORT_GOAL["name"]
    connection = await owner.ask("GET", f"/v1/connections/{run['connection_id']}", 200)
    assert (connection["place"], connection["next_look_at"]) == ({"transport": "manual"}, None)
    found = await owner.ask("GET", "/v1/connections", 200, params={"transport": "manual", "active": True})
    assert [each["id"] for each in found["items"]] == [connection["id"]]
    shown = await owner.ask("GET", f"/v1/imports/{run['id']}", 200)
    assert (shown["goal_id"], shown["goal_version"], shown["file_name"]) == (own["id"], 1, "visitors.csv")


async def test_the_same_name_again_is_the_next_version_of_its_goal(owner: Client) -> None:
    goal_id = (await set_up(owner))["goal"]["id"]
    first, again = await send(owner, goal_id), await send(owner, goal_id)
    assert (again["goal_id"], again["goal_version"]) == (first["goal_id"], 1)
    await owner.ask("PATCH", f"/v1/goals/{goal_id}", 200, json={"mode": "update_only"}, headers=ANY)
    later = await send(owner, goal_id)
    assert (later["goal_id"], later["goal_version"]) == (first["goal_id"], 2)
    page = await owner.ask("GET", "/v1/imports", 200, params={"limit": 2})
    rest = await owner.ask("GET", "/v1/imports", 200, params={"limit": 2, "cursor": page["next_cursor"]})
    assert [each["id"] for each in (*page["items"], *rest["items"])] == [later["id"], again["id"], first["id"]]
    named = await owner.ask("GET", "/v1/imports", 200, params={"name": "another", "state": "queued"})
    assert named["items"] == []


async def test_two_uploads_under_one_idempotency_key_are_one_run(owner: Client) -> None:
    goal_id = (await set_up(owner))["goal"]["id"]
    key = {"Idempotency-Key": "fair of march"}
    first, again = await send(owner, goal_id, **key), await send(owner, goal_id, **key)
    assert first["id"] == again["id"]
    refused = await send(owner, goal_id, 422, CONTENT * 2, **key)
    assert refused["code"] == "idempotency_key_reused"
    assert len((await owner.ask("GET", "/v1/imports", 200))["items"]) == 1


async def test_only_an_import_that_has_completed_leads(owner: Client, database: Database) -> None:
    made = await set_up(owner)
    run = await send(owner, made["goal"]["id"])
    path = f"/v1/connections/{made['connection']['id']}/goals"
    asked = {"name": "Led", "from_import": run["id"], "source": {"pattern": {"wildcard": "led_*.csv"}}}
    early = await owner.ask("POST", path, 409, json=asked)
    assert (early["code"], early["errors"][0]["pointer"]) == ("import_not_completed", "/from_import")
    await complete(database, await claim(database))
    led = await owner.ask("POST", path, 201, json=asked)
    assert (led["dialect"]["delimiter"], led["mapping"][0]["field"]) == (";", "First name")
    for wrong in ("nonsense", None, str(UUID(int=7))):
        refused = await owner.ask("POST", path, 422, json={**asked, "from_import": wrong})
        assert refused["errors"][0]["pointer"] == "/from_import"
    for wrong in ("nonsense", str(UUID(int=7)), made["goal"]["id"]):
        refused = await owner.ask("PATCH", f"/v1/goals/{led['id']}", 422, json={"from_import": wrong}, headers=ANY)
        assert refused["errors"][0]["pointer"] == "/from_import"
    # What a goal says of its import must be true, however it came to say it.
    copied = {**IMPORT_GOAL, "led_by": {"import_id": run["id"]}, "mode": "update_only"}
    refused = await owner.ask("POST", path, 422, json=copied)
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [("/mode", "led_by_import")]


async def test_the_connection_of_imports_is_built_in(owner: Client, database: Database) -> None:
    run = await send(owner, (await set_up(owner))["goal"]["id"])
    connection, goal = f"/v1/connections/{run['connection_id']}", f"/v1/goals/{run['goal_id']}"
    settings = {"name": "Mine", "place": {"transport": "sftp", "host": "files.partner.example", "username": "shop"}}
    asked: list[tuple[str, str, Any]] = [
        ("PUT", connection, settings),
        ("PATCH", connection, {"name": "Mine"}),
        ("DELETE", connection, None),
        ("POST", f"{connection}/verify", None),
        ("POST", f"{connection}/runs", None),
        ("POST", f"{connection}/goals", EXPORT_GOAL),
        ("POST", f"{goal}/runs", None),
    ]
    for method, path, body in asked:
        problem = await owner.ask(method, path, 409, json=body, headers=ANY)
        assert problem["code"] == "manual_connection", path
    await owner.ask("POST", "/v1/connections", 422, json={"name": "n", "place": {"transport": "manual"}})
    for change in ({"name": "Other"}, {"active": False}, {"source": {"pattern": {"wildcard": "*.txt"}}}):
        problem = await owner.ask("PATCH", goal, 422, json=change, headers=ANY)
        assert {each["code"] for each in problem["errors"]} == {"manual_import"}
    # What it says of files can be mended, as with any other goal, before its run is tried again.
    await fail(database, await claim(database))
    await owner.ask("PATCH", goal, 200, json={"mode": "update_only"}, headers=ANY)
    again = await owner.ask("POST", f"/v1/runs/{run['id']}/retry", 202)
    assert (again["state"], again["goal_version"]) == ("queued", 2)


async def test_a_file_that_is_kept_no_longer_is_neither_retried_nor_approved(
    owner: Client, database: Database, account: UUID
) -> None:
    goal_id = (await set_up(owner))["goal"]["id"]
    failed, asking = await send(owner, goal_id), await send(owner, goal_id, content=CONTENT * 2)
    await fail(database, await claim(database))
    await ask_a_person(database, await claim(database))
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.kept_files SET expires_at = now()")
    for run, decision in ((failed, "retry"), (asking, "approve")):
        problem = await owner.ask("POST", f"/v1/runs/{run['id']}/{decision}", 404)
        assert (problem["code"], problem["what_to_do"]) == ("kept_file_gone", "Send the file again.")
    assert (await owner.ask("GET", f"/v1/imports/{failed['id']}", 200))["file_kept_until"] is None


async def test_a_sample_that_is_deleted_leaves_its_file_to_the_import_of_it(owner: Client, database: Database) -> None:
    goal_id = (await set_up(owner))["goal"]["id"]
    sample = await owner.ask("POST", "/v1/samples?name=visitors.csv", 201, content=CONTENT, headers=FILE)
    asked = {"sample_id": sample["id"], "goal_id": goal_id}
    beside = await owner.ask("POST", f"/v1/imports?name=a.csv&goal_id={goal_id}", 422, json=asked)
    assert [each["pointer"] for each in beside["errors"]] == ["?name", "?goal_id"]
    run = await owner.ask("POST", "/v1/imports", 202, json=asked)
    kept_until = (await owner.ask("GET", f"/v1/imports/{run['id']}", 200))["file_kept_until"]
    await owner.ask("DELETE", f"/v1/samples/{sample['id']}", 204)
    assert (await owner.ask("GET", f"/v1/imports/{run['id']}", 200))["file_kept_until"] == kept_until is not None
    assert await kept_files.sweep(database) == 0
    await owner.ask("POST", "/v1/imports", 404, json=asked)


async def test_what_cannot_be_imported_is_refused_and_not_kept(
    owner: Client, database: Database, account: UUID
) -> None:
    made = await set_up(owner)
    export = await owner.ask("POST", f"/v1/connections/{made['connection']['id']}/goals", 201, json=EXPORT_GOAL)
    await send(owner, export["id"], 422)
    await send(owner, str(UUID(int=7)), 404)
    nameless = await owner.ask("POST", f"/v1/imports?goal_id={made['goal']['id']}", 422, content=CONTENT, headers=FILE)
    goalless = await owner.ask("POST", "/v1/imports?name=a.csv", 422, content=CONTENT, headers=FILE)
    assert (nameless["code"], goalless["errors"][0]["pointer"]) == ("invalid_request", "?goal_id")
    async with database.account(account) as tx:
        assert await tx.connection.fetchval("SELECT count(*) FROM tidegate.kept_files") == 0


async def test_a_goal_that_cannot_follow_stays_and_people_are_told(
    owner: Client, database: Database, account: UUID
) -> None:
    """That a file held everybody is not taken over. A goal whose files do so cannot sum as a later import does."""
    made = await set_up(owner)
    goal = f"/v1/goals/{made['goal']['id']}"
    await owner.ask("POST", "/v1/properties", 201, json={"name": "points", "type": "integer"})
    await owner.ask("PATCH", goal, 200, json={"full_file": True}, headers=ANY)
    first = await send(owner, made["goal"]["id"])
    await complete(database, await claim(database))
    path = f"/v1/connections/{made['connection']['id']}/goals"
    asked = {"name": "Led", "from_import": first["id"], "source": {"pattern": {"wildcard": "led_*.csv"}}}
    assert (await owner.ask("POST", path, 201, json=asked))["full_file"] is False
    follows = await owner.ask("POST", path, 201, json={**asked, "name": "All", "full_file": True, "latest": True})
    sums = {"full_file": False, "mapping": [{"field": "Points", "property": "points", "rule": "sum"}]}
    await owner.ask("PATCH", goal, 200, json=sums, headers=ANY)
    later = await send(owner, made["goal"]["id"])
    await complete(database, await claim(database))
    async with database.account(account) as tx:
        assert await settle_kept(tx, UUID(later["arrival_id"])) == "kept"
    now = await owner.ask("GET", f"/v1/goals/{follows['id']}", 200)
    assert (now["version"], now["led_by"]["import_id"]) == (1, first["id"])
    (news,) = (await owner.ask("GET", "/v1/notifications", 200, params={"code": "goal_not_led"}))["items"]
    assert (news["goal_id"], news["run_id"]) == (follows["id"], later["id"])
    assert "/full_file" in news["detail"]
    # The end of one that has not completed changes nothing, and is no news of the goal.
    failed = await send(owner, made["goal"]["id"], content=CONTENT * 2)
    await fail(database, await claim(database))
    async with database.account(account) as tx:
        await settle_kept(tx, UUID(failed["arrival_id"]))
    assert (await owner.ask("GET", "/v1/notifications", 200, params={"code": "goal_not_led"}))["items"] == [news]
