"""Every operation wants its scope: the document names it, it opens the operation, and nothing else does."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from services.api.app import bare_app
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES, Scope
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from tests.integration.api.asking import Client
from tests.integration.api.conftest import make_key

FAMILIES = {
    "keys": "keys",
    "properties": "profiles",
    "profiles": "profiles",
    "domain-groups": "profiles",
    "lists": "profiles",
    "segments": "profiles",
    "event-types": "profiles",
    "group-types": "profiles",
    "groups": "profiles",
    "messages": "profiles",
    "events": "profiles",
    "connections": "connections",
    "drop-folders": "connections",
    "inquiries": "connections",
    "integrations": "connections",
    "login-bans": "connections",
    "openpgp-keys": "connections",
    "ssh-keys": "connections",
    "goals": "goals",
    "samples": "goals",
    "expectation": "goals",
    "runs": "runs",
    "replays": "runs",
    "round": "runs",
    "arrivals": "runs",
    "notifications": "runs",
}
"""Whose scopes the paths under `/v1/<name>` want, or those that end in such a name."""


def wanted(method: str, path: str) -> list[str]:
    """The scopes of an operation, by our rule: reading reads, all else writes; a path's last name decides."""
    if path.startswith(("/v1/accounts", "/v1/address-bans")):
        return [Scope.ADMIN.value]
    if "rejects" in path:
        # What was rejected are values of people.
        return [Scope.PROFILES_READ.value, Scope.RUNS_READ.value]
    if path == "/v1/samples/{sample_id}":
        # What stands in a file are values of people, for whoever makes goals of them.
        return [Scope.GOALS_WRITE.value]
    if path.startswith("/v1/imports"):
        # It makes a goal, and a run of it.
        return [f"{family}:{'read' if method == 'get' else 'write'}" for family in ("goals", "runs")]
    if path.startswith("/api/2.0/imports"):
        # It makes a connection too.
        return [f"{family}:write" for family in ("connections", "goals", "runs")]
    if path in ("/v1/segments/{segment_id}/count", "/v1/segments/{segment_id}/sample"):
        # They show what is there.
        return [Scope.PROFILES_READ.value]
    if path in ("/v1/date-previews", "/v1/schedule-previews"):
        # They show nothing that anybody has.
        return [Scope.GOALS_READ.value]
    name = [part for part in path.split("/") if part in FAMILIES][-1]
    return [f"{FAMILIES[name]}:{'read' if method == 'get' else 'write'}"]


def operations() -> list[tuple[str, str, list[str]]]:
    """Method, path and the scopes that the document names."""
    return [
        (method, path, operation["security"][0]["key"])
        for path, operations in bare_app().openapi()["paths"].items()
        for method, operation in operations.items()
    ]


def test_the_document_names_the_scope_that_the_rule_gives() -> None:
    assert {(method, path): scopes for method, path, scopes in operations()} == {
        (method, path): wanted(method, path) for method, path, _ in operations()
    }


async def test_no_other_scope_opens_an_operation_and_its_own_does(
    connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    async def client(account_id: UUID, scopes: frozenset[Scope]) -> Client:
        return connect(await make_key(database, account_id, scopes))

    without = {scope: await client(account, frozenset(Scope) - {scope}) for scope in OWNER_SCOPES}
    without[Scope.ADMIN] = await client(OPERATOR, OPERATOR_SCOPES - {Scope.ADMIN})
    tenants_admin = await client(account, frozenset(Scope))
    for method, path, _ in operations():
        scopes = [Scope(each) for each in wanted(method, path)]
        asked = _filled(path)
        for scope in scopes:
            refused = await without[scope].request(method, asked, json={})
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing"), f"{method} {path}"
            assert scope.value in refused.json()["detail"]
        with_these = await client(OPERATOR if Scope.ADMIN in scopes else account, frozenset(scopes))
        let_in = await with_these.request(method, asked, json={})
        assert let_in.status_code not in (401, 403), f"{method} {path}: {let_in.text}"
        if Scope.ADMIN in scopes:
            assert (await tenants_admin.request(method, asked, json={})).status_code == 403


def _filled(path: str) -> str:
    """The path with identifiers of nothing."""
    parts: list[Any] = [uuid4() if part.startswith("{") else part for part in path.split("/")]
    return "/".join(str(part) for part in parts)
