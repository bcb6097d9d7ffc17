"""An account with two of everything that the gateway knows, and the names under which its description speaks of them.

Whoever adds a route with an identifier of a new kind adds the thing to `settle`, and its name to `unknown` as well.
"""

from dataclasses import dataclass
from uuid import UUID, uuid4

from shared.storage import group_members, inquiries, login_scores, notifications, samples
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, IMPORT_GOAL, Client, set_up
from tests.integration.api.ledger import arrive, claim, complete


@dataclass(frozen=True, slots=True)
class World:
    """What one account has. `identifiers` are by the names of parameters and fields in openapi.yaml."""

    account_id: UUID
    client: Client
    identifiers: dict[str, str]
    everything: frozenset[str]
    """Every identity and name that only this account knows."""


def unknown() -> dict[str, str]:
    """Identifiers, of every kind, of things that do not exist."""
    return {
        **dict.fromkeys(_KINDS, str(uuid4())),
        "from_sample": str(uuid4()),
        "name": f"nothing_{uuid4().hex[:8]}",
        "property": f"nothing_{uuid4().hex[:8]}",
        "domain_group": f"nothing_{uuid4().hex[:8]}",
        "group_type": f"nothing_{uuid4().hex[:8]}",
        "profile_id": "987654321",
        "group_id": "987654322",
        "number": "987654",
        "from": "987653",
        "username": f"nobody{uuid4().hex[:8]}",
        "fingerprint": "SHA256:" + uuid4().hex,
    }


_KINDS = (
    "account_id",
    "key_id",
    "connection_id",
    "goal_id",
    "after_goal",
    "run_id",
    "arrival_id",
    "drop_folder_id",
    "credential_id",
    "ban_id",
    "address_ban_id",
    "notification_id",
    "inquiry_id",
    "openpgp_key_id",
    "ssh_key_id",
    "password_id",
    "import_id",
    "from_import",
    "list_id",
    "list",
    "segment_id",
    "segment",
    "message_id",
    "sample_id",
)


_AT = "2026-03-01T06:00:00Z"


