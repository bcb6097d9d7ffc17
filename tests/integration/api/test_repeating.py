"""`Idempotency-Key`: a POST that is repeated is carried out once and answered the same, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import BaseModel

from services.api import app
from services.api.once import once_fields
from services.api.tools import Tools
from shared.domain.scope import OWNER_SCOPES
from shared.storage import inquiries, kept_answers, login_scores, notifications
from shared.storage.database import Database, Tx
from tests.integration.api.asking import EXPORT_GOAL, HOST_KEY, SFTP_PLACE, Client, set_up
from tests.integration.api.conftest import make_key
from tests.integration.api.ledger import arrive, ask_a_person, claim, fail, messages
from tests.integration.api.operations import BODIES, EVENT, PERIOD

KEY = {"Idempotency-Key": "0b5ee0a8-4b1a-4b56-9f1e-1d0c4c3ac2fc"}
PASSWORD = "correct horse battery staple"
FILE = {"Content-Type": "application/octet-stream"}
SAMPLE = b"email;name\na@shop.example;Ann\nb@shop.example;Bob\n"


async def _twice(client: Client, path: str, body: Any = None) -> tuple[httpx.Response, httpx.Response]:
    more: dict[str, Any] = {} if body is None else {"json": body}
    first = await client.post(path, headers=KEY, **more)
    assert first.is_success, first.text
    assert "Idempotency-Replayed" not in first.headers
    again = await client.post(path, headers=KEY, **more)
    assert again.headers["Idempotency-Replayed"] == "true"
    return first, again


def _same(first: httpx.Response, again: httpx.Response, *secrets: str) -> None:
    expected = {**first.json(), **dict.fromkeys(secrets, "already_shown")}
    assert (again.status_code, again.json()) == (first.status_code, expected)
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers.get(name) == first.headers.get(name)


async def _one_of_each(owner: Client, database: Database, account: UUID) -> dict[str, tuple[str, Any]]:
    """Each POST of a tenant by its route, with a path and a body that work."""
    made = await set_up(owner, hosted=True)
    partner = await owner.ask("POST", "/v1/connections", 201, json={"name": "P", "place": SFTP_PLACE})
    connection, goal = f"/v1/connections/{partner['id']}", made["goal"]["id"]
    await owner.ask("POST", f"{connection}/goals", 201, json=EXPORT_GOAL)
    runs = {}
    for minute, state in enumerate(("approve", "retry", "cancel")):
        runs[state] = f"/v1/runs/{await arrive(database, account, made, minute=minute)}"
        if state == "approve":
            await ask_a_person(database, await claim(database))
        if state == "retry":
            await fail(database, await claim(database))
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.connections SET offered_host_key = $1", HOST_KEY)
        notification = await notifications.raise_(tx, notifications.News("code", "title"))
    logins = f"/v1/drop-folders/{made['folder']['id']}/credentials"
    login = f"{logins}/{(await owner.ask('POST', logins, 201, json={}))['id']}"
    async with database.account(account) as tx:
        await login_scores.add(tx, {("drop-guessed", ""): 60})
    ban = (await owner.ask("GET", "/v1/login-bans?state=banned", 200))["items"][0]["id"]
    sample = await owner.ask("POST", "/v1/samples?name=a.csv", 201, content=SAMPLE, headers=FILE)
    asked = {"name": "first", "condition": {"consent": "opted_in"}}
    segment = f"/v1/segments/{(await owner.ask('POST', '/v1/segments', 201, json=asked))['id']}"
    code = {"record_type": "group", "name": "code", "type": "text", "identifier": True}
    await owner.ask("POST", "/v1/properties", 201, json=code)
    await owner.ask("POST", "/v1/group-types", 201, json={"name": "first", "identifier": "code"})
    group = await owner.ask("POST", "/v1/groups", 201, json={"type": "first", "properties": {"code": "a"}})
    yes = [{"code": "mapping", "pointer": "/mapping/0", "value": None}]
    fingerprint = (await owner.ask("GET", connection, 200))["offered_host_key"]["fingerprint"]
    return {
        "/v1/keys": ("/v1/keys", {"name": "k", "scopes": ["runs:read"], "email": "owner@shop.example"}),
        "/v1/properties": ("/v1/properties", {"name": "points", "type": "number"}),
        "/v1/connections": ("/v1/connections", {"name": "n", "place": SFTP_PLACE, "password": PASSWORD}),
        "/v1/connections/{connection_id}/verify": (f"{connection}/verify", None),
        "/v1/connections/{connection_id}/host-keys/accept": (
            f"{connection}/host-keys/accept",
            {"fingerprint": fingerprint},
        ),
        "/v1/connections/{connection_id}/runs": (f"{connection}/runs", None),
        "/v1/connections/{connection_id}/goals": (f"{connection}/goals", EXPORT_GOAL | {"active": False}),
        "/v1/connections/{connection_id}/goals/check": (f"{connection}/goals/check", EXPORT_GOAL | {"active": False}),
        "/v1/goals/{goal_id}/runs": (f"/v1/goals/{goal}/runs", None),
        "/v1/runs/{run_id}/approve": (f"{runs['approve']}/approve", None),
        "/v1/runs/{run_id}/retry": (f"{runs['retry']}/retry", {}),
        "/v1/runs/{run_id}/cancel": (f"{runs['cancel']}/cancel", None),
        "/v1/drop-folders": ("/v1/drop-folders", {"name": "second"}),
        "/v1/drop-folders/{drop_folder_id}/credentials": (logins, {}),
        "/v1/drop-folders/{drop_folder_id}/credentials/{credential_id}/rotate": (f"{login}/rotate", {}),
        "/v1/login-bans/{ban_id}/lift": (f"/v1/login-bans/{ban}/lift", None),
        "/v1/lists": ("/v1/lists", {"name": "second"}),
        "/v1/segments": ("/v1/segments", {"name": "second", "condition": {"consent": "unknown"}}),
        "/v1/segments/{segment_id}/count": (f"{segment}/count", {}),
        "/v1/segments/{segment_id}/sample": (f"{segment}/sample", {}),
        "/v1/group-types": ("/v1/group-types", {"name": "second", "identifier": "code"}),
        "/v1/groups": ("/v1/groups", {"type": "first", "properties": {"code": "b"}}),
        "/v1/groups/{group_id}/members": (f"/v1/groups/{group['id']}/members", {"add": []}),
        "/v1/event-types": ("/v1/event-types", {"name": "visit"}),
        "/v1/messages": ("/v1/messages", {"kind": "sms", "reference": "M1"}),
        "/v1/events": ("/v1/events", {"events": [EVENT]}),
        "/v1/domain-groups": ("/v1/domain-groups", {"name": "second"}),
        "/v1/openpgp-keys": ("/v1/openpgp-keys", {"name": "files", "password": PASSWORD}),
        "/v1/ssh-keys": ("/v1/ssh-keys", {"name": "partner", "generate": {}}),
        "/v1/goals/{goal_id}/preview": (f"/v1/goals/{goal}/preview", {"sample_id": sample["id"]}),
        "/v1/date-previews": ("/v1/date-previews", {"at": "2026-11-22T05:00:00Z"}),
        "/v1/goals/{goal_id}/pause": (f"/v1/goals/{goal}/pause", None),
        "/v1/goals/{goal_id}/resume": (f"/v1/goals/{goal}/resume", None),
        "/v1/connections/{connection_id}/pause": (f"/v1/connections/{partner['id']}/pause", None),
        "/v1/connections/{connection_id}/resume": (f"/v1/connections/{partner['id']}/resume", None),
        "/v1/schedule-previews": ("/v1/schedule-previews", {"when": [{"cron": "0 5 * * *"}]}),
        "/v1/samples": ("/v1/samples", {"connection_id": partner["id"], "path": "in/a.csv"}),
        "/v1/samples/{sample_id}/answers": (f"/v1/samples/{sample['id']}/answers", {"answers": yes}),
        "/v1/imports": ("/v1/imports", {"sample_id": sample["id"], "goal_id": goal}),
        "/v1/replays": ("/v1/replays", {"goal_id": goal, **PERIOD}),
        "/api/2.0/imports/sftp": ("/api/2.0/imports/sftp", BODIES["start_one_shot_import"][0]),
        "/v1/notifications/{notification_id}/read": (f"/v1/notifications/{notification}/read", None),
    }


async def test_every_post_is_carried_out_once(
    owner: Client, operator: Client, database: Database, account: UUID
) -> None:
    asked = await _one_of_each(owner, database, account)
    document = await owner.ask("GET", "/openapi.json", 200)
    routes = {path for path, operations in document["paths"].items() if "post" in operations}
    assert routes == {*asked, "/v1/accounts", "/v1/address-bans/{address_ban_id}/lift"}
    for number, (path, body) in enumerate(asked.values()):
        more: dict[str, Any] = {} if body is None else {"json": body}
        headers = {"Idempotency-Key": f"request {number}"}
        first = await owner.post(path, headers=headers, **more)
        assert first.is_success, f"{path}: {first.text}"
        news = await messages(database)
        again = await owner.post(path, headers=headers, **more)
        secrets = [name for name in ("key", "password") if isinstance(first.json().get(name), str)]
        _same(first, again, *secrets)
        assert await messages(database) == news
    first, again = await _twice(operator, "/v1/accounts", {"name": "New Shop"})
    _same(first, again)
    assert [each["name"] for each in (await operator.ask("GET", "/v1/accounts", 200))["items"]].count("New Shop") == 1


async def test_the_operators_key_for_another_account_is_made_once(
    operator: Client, connect: Callable[..., Client], account: UUID
) -> None:
    body = {"name": "first", "scopes": sorted(OWNER_SCOPES), "account_id": str(account)}
    first, again = await _twice(operator, "/v1/keys", body)
    _same(first, again, "key")
    newcomer = connect(first.json()["key"])
    assert [each["name"] for each in (await newcomer.ask("GET", "/v1/keys", 200))["items"]] == ["first"]
    other = await operator.post("/v1/keys", headers=KEY, json={"name": "own", "scopes": ["admin"]})
    assert other.json()["code"] == "idempotency_key_reused"


async def test_the_same_request_may_be_written_otherwise(owner: Client) -> None:
    first = await owner.post("/v1/drop-folders", headers=KEY, json={"name": "a", "quota_bytes": 5})
    headers = {**KEY, "Content-Type": "application/json"}
    again = await owner.post("/v1/drop-folders", headers=headers, content=b'{ "quota_bytes": 5,\n "name": "a"}')
    _same(first, again)


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/drop-folders", {"name": "b"}), ("/v1/properties", {"name": "a"}), ("/v1/keys", {})]
)
async def test_another_request_under_the_key_is_refused(owner: Client, path: str, body: Any) -> None:
    await owner.ask("POST", "/v1/drop-folders", 201, headers=KEY, json={"name": "a"})
    problem = await owner.ask("POST", path, 422, headers=KEY, json=body)
    assert problem["code"] == "idempotency_key_reused"
    assert [each["name"] for each in (await owner.ask("GET", "/v1/drop-folders", 200))["items"]] == ["a"]


async def test_what_was_refused_may_come_mended_under_the_same_key(owner: Client) -> None:
    await owner.ask("POST", "/v1/drop-folders", 422, headers=KEY, json={"name": ""})
    await owner.ask("POST", "/v1/drop-folders", 201, headers=KEY, json={"name": "a"})
    taken = {"Idempotency-Key": "another"}
    await owner.ask("POST", "/v1/drop-folders", 409, headers=taken, json={"name": "a"})
    await owner.ask("POST", "/v1/drop-folders", 201, headers=taken, json={"name": "b"})


async def test_a_key_means_nothing_in_another_account(owner: Client, stranger: Client) -> None:
    mine = await owner.ask("POST", "/v1/drop-folders", 201, headers=KEY, json={"name": "a"})
    theirs = await stranger.post("/v1/drop-folders", headers=KEY, json={"name": "a"})
    assert "Idempotency-Replayed" not in theirs.headers
    assert theirs.json()["id"] != mine["id"]
    await stranger.ask("POST", "/v1/drop-folders", 422, headers=KEY, json={"name": "b"})


async def test_a_key_that_lacks_the_scope_is_not_shown_the_answer(
    owner: Client, connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    await owner.ask("POST", "/v1/drop-folders", 201, headers=KEY, json={"name": "a"})
    lesser = connect(await make_key(database, account, OWNER_SCOPES - {"connections:write"}))
    await lesser.ask("POST", "/v1/drop-folders", 403, headers=KEY, json={"name": "a"})


async def test_one_that_is_still_under_way_asks_to_come_again(owner: Client, database: Database, account: UUID) -> None:
    digest = kept_answers.digest_of(account, KEY["Idempotency-Key"])
    async with database.account(account) as tx:
        assert await kept_answers.take(tx, digest)
        answer = await owner.post("/v1/drop-folders", headers=KEY, json={"name": "a"})
    assert (answer.status_code, answer.json()["code"]) == (409, "request_under_way")
    assert int(answer.headers["Retry-After"]) > 0
    await owner.ask("POST", "/v1/drop-folders", 201, headers=KEY, json={"name": "a"})


async def test_of_many_at_once_one_is_carried_out(owner: Client) -> None:
    made = await set_up(owner)
    goal = await owner.ask("POST", f"/v1/connections/{made['connection']['id']}/goals", 201, json=EXPORT_GOAL)
    path = f"/v1/goals/{goal['id']}/runs"
    answers = await asyncio.gather(*(owner.post(path, headers=KEY) for _ in range(12)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.text for answer in answers if answer.status_code == 202}) == 1
    assert len((await owner.ask("GET", "/v1/runs", 200))["items"]) == 1


async def test_what_was_not_committed_was_not_done(
    owner: Client, connect: Callable[..., Client], key: str, tools: Tools
) -> None:
    broken = connect(key, database=_Dying(tools.database))
    await broken.ask("POST", "/v1/drop-folders", 500, headers=KEY, json={"name": "a"})
    assert (await owner.ask("GET", "/v1/drop-folders", 200))["items"] == []
    again = await owner.post("/v1/drop-folders", headers=KEY, json={"name": "a"})
    assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, False)


class _Dying:
    """A database whose writing transactions break off at their very end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @asynccontextmanager
    async def account(self, account_id: UUID, *, read_only: bool = False) -> AsyncIterator[Tx]:
        async with self._database.account(account_id, read_only=read_only) as tx:
            yield tx
            if not read_only:
                raise RuntimeError("killed before the commit")


