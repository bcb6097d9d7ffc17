"""`POST /api/2.0/imports/sftp`: who may ask, what it becomes in the ledger, and what becomes of the password."""

import asyncio
import base64
import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.api.tools import Tools
from shared.domain.failures import TooManyRefusals
from shared.domain.receipt import Receipt
from shared.domain.run import RunState
from shared.storage import connections, one_shots, removal, runs, takeover
from shared.storage.database import Database, Tx
from shared.storage.one_shots import MAX_REFUSALS
from shared.storage.secrets import KeyRing
from tests.eventually import eventually
from tests.integration.api.asking import SFTP_PLACE, Client
from tests.integration.api.ledger import claim, complete, fail, messages
from tests.integration.api.test_gate import gateway

PATH = "/api/2.0/imports/sftp"
PASSWORD = "hush hush tideshop"
ANY = {"If-Match": "*"}


def asked(**changes: Any) -> dict[str, Any]:
    """A request that imports e-mail addresses."""
    credentials = {"hostname": "Files.Partner.example", "username": "shop", "password": PASSWORD, "file": "/in/a.csv"}
    return {
        "credentials": credentials | changes.pop("credentials", {}),
        "mappings": {"email": 0},
        "settings": {},
    } | changes


async def prepare(client: Client) -> None:
    """What e-mail addresses go into."""
    await client.ask("POST", "/v1/properties", 201, json={"name": "email", "type": "email", "identifier": True})


