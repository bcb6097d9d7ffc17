"""Another account's thing is answered exactly like one that does not exist, whatever is asked of it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.storage import inquiries, notifications
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, HOST_KEY, IMPORT_GOAL, SFTP_PLACE, Client, set_up
from tests.integration.api.ledger import arrive

FINGERPRINT = {"fingerprint": HOST_KEY}
CONNECTION = {"name": "n", "place": SFTP_PLACE}
ASKED: list[tuple[str, str, Any]] = [
    ("GET", "/v1/keys/{key}", None),
    ("PATCH", "/v1/keys/{key}", {"name": "n"}),
    ("DELETE", "/v1/keys/{key}", None),
    ("GET", "/v1/connections/{connection}", None),
    ("PUT", "/v1/connections/{connection}", CONNECTION),
    ("PATCH", "/v1/connections/{connection}", {"name": "n"}),
    ("DELETE", "/v1/connections/{connection}", None),
    ("POST", "/v1/connections/{connection}/verify", None),
    ("POST", "/v1/connections/{connection}/runs", None),
    ("POST", "/v1/connections/{connection}/host-keys/accept", FINGERPRINT),
    ("GET", "/v1/connections/{connection}/goals", None),
    ("POST", "/v1/connections/{connection}/goals", IMPORT_GOAL),
    ("POST", "/v1/connections/{connection}/goals", EXPORT_GOAL),
    ("GET", "/v1/goals/{goal}", None),
    ("PUT", "/v1/goals/{goal}", IMPORT_GOAL),
    ("PATCH", "/v1/goals/{goal}", {"name": "n"}),
    ("GET", "/v1/goals/{goal}/versions", None),
    ("GET", "/v1/goals/{goal}/versions/{version}", None),
    ("GET", "/v1/goals/{goal}/versions/{version}/diff", None),
    ("DELETE", "/v1/goals/{goal}", None),
    ("POST", "/v1/goals/{goal}/runs", None),
    ("GET", "/v1/runs/{run}", None),
    ("GET", "/v1/runs/{run}/progress", None),
    ("GET", "/v1/runs/{run}/rejects", None),
    ("GET", "/v1/runs/{run}/rejects.csv", None),
    ("POST", "/v1/runs/{run}/approve", None),
    ("POST", "/v1/runs/{run}/cancel", None),
    ("POST", "/v1/runs/{run}/retry", {}),
    ("GET", "/v1/arrivals/{arrival}", None),
    ("GET", "/v1/drop-folders/{folder}", None),
    ("PATCH", "/v1/drop-folders/{folder}", {"name": "n"}),
    ("DELETE", "/v1/drop-folders/{folder}", None),
    ("GET", "/v1/drop-folders/{folder}/credentials/{credential}", None),
    ("GET", "/v1/drop-folders/{folder}/credentials", None),
    ("POST", "/v1/drop-folders/{folder}/credentials", {}),
    ("DELETE", "/v1/drop-folders/{folder}/credentials/{credential}", None),
    ("GET", "/v1/notifications/{notification}", None),
    ("POST", "/v1/notifications/{notification}/read", None),
    ("GET", "/v1/inquiries/{inquiry}", None),
    ("GET", "/v1/profiles/{profile}", None),
    ("GET", "/v1/properties/{property}", None),
    ("PATCH", "/v1/properties/{property}", {"label": "n"}),
]


async def _everything(owner: Client, database: Database, account: UUID) -> dict[str, str]:
    """The identities of one thing of each kind."""
    made = await set_up(owner, hosted=True)
    folder = made["folder"]["id"]
    run_id = await arrive(database, account, made)
    arrivals = await owner.ask("GET", "/v1/arrivals", 200)
    key = await owner.ask("POST", "/v1/keys", 201, json={"name": "k", "scopes": ["runs:read"]})
    credential = await owner.ask("POST", f"/v1/drop-folders/{folder}/credentials", 201, json={})
    async with database.account(account) as tx:
        notification = await notifications.raise_(tx, notifications.News("code", "title"))
        inquiry = await inquiries.ask(tx, UUID(made["connection"]["id"]))
        await tx.connection.execute(f"INSERT INTO {tx.schema}.profiles (domain_group) VALUES (1)")
    return {
        "key": key["id"],
        "connection": made["connection"]["id"],
        "goal": made["goal"]["id"],
        "run": str(run_id),
        "arrival": arrivals["items"][0]["id"],
        "folder": folder,
        "credential": credential["id"],
        "notification": str(notification),
        "inquiry": str(inquiry),
        "profile": "1",
        "property": "email",
        "version": "1",
    }


async def test_a_strangers_request_is_answered_like_one_for_nothing(
    owner: Client, stranger: Client, database: Database, account: UUID
) -> None:
    ids = await _everything(owner, database, account)
    nothing = {**dict.fromkeys(ids, str(uuid4())), "profile": "77", "property": "nothing", "version": "1"}
    for method, path, body in ASKED:
        sent = {} if body is None else {"json": body}
        headers = {"If-Match": "*"}
        of_another = await stranger.request(method, path.format(**ids), headers=headers, **sent)
        of_nobody = await stranger.request(method, path.format(**nothing), headers=headers, **sent)
        assert of_another.status_code == 404, f"{method} {path}: {of_another.text}"
        assert of_another.content == of_nobody.content
        assert dict(of_another.headers) == dict(of_nobody.headers)


async def test_every_route_that_names_a_thing_is_among_those_asked(owner: Client) -> None:
    document = await owner.ask("GET", "/openapi.json", 200)
    named = {
        (method.upper(), path.count("{"), path.split("{")[0])
        for path, operations in document["paths"].items()
        for method in operations
        if "{" in path and not path.startswith("/v1/accounts")
    }
    assert named == {(method, path.count("{"), path.split("{")[0]) for method, path, _ in ASKED}


@pytest.mark.parametrize(
    "path",
    ["keys", "connections", "runs", "arrivals", "drop-folders", "notifications", "profiles", "properties"],
)
async def test_a_strangers_lists_show_nothing(
    owner: Client, stranger: Client, database: Database, account: UUID, path: str
) -> None:
    ids = await _everything(owner, database, account)
    answer = await stranger.get(f"/v1/{path}")
    assert answer.status_code == 200
    assert not any(each in answer.text for each in ids.values() if len(each) > 10)
    mine = (await owner.ask("GET", f"/v1/{path}", 200))["items"]
    assert mine, "the owner sees something there"