async def test_a_verify_that_is_repeated_asks_once_and_has_the_answer_of_the_first(
    owner: Client, database: Database, account: UUID
) -> None:
    sent = {"name": "P", "place": SFTP_PLACE}
    made = await owner.ask("POST", "/v1/connections?verify=false", 201, json=sent)
    first, again = await _twice(owner, f"/v1/connections/{made['id']}/verify")
    assert first.status_code == 202
    _same(first, again)
    assert (await messages(database)).count("inquiry.asked.v1") == 1
    async with database.account(account) as tx:
        await inquiries.answer(tx, UUID(first.json()["id"]), {"ok": True, "steps": []})
    assert (await owner.ask("GET", again.headers["Location"], 200))["state"] == "answered"


@pytest.mark.parametrize("bad", ["", "x" * 201, "naïve", "a\tb"])
async def test_a_key_of_other_characters_or_length_is_refused(owner: Client, bad: str) -> None:
    headers = [(b"Idempotency-Key", bad.encode("latin-1"))]
    problem = await owner.ask("POST", "/v1/drop-folders", 422, headers=headers, json={"name": "a"})
    assert problem["errors"][0]["pointer"] == "header:Idempotency-Key"


async def test_two_keys_are_none(owner: Client) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    await owner.ask("POST", "/v1/drop-folders", 422, headers=headers, json={"name": "a"})


