"""Runs: seen, decided about, and their rejects handed back."""

import csv
import io
from uuid import UUID

from shared.storage import runs
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, IMPORT_GOAL, Client, set_up
from tests.integration.api.ledger import arrive, ask_a_person, claim, complete, fail, messages


async def test_an_export_runs_now_once_per_idempotency_key(owner: Client, database: Database) -> None:
    made = await set_up(owner)
    goal = await owner.ask("POST", f"/v1/connections/{made['connection']['id']}/goals", 201, json=EXPORT_GOAL)
    path = f"/v1/goals/{goal['id']}/runs"
    first = await owner.post(path, headers={"Idempotency-Key": "one"})
    assert first.status_code == 202
    again = await owner.post(path, headers={"Idempotency-Key": "one"})
    assert again.json() == first.json()
    other = await owner.post(path)
    assert other.json() != first.json()
    run = await owner.ask("GET", first.headers["Location"], 200)
    assert (run["kind"], run["state"], run["progress"]) == ("export", "queued", None)
    assert (await messages(database)).count("export.requested.v1") == 2


async def test_an_import_runs_now_by_looking_at_its_folder(owner: Client, database: Database, account: UUID) -> None:
    made = await set_up(owner)
    asked = await owner.ask("POST", f"/v1/goals/{made['goal']['id']}/runs", 202)
    assert asked == {"run_ids": [], "is_looking": True}
    off = {**IMPORT_GOAL, "active": False}
    await owner.ask("PUT", f"/v1/goals/{made['goal']['id']}", 200, json=off, headers={"If-Match": "*"})
    assert (await owner.ask("POST", f"/v1/goals/{made['goal']['id']}/runs", 409))["code"] == "goal_inactive"


async def test_a_connection_runs_all_its_active_goals(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}"
    export = await owner.ask("POST", f"{path}/goals", 201, json=EXPORT_GOAL | {"position": 2})
    elsewhere = {"name": "Idle", "active": False, "position": 3, "target": {"directory": "idle"}}
    idle = await owner.ask("POST", f"{path}/goals", 201, json={**EXPORT_GOAL, **elsewhere})
    asked = await owner.ask("POST", f"{path}/runs", 202)
    assert (asked["run_ids"], asked["is_looking"]) == ([], True)
    shown = (await owner.ask("GET", f"{path}/round", 200))["turns"]
    assert [(each["goal_id"], each["begun_at"] is not None) for each in shown] == [
        (made["goal"]["id"], True),
        (export["id"], False),
    ]
    # What is still to come is enough; whose turn it is has another one afterwards.
    await owner.ask("PATCH", f"/v1/goals/{idle['id']}", 200, json={"active": True}, headers={"If-Match": "*"})
    await owner.ask("POST", f"{path}/runs", 202)
    shown = (await owner.ask("GET", f"{path}/round", 200))["turns"]
    assert [each["goal_id"] for each in shown] == [made["goal"]["id"], export["id"], made["goal"]["id"], idle["id"]]
    await owner.ask("DELETE", f"{path}/round", 204)
    [under_way] = (await owner.ask("GET", f"{path}/round", 200))["turns"]
    assert under_way["goal_id"] == made["goal"]["id"]


async def test_a_running_run_shows_its_progress(owner: Client, database: Database, account: UUID) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    claimed = await claim(database)
    async with database.account(account) as tx:
        await runs.heartbeat(tx, claimed, runs.Progress("stage", rows_done=3, bytes_done=40, bytes_total=100))
    run = await owner.ask("GET", f"/v1/runs/{run_id}", 200)
    assert run["progress"] == {"step": "stage", "rows_done": 3, "bytes_done": 40, "bytes_total": 100}
    assert run["path"] == "in/contacts_0.csv"
    await complete(database, claimed)
    run = await owner.ask("GET", f"/v1/runs/{run_id}", 200)
    assert run["progress"] is None
    assert (run["receipt"]["created"], run["receipt"]["rejected"]) == (7, 3)


async def test_runs_are_listed_newest_first_and_filtered(owner: Client, database: Database, account: UUID) -> None:
    made = await set_up(owner)
    ids = [str(await arrive(database, account, made, minute=minute)) for minute in range(5)]
    await fail(database, await claim(database))
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = await owner.ask("GET", "/v1/runs", 200, params=query)
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(ids)
    assert seen[0] == ids[-1]
    failed = await owner.ask("GET", "/v1/runs", 200, params={"state": "failed"})
    assert [each["reason"]["code"] for each in failed["items"]] == ["header_changed"]
    by_goal = await owner.ask("GET", "/v1/runs", 200, params={"goal_id": made["goal"]["id"]})
    assert len(by_goal["items"]) == 5
    assert (await owner.ask("GET", "/v1/runs", 200, params={"goal_id": made["connection"]["id"]}))["items"] == []
    await owner.ask("GET", "/v1/runs", 422, params={"state": "unwell"})
    await owner.ask("GET", "/v1/runs", 422, params={"gaol_id": "misspelt"})