async def settle(client: Client, database: Database, account_id: UUID, mark: str) -> World:
    """Furnish an account by its owner's client. `mark` is a word of its own, which stands in all its names."""
    made = await set_up(client, hosted=True)
    connection, folder = made["connection"]["id"], made["folder"]["id"]
    await client.ask("POST", "/v1/properties", 201, json={"name": f"own_{mark}", "type": "text", "label": mark})
    await client.ask("POST", "/v1/domain-groups", 201, json={"name": f"group-{mark}"})
    other_folder = await client.ask("POST", "/v1/drop-folders", 201, json={"name": f"other {mark}"})
    other = {"name": f"Other {mark}", "place": {"transport": "hosted", "drop_folder_id": other_folder["id"]}}
    other_connection = await client.ask("POST", "/v1/connections", 201, json=other)
    export = await client.ask("POST", f"/v1/connections/{connection}/goals", 201, json=EXPORT_GOAL)
    goal = made["goal"]["id"]
    shown = await client.get(f"/v1/goals/{goal}")
    changed = {**IMPORT_GOAL, "name": f"Changed {mark}", "expect": {"by": "06:00"}}
    await client.ask("PUT", f"/v1/goals/{goal}", 200, json=changed, headers={"If-Match": shown.headers["ETag"]})
    keys = [
        await client.ask("POST", "/v1/keys", 201, json={"name": f"{mark} {n}", "scopes": ["runs:read"]}) for n in "ab"
    ]
    credentials = [await client.ask("POST", f"/v1/drop-folders/{folder}/credentials", 201, json={}) for _ in "ab"]
    async with database.account(account_id) as tx:
        await login_scores.add(tx, {(each["username"], ""): 60 for each in credentials})
    bans = (await client.ask("GET", "/v1/login-bans", 200))["items"]
    openpgp_keys = [
        await client.ask("POST", "/v1/openpgp-keys", 201, json={"name": f"{mark} {number}", **kind})
        for number, kind in enumerate(
            ({"generate": {"user_id": mark, "algorithm": "curve25519"}}, {"password": "hush hush"})
        )
    ]
    ssh_keys = [
        await client.ask("POST", "/v1/ssh-keys", 201, json={"name": f"{mark} {number}", "generate": {}})
        for number in range(2)
    ]
    lists = [await client.ask("POST", "/v1/lists", 201, json={"name": f"{mark} {number}"}) for number in range(2)]
    segments = [
        await client.ask(
            "POST", "/v1/segments", 201, json={"name": f"{mark} {number}", "condition": {"consent": "unknown"}}
        )
        for number in range(2)
    ]
    await client.ask("POST", "/v1/event-types", 201, json={"name": f"own_{mark}", "label": mark})
    messages = [
        await client.ask("POST", "/v1/messages", 201, json={"kind": "mailing", "reference": f"{mark} {number}"})
        for number in range(2)
    ]
    code = {"record_type": "group", "name": "code", "type": "text", "identifier": True}
    await client.ask("POST", "/v1/properties", 201, json=code)
    for name in (f"own_{mark}", f"other_{mark}"):
        await client.ask("POST", "/v1/group-types", 201, json={"name": name, "identifier": "code"})
    async with database.account(account_id) as tx:
        ids_of_groups = 5_000_000_000 + uuid4().int % 10**9
        await tx.connection.execute(f"SELECT setval('{tx.schema}.group_ids', $1)", ids_of_groups)
    groups = [
        await client.ask("POST", "/v1/groups", 201, json={"type": f"own_{mark}", "properties": {"code": f"{mark} {n}"}})
        for n in range(2)
    ]
    runs = [await arrive(database, account_id, made, minute=minute) for minute in (0, 1)]
    claimed = await claim(database)
    await complete(database, claimed)
    sent = {"content": b"E-mail;First name\n", "headers": {"Content-Type": "application/octet-stream"}}
    imports = [await client.ask("POST", f"/v1/imports?name={mark}&goal_id={goal}", 202, **sent) for _ in "ab"]
    arrivals = (await client.ask("GET", "/v1/arrivals", 200))["items"]
    news, asked, profiles, looked_at = [], [], [], []
    async with database.account(account_id) as tx:
        for _ in "ab":
            news.append(await notifications.raise_(tx, notifications.News("code", f"About {mark}")))
            asked.append(await inquiries.ask(tx, UUID(connection)))
            looked_at.append((await samples.ask(tx, UUID(connection), f"in/{mark}.csv", 3600)).id)
            query = f"INSERT INTO {tx.schema}.profiles (id, domain_group) VALUES ($1, 1) RETURNING id"
            profiles.append(await tx.connection.fetchval(query, 5_000_000_000 + uuid4().int % 10**9))
            query = f"INSERT INTO {tx.schema}.list_members (list_number, profile_id) VALUES ($1, $2)"
            await tx.connection.execute(query, lists[0]["number"], profiles[-1])
            await group_members.add(tx, int(groups[0]["id"]), profiles[-1:])
    # Of one profile, so that its own list has two as well.
    happened = [
        {"type": "order", "id": f"{mark} {number}", "identifiers": {"system_id": str(profiles[0])}, "occurred_at": _AT}
        for number in range(2)
    ]
    await client.ask("POST", "/v1/events", 200, json={"events": happened})
    ids = {
        "account_id": str(account_id),
        "key_id": keys[0]["id"],
        "name": f"own_{mark}",
        "property": f"own_{mark}",
        "group_type": f"own_{mark}",
        "domain_group": f"group-{mark}",
        "profile_id": str(profiles[0]),
        "group_id": groups[0]["id"],
        "connection_id": connection,
        "goal_id": goal,
        "after_goal": goal,
        "number": "1",
        "from": "1",
        "run_id": str(claimed.id),
        "arrival_id": arrivals[0]["id"],
        "import_id": imports[0]["id"],
        "from_import": imports[0]["id"],
        "drop_folder_id": folder,
        "credential_id": credentials[0]["id"],
        "ban_id": bans[0]["id"],
        "address_ban_id": str(uuid4()),
        "username": credentials[0]["username"],
        "notification_id": str(news[0]),
        "inquiry_id": str(asked[0]),
        "openpgp_key_id": openpgp_keys[0]["id"],
        "ssh_key_id": ssh_keys[0]["id"],
        "password_id": openpgp_keys[1]["id"],
        "list_id": lists[0]["id"],
        "list": lists[0]["id"],
        "segment_id": segments[0]["id"],
        "segment": segments[0]["id"],
        "message_id": messages[0]["id"],
        "sample_id": str(looked_at[0]),
        "from_sample": str(looked_at[0]),
        "fingerprint": "SHA256:" + "a" * 43,
    }
    known = {*ids.values(), mark, other_connection["id"], other_folder["id"], export["id"], *map(str, runs)}
    told = (*keys, *credentials, *arrivals, *openpgp_keys, *ssh_keys, *lists, *segments, *groups, *messages)
    known |= {each["id"] for each in told} | {str(each) for each in (*news, *asked, *looked_at)}
    return World(account_id, client, ids, frozenset(each for each in known if len(each) > 8))