def basic(user: str, password: str) -> dict[str, str]:
    """As curl sends `-u user:password`."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def password_of(database: Database, ring: KeyRing, account: UUID, arrival_id: UUID) -> str | None:
    """The password that is kept for an arrival."""
    async with database.account(account) as tx:
        found = await one_shots.find(tx, ring, arrival_id, "/in/a.csv")
    assert found is not None
    return found.login.password


async def test_a_keys_prefix_and_secret_open_this_path_and_no_other(tools: Tools, key: str) -> None:
    _, prefix, secret = key.split("_")
    async with gateway(tools, wrong_keys_per_minute=8) as client:
        await prepare(
            Client(transport=client._transport, base_url=client.base_url, headers={"Authorization": f"Bearer {key}"})
        )
        for user in (prefix, f"tg_{prefix}"):
            await client.ask("POST", PATH, 202, json=asked(), headers=basic(user, secret))
        await client.ask("POST", "/api/2.0/imports/ftp", 404, json={}, headers=basic(prefix, secret))
        await client.ask("GET", "/v1/runs", 401, headers=basic(prefix, secret))
        wrong = [basic(prefix, "b" * 32), basic("", ""), basic(prefix, ""), {"Authorization": "Basic %"}, {}]
        for headers in wrong:
            answer = await client.post(PATH, json=asked(), headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"] == 'Basic realm="Tidegate", charset="UTF-8"'
            assert answer.headers["Cache-Control"] == "no-store"
        await client.ask("POST", "/api/2.0", 401)
        await client.ask("POST", PATH, 401, json=asked(), headers=basic("a" * 10, "b" * 32))
        await client.ask("POST", PATH, 429, json=asked(), headers=basic("a" * 10, "c" * 32))
        await client.ask("POST", PATH, 202, json=asked(), headers=basic(prefix, secret))


async def test_it_becomes_an_arrival_a_run_and_a_connection_of_its_server(
    owner: Client, stranger: Client, database: Database, account: UUID, tools: Tools
) -> None:
    """The same server is the same connection, the same file and user the same goal; another account shares nothing."""
    await prepare(owner)
    await prepare(stranger)
    await owner.ask("POST", "/v1/lists", 201, json={"name": "Visitors"})
    body = asked(listIds=[1], settings={"progress_email_address": "crm@shop.example"})
    answer = await owner.post(PATH, json=body)
    run = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/runs/{run['id']}")
    assert (run["state"], run["path"], run["size_bytes"], run["warnings"]) == ("queued", "/in/a.csv", None, [])
    assert (await messages(database)).count("file.arrived.v1") == 1
    arrival = await owner.ask("GET", f"/v1/arrivals/{run['arrival_id']}", 200)
    assert (arrival["state"], arrival["size_bytes"], arrival["modified_at"]) == ("accepted", None, None)
    goal = await owner.ask("GET", f"/v1/goals/{run['goal_id']}", 200)
    assert goal["feedback"] == {"emails": ["crm@shop.example"], "when": "always"}
    assert (goal["lists"]["add_to"], goal["opt_in"]["declaration"], goal["mode"]) == ([1], "undefined", "upsert")
    (connection,) = (await owner.ask("GET", "/v1/connections", 200, params={"transport": "one_shot"}))["items"]
    assert (connection["id"], connection["next_look_at"]) == (run["connection_id"], None)
    place = {"transport": "one_shot", "host": "Files.Partner.example", "port": 21, "host_keys": []}
    assert connection["place"] == place
    assert await password_of(database, tools.keys, account, UUID(run["arrival_id"])) == PASSWORD

    again = await owner.ask("POST", PATH, 202, json=asked(credentials={"hostname": "files.partner.EXAMPLE"}))
    assert (again["connection_id"], again["goal_id"], again["goal_version"]) == (
        run["connection_id"],
        run["goal_id"],
        2,
    )
    other = await owner.ask("POST", PATH, 202, json=asked(credentials={"username": "other", "port": 22}))
    assert other["connection_id"] != run["connection_id"]
    theirs = await stranger.ask("POST", PATH, 202, json=body)
    assert [each["code"] for each in theirs["warnings"]] == ["unknown_list"]
    assert theirs["connection_id"] != run["connection_id"]
    shown = [
        await owner.get(path) for path in ("/v1/connections", "/v1/runs", "/v1/arrivals", f"/v1/goals/{goal['id']}")
    ]
    async with database.watching() as watch:
        kept = str(await watch.connection.fetch("SELECT * FROM tidegate.outbox"))
    assert PASSWORD not in kept + "".join(each.text for each in shown)


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled", "lost"])
async def test_the_password_lives_as_long_as_its_run(
    end: str, owner: Client, database: Database, account: UUID, tools: Tools
) -> None:
    """A crash keeps it for who takes over; the end of the run does not, and it says to ask again."""
    await prepare(owner)
    run = await owner.ask("POST", PATH, 202, json=asked())
    run_id, arrival_id = UUID(run["id"]), UUID(run["arrival_id"])
    if end == "cancelled":
        await owner.ask("POST", f"/v1/runs/{run_id}/cancel", 200)
    else:
        lost = await claim(database)
        assert await takeover.take_over(database, account, run_id, lost.token, 2) == "requeued"
        claimed = await claim(database)
        assert await password_of(database, tools.keys, account, arrival_id) == PASSWORD
        if end == "lost":
            assert await takeover.take_over(database, account, run_id, claimed.token, 2) == "given_up"
        else:
            await (complete(database, claimed, []) if end == "completed" else fail(database, claimed))
    assert await password_of(database, tools.keys, account, arrival_id) is None
    shown = await owner.ask("GET", f"/v1/runs/{run_id}", 200)
    assert shown["finished_at"] is not None
    if end != "completed":
        assert "Send the request again" in shown["reason"]["what_to_do"]
        refused = await owner.ask("POST", f"/v1/runs/{run_id}/retry", 409, json={})
        assert refused["code"] == "password_forgotten"


async def test_a_password_whose_run_another_release_ended_is_deleted_by_the_sweeper(
    owner: Client, database: Database, account: UUID, tools: Tools
) -> None:
    """Services of an earlier one may still be at work: they end runs, and know of no passwords."""
    await prepare(owner)
    ended = await owner.ask("POST", PATH, 202, json=asked())
    open_ = await owner.ask("POST", PATH, 202, json=asked(credentials={"file": "/in/b.csv"}))
    async with database.account(account) as tx:
        held = await runs.lock(tx, UUID(ended["id"]))
        assert held is not None
        receipt = receipt_of(held["run_id"], UUID(ended["goal_id"]))
        await runs.end_without_worker(tx, held["run_id"], RunState.CANCELLED, receipt)
    kept = [
        await password_of(database, tools.keys, account, UUID(each["arrival_id"]))
        for _ in range(2)
        if await one_shots.forget_ended(database) <= 1
        for each in (ended, open_)
    ]
    assert kept == [None, PASSWORD] * 2


def receipt_of(run_id: UUID, goal_id: UUID) -> Receipt:
    """Of a run that was cancelled before it began."""
    return Receipt(
        run_id=run_id, goal_id=goal_id, goal_version=1, state=RunState.CANCELLED, queued_at=datetime.now(UTC)
    )


async def test_its_connection_is_nobodys_to_set_and_anybodys_to_take_away(owner: Client, database: Database) -> None:
    await prepare(owner)
    run = await owner.ask("POST", PATH, 202, json=asked())
    path = f"/v1/connections/{run['connection_id']}"
    sent = {"name": "n", "place": SFTP_PLACE}
    for method, where, body in (
        ("PUT", path, sent),
        ("PATCH", path, {"name": "n"}),
        ("POST", f"{path}/verify", None),
        ("POST", f"{path}/runs", None),
        ("POST", f"{path}/goals", {"kind": "export_profiles", "name": "n", "columns": [{"property": "email"}]}),
        ("POST", "/v1/samples", {"connection_id": run["connection_id"], "path": "a.csv"}),
    ):
        refused = await owner.ask(method, where, 409, json=body, headers=ANY)
        assert refused["code"] == "one_shot_connection", where
    await owner.ask("POST", "/v1/connections", 422, json={"name": "n", "place": {"transport": "one_shot", "host": "a"}})
    await owner.ask("DELETE", path, 409, headers=ANY)
    await complete(database, await claim(database), [])
    await owner.ask("DELETE", path, 204, headers=ANY)
    again = await owner.ask("POST", PATH, 202, json=asked())
    assert again["connection_id"] != run["connection_id"]


async def test_a_request_reads_no_other_goal_of_its_server(owner: Client, database: Database, account: UUID) -> None:
    """There is one for every file that was ever asked for: thousands, where names have dates in them."""
    await prepare(owner)
    first = await owner.ask("POST", PATH, 202, json=asked())
    async with database.account(account) as tx:
        unreadable = "UPDATE tidegate.goals SET settings = '{}' WHERE goal_id = $1"
        await tx.connection.execute(unreadable, UUID(first["goal_id"]))
    second = await owner.ask("POST", PATH, 202, json=asked(credentials={"file": "/in/b.csv"}))
    assert second["connection_id"] == first["connection_id"]


async def test_a_connection_that_is_taken_away_at_this_moment_is_made_anew(
    owner: Client, database: Database, account: UUID
) -> None:
    await prepare(owner)
    first = await owner.ask("POST", PATH, 202, json=asked())
    await complete(database, await claim(database), [])
    async with database.account(account) as tx:
        await connections.lock(tx, UUID(first["connection_id"]))
        asking = asyncio.create_task(owner.post(PATH, json=asked()))
        await eventually(lambda: waits_for_a_lock(tx), "the request to meet the connection's lock")
        await removal.remove_connection(tx, UUID(first["connection_id"]))
    answer = await asking
    assert answer.status_code == 202, answer.text
    assert answer.json()["connection_id"] != first["connection_id"]


async def waits_for_a_lock(tx: Tx) -> bool:
    """Whether somebody does."""
    query = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await tx.connection.fetchval(query))


async def test_a_server_that_refuses_logins_is_left_alone(owner: Client, database: Database, account: UUID) -> None:
    """However many passwords somebody has: it may lock the user out, or ban us. Who was let in goes on."""
    await prepare(owner)

    async def imported(username: str, *, is_refused: bool) -> UUID:
        who = {"username": username, "password": os.urandom(9).hex()}
        await owner.ask("POST", PATH, 202, json=asked(credentials=who))
        claimed = await claim(database)
        await (fail(database, claimed, "login_refused") if is_refused else complete(database, claimed, []))
        return claimed.connection_id

    server = await imported("known", is_refused=False)
    for number in range(MAX_REFUSALS):
        await imported(f"guess-{number}", is_refused=True)
    refused = await owner.post(PATH, json=asked())
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_refusals")
    assert 500 < int(refused.headers["Retry-After"]) <= 600
    await owner.ask("POST", PATH, 202, json=asked(credentials={"hostname": "other.partner.example"}))
    await owner.ask("POST", PATH, 202, json=asked(credentials={"username": "known"}))
    # What had been taken before is not tried either.
    async with database.account(account) as tx:
        with pytest.raises(TooManyRefusals):
            await one_shots.require_rest(tx, server, "shop")
        aged = "UPDATE tidegate.runs SET finished_at = finished_at - interval '10 minutes'"
        await tx.connection.execute(f"{aged} WHERE reason_code = 'login_refused'")
        await one_shots.require_rest(tx, server, "shop")


async def test_errors_are_problems_that_point_into_the_request(owner: Client) -> None:
    await prepare(owner)
    body = asked(credentials={"port": 22, "post": "21", "host": "a"}, mappings={"email": 0, "colour": 1})
    problem = await owner.ask("POST", PATH, 422, json=body)
    told = {each["pointer"]: each for each in problem["errors"]}
    assert set(told) == {"/credentials/post", "/credentials/host"}
    assert "hostname" in told["/credentials/host"]["detail"]
    problem = await owner.ask("POST", PATH, 422, json=asked(mappings={"email": 0, "colour": 1}))
    assert [each["pointer"] for each in problem["errors"]] == ["/mappings/colour"]
    assert PASSWORD not in str(problem)
    assert (await owner.ask("POST", PATH, 422, json=[]))["errors"][0]["code"] == "wrong_type"
    assert (await owner.ask("GET", "/v1/runs", 200))["items"] == []