async def test_a_run_that_waits_for_approval_goes_on(owner: Client, database: Database, account: UUID) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    await owner.ask("POST", f"/v1/runs/{run_id}/approve", 409)
    await ask_a_person(database, await claim(database))
    before = await messages(database)
    approved = await owner.ask("POST", f"/v1/runs/{run_id}/approve", 200)
    assert (approved["state"], approved["waits_for"]) == ("queued", None)
    assert (await messages(database))[len(before) :] == ["file.arrived.v1"]
    assert (await claim(database)).is_approved


async def test_a_queued_run_is_cancelled_at_once_with_a_receipt(
    owner: Client, database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    cancelled = await owner.ask("POST", f"/v1/runs/{run_id}/cancel", 200)
    assert cancelled["state"] == cancelled["receipt"]["state"] == "cancelled"
    assert {"run.finished.v1", "arrival.ended.v1"} <= set(await messages(database))
    await owner.ask("POST", f"/v1/runs/{run_id}/cancel", 409)


async def test_a_running_run_is_asked_to_stop(owner: Client, database: Database, account: UUID) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    claimed = await claim(database)
    asked = await owner.ask("POST", f"/v1/runs/{run_id}/cancel", 202)
    assert asked["state"] == "running"
    async with database.account(account) as tx:
        assert await runs.heartbeat(tx, claimed, runs.Progress())


async def test_a_failed_run_is_retried_by_what_its_goal_says_now(
    owner: Client, database: Database, account: UUID
) -> None:
    made = await set_up(owner)
    run_id = await arrive(database, account, made)
    await owner.ask("POST", f"/v1/runs/{run_id}/retry", 409)
    await fail(database, await claim(database))
    mended = {**IMPORT_GOAL, "name": "Mended"}
    await owner.ask("PUT", f"/v1/goals/{made['goal']['id']}", 200, json=mended, headers={"If-Match": "*"})
    retried = await owner.ask("POST", f"/v1/runs/{run_id}/retry", 202)
    assert (retried["state"], retried["goal_version"], retried["reason"]) == ("queued", 2, None)
    assert (await claim(database)).attempt == 1


async def test_a_run_of_a_goal_that_was_taken_away_is_not_retried(
    owner: Client, database: Database, account: UUID
) -> None:
    made = await set_up(owner)
    run_id = await arrive(database, account, made)
    await fail(database, await claim(database))
    await owner.ask("DELETE", f"/v1/goals/{made['goal']['id']}", 204, headers={"If-Match": "*"})
    assert (await owner.ask("POST", f"/v1/runs/{run_id}/retry", 409))["code"] == "goal_inactive"
    assert (await owner.ask("GET", f"/v1/runs/{run_id}", 200))["state"] == "failed"


async def test_an_older_run_is_retried_only_when_that_is_said(owner: Client, database: Database, account: UUID) -> None:
    made = await set_up(owner)
    older = await arrive(database, account, made, minute=1)
    await arrive(database, account, made, minute=2)
    await fail(database, await claim(database))
    await complete(database, await claim(database))
    assert (await owner.ask("POST", f"/v1/runs/{older}/retry", 409))["code"] == "older_than_completed"
    await owner.ask("POST", f"/v1/runs/{older}/retry", 202, json={"out_of_order": True})


async def test_rejects_are_listed_with_their_reasons(owner: Client, database: Database, account: UUID) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    claimed = await claim(database)
    assert (await owner.ask("GET", f"/v1/runs/{run_id}/rejects", 200))["items"] == []
    await complete(database, claimed)
    page = await owner.ask("GET", f"/v1/runs/{run_id}/rejects", 200, params={"limit": 2})
    assert [each["code"] for each in page["items"]] == ["not_an_email", "too_few_fields"]
    assert page["items"][0]["line_number"] == 3
    assert page["items"][0]["message"] == "The value is not an e-mail address."
    rest = await owner.ask("GET", f"/v1/runs/{run_id}/rejects", 200, params={"cursor": page["next_cursor"]})
    assert [each["raw"] for each in rest["items"]] == [["c@x.example", "C\ufffd"]]
    assert rest["next_cursor"] is None


async def test_the_rejects_file_has_the_originals_columns_and_dialect(
    owner: Client, database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    path = f"/v1/runs/{run_id}/rejects.csv"
    assert (await owner.ask("GET", path, 409))["code"] == "conflict"
    await complete(database, await claim(database))
    answer = await owner.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert b"C\xff;" in answer.content, "an undecodable byte is written as it was read"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8", "replace")), delimiter=";"))
    assert rows[0] == ["E-mail", "First name", "_row", "_code", "_field", "_message", "_run"]
    message = "The value is not an e-mail address."
    assert rows[1] == ["ann(at)x", 'Ann; "A"', "3", "not_an_email", "E-mail", message, str(run_id)]
    assert rows[2][:4] == ["bob@x.example", "", "6", "too_few_fields"]
    assert len(rows) == 4