async def test_what_is_kept_can_be_read_by_nobody_and_is_forgotten_after_a_day(
    owner: Client, database: Database, account: UUID
) -> None:
    key = {"Idempotency-Key": "for ann@shop.example"}
    await owner.ask("POST", "/v1/connections", 201, headers=key, json={"name": "Ann", "place": SFTP_PLACE})
    async with database.account(account) as tx:
        (row,) = await tx.connection.fetch("SELECT * FROM tidegate.kept_answers")
        stored = b"".join(value for value in row.values() if isinstance(value, bytes))
        assert not any(word in stored for word in (b"Ann", b"ann", b"partner", b"201"))
    assert await kept_answers.forget_old(database) == 0
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.kept_answers SET created_at = now() - interval '25 hours'")
    again = await owner.post("/v1/connections", headers=key, json={"name": "Bob", "place": SFTP_PLACE})
    assert again.status_code == 201, "what is too old to count is not compared with"
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.kept_answers SET created_at = now() - interval '25 hours'")
    assert await kept_answers.forget_old(database) == 1


async def test_an_answer_that_no_key_of_ours_opens_is_told_to_be_lost(
    owner: Client, database: Database, account: UUID
) -> None:
    await owner.ask("POST", "/v1/drop-folders", 201, headers=KEY, json={"name": "a"})
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.kept_answers SET answer_sealed = '\\x0102'")
    problem = await owner.ask("POST", "/v1/drop-folders", 409, headers=KEY, json={"name": "a"})
    assert problem["code"] == "answer_lost"


def test_a_field_that_is_called_like_a_secret_is_shown_once() -> None:
    named = {"key", "password", "secret", "token", "private_key", "passphrase"}
    models = [route.response_model for router in app.ROUTERS for route in router.routes if "POST" in route.methods]
    for model in models:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        texts = {name for name, field in model.model_fields.items() if field.annotation in (str, str | None)}
        assert texts & named == once_fields(model), model
