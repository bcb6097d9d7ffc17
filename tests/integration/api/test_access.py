"""Keys, scopes, accounts: who may do what, and that nobody sees another's."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from shared.domain.scope import OWNER_SCOPES, Scope
from shared.storage.database import Database
from tests.integration.api.asking import Client
from tests.integration.api.conftest import make_key


async def test_without_a_key_nothing_is_answered(connect: Callable[..., Client]) -> None:
    answer = await connect().get("/v1/runs")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


async def test_malformed_unknown_and_altered_keys_are_answered_alike(connect: Callable[..., Client], key: str) -> None:
    altered = key[:-1] + ("a" if key[-1] != "a" else "b")
    bodies = [
        (await connect(each).ask("GET", "/v1/runs", 401)) for each in ("nonsense", "tg_aaaaaaaaaa_" + "b" * 32, altered)
    ]
    assert bodies[0] == bodies[1] == bodies[2]


async def test_a_scope_that_is_missing_is_named(
    connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    reader = connect(await make_key(database, account, frozenset({Scope.CONNECTIONS_READ})))
    await reader.ask("GET", "/v1/connections", 200)
    problem = await reader.ask("GET", "/v1/profiles", 403)
    assert problem["code"] == "scope_missing"
    assert "profiles:read" in problem["detail"]


async def test_a_revoked_key_is_dead_with_the_next_request(owner: Client, connect: Callable[..., Client]) -> None:
    made = await owner.ask("POST", "/v1/keys", 201, json={"name": "second", "scopes": ["runs:read"]})
    second = connect(made["key"])
    await second.ask("GET", "/v1/runs", 200)
    await owner.ask("DELETE", f"/v1/keys/{made['id']}", 428)
    await owner.ask("DELETE", f"/v1/keys/{made['id']}", 204, headers={"If-Match": '"1"'})
    await second.ask("GET", "/v1/runs", 401)
    assert (await owner.ask("GET", f"/v1/keys/{made['id']}", 200))["revoked_at"] is not None


async def test_a_key_is_shown_once(owner: Client) -> None:
    made = await owner.ask("POST", "/v1/keys", 201, json={"name": "second", "scopes": ["runs:read"]})
    assert "key" not in await owner.ask("GET", f"/v1/keys/{made['id']}", 200)
    assert made["key"] not in (await owner.get("/v1/keys")).text


async def test_nobody_gives_scopes_they_do_not_have(
    connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    keeper = connect(await make_key(database, account, frozenset({Scope.KEYS_WRITE})))
    problem = await keeper.ask("POST", "/v1/keys", 403, json={"name": "x", "scopes": ["profiles:read"]})
    assert problem["code"] == "scope_missing"
    await keeper.ask("POST", "/v1/keys", 403, json={"name": "x", "scopes": ["admin"]})
    await keeper.ask("POST", "/v1/keys", 201, json={"name": "x", "scopes": ["keys:write"]})


async def test_an_expired_key_opens_nothing(owner: Client) -> None:
    sent = {"name": "x", "scopes": ["runs:read"], "expires_at": "2020-01-01T00:00:00Z"}
    problem = await owner.ask("POST", "/v1/keys", 422, json=sent)
    assert problem["errors"][0]["pointer"] == "/expires_at"


async def test_the_operator_makes_accounts_and_their_first_keys(
    operator: Client, connect: Callable[..., Client]
) -> None:
    made = await operator.ask("POST", "/v1/accounts", 201, json={"name": "New Shop"})
    assert await operator.ask("GET", f"/v1/accounts/{made['id']}", 200) == made
    assert made in (await operator.ask("GET", "/v1/accounts", 200))["items"]
    sent = {"name": "first", "scopes": sorted(OWNER_SCOPES), "account_id": made["id"]}
    key = await operator.ask("POST", "/v1/keys", 201, json=sent)
    newcomer = connect(key["key"])
    await newcomer.ask("POST", "/v1/properties", 201, json={"name": "email", "type": "email", "identifier": True})


async def test_the_operator_sees_no_tenants_things(operator: Client) -> None:
    for path in ("/v1/connections", "/v1/profiles", "/v1/runs", "/v1/properties"):
        await operator.ask("GET", path, 403)


async def test_a_tenant_makes_no_accounts_even_with_a_key_that_claims_so(
    connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    pretender = connect(await make_key(database, account, frozenset(Scope)))
    await pretender.ask("POST", "/v1/accounts", 403, json={"name": "Mine"})
    other = {"name": "x", "scopes": ["runs:read"], "account_id": str(uuid4())}
    await pretender.ask("POST", "/v1/keys", 403, json=other)


async def test_the_operator_gets_404_for_accounts_that_do_not_exist(operator: Client) -> None:
    await operator.ask("GET", f"/v1/accounts/{uuid4()}", 404)
    sent = {"name": "x", "scopes": ["runs:read"], "account_id": str(uuid4())}
    await operator.ask("POST", "/v1/keys", 404, json=sent)


async def test_a_key_is_changed_from_the_version_that_was_read(owner: Client) -> None:
    made = await owner.ask("POST", "/v1/keys", 201, json={"name": "second", "scopes": ["runs:read"]})
    path, change = f"/v1/keys/{made['id']}", {"name": "reader", "scopes": ["runs:read", "goals:read"]}
    changed = await owner.ask("PATCH", path, 200, json=change, headers={"If-Match": '"1"'})
    assert (changed["name"], changed["scopes"], changed["version"]) == ("reader", ["goals:read", "runs:read"], 2)
    await owner.ask("PATCH", path, 412, json=change, headers={"If-Match": '"1"'})
    ending = {"expires_at": "2999-01-01T00:00:00Z"}
    assert (await owner.ask("PATCH", path, 200, json=ending, headers={"If-Match": '"2"'}))["name"] == "reader"
    await owner.ask("DELETE", path, 204, headers={"If-Match": '"3"'})
    await owner.ask("PATCH", path, 409, json=change, headers={"If-Match": "*"})


async def test_a_change_gives_and_prolongs_no_scopes_that_its_maker_does_not_have(
    owner: Client, connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    keeper = connect(await make_key(database, account, frozenset({Scope.KEYS_WRITE})))
    new = {"name": "x", "scopes": ["runs:read"], "expires_at": "2999-01-01T00:00:00Z"}
    path = f"/v1/keys/{(await owner.ask('POST', '/v1/keys', 201, json=new))['id']}"
    any_version = {"If-Match": "*"}
    await keeper.ask("PATCH", path, 403, json={"scopes": ["runs:read", "runs:write"]}, headers=any_version)
    await keeper.ask("PATCH", path, 403, json={"expires_at": None}, headers=any_version)
    await keeper.ask("PATCH", path, 403, json={"expires_at": "3999-01-01T00:00:00Z"}, headers=any_version)
    await keeper.ask("PATCH", path, 200, json={"expires_at": "2998-01-01T00:00:00Z"}, headers=any_version)
    await keeper.ask("PATCH", path, 200, json={"name": "renamed"}, headers=any_version)


async def test_the_last_key_that_makes_keys_locks_nobody_out(owner: Client) -> None:
    (mine,) = (await owner.ask("GET", "/v1/keys", 200))["items"]
    path, any_version = f"/v1/keys/{mine['id']}", {"If-Match": "*"}
    for change in ({"scopes": ["keys:read"]}, {"expires_at": "2999-01-01T00:00:00Z"}):
        assert (await owner.ask("PATCH", path, 409, json=change, headers=any_version))["code"] == "last_key"
    brief = {"name": "brief", "scopes": ["keys:write"], "expires_at": "2998-01-01T00:00:00Z"}
    await owner.ask("POST", "/v1/keys", 201, json=brief)
    # The other one would be the last until 2998, and nobody's afterwards.
    await owner.ask("PATCH", path, 409, json={"expires_at": "2999-01-01T00:00:00Z"}, headers=any_version)
    await owner.ask("PATCH", path, 200, json={"expires_at": "2997-01-01T00:00:00Z"}, headers=any_version)
    await owner.ask("DELETE", path, 204, headers=any_version)


async def test_two_keys_cannot_end_each_other_at_once(
    owner: Client, connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    (first,) = (await owner.ask("GET", "/v1/keys", 200))["items"]
    second = connect(await make_key(database, account, OWNER_SCOPES))
    other = next(each for each in (await owner.ask("GET", "/v1/keys", 200))["items"] if each["id"] != first["id"])
    ends = [(owner, other["id"]), (second, first["id"])]
    answers = await asyncio.gather(
        *(client.delete(f"/v1/keys/{key_id}", headers={"If-Match": "*"}) for client, key_id in ends)
    )
    assert sorted(each.status_code for each in answers) in ([204, 401], [204, 409])
