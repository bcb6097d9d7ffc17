"""Properties, connections and integrations: made, changed, checked, with secrets that never come back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.api.tools import Tools
from shared.domain.host_key import fingerprint_of
from shared.storage import connections, inquiries, pinned_keys
from shared.storage.database import Database
from shared.transfer.keys import make_private_key
from tests.integration.api.asking import HOST_KEY, OTHER_HOST_KEY, SFTP_PLACE, Client

ANY = {"If-Match": "*"}

PASSWORD = "correct horse battery staple"


async def test_properties_are_defined_once(owner: Client) -> None:
    sent = {"name": "points", "type": "number", "label": "Points"}
    made = await owner.ask("POST", "/v1/properties", 201, json=sent)
    assert {name: made[name] for name in (*sent, "identifier", "version")} == {
        **sent,
        "identifier": False,
        "version": 1,
    }
    assert (await owner.ask("POST", "/v1/properties", 409, json=sent))["code"] == "already_exists"
    assert await owner.ask("GET", "/v1/properties/points", 200) == made
    items = (await owner.ask("GET", "/v1/properties", 200))["items"]
    assert [each["name"] for each in items if each["built_in"]] == ["language", "permission_level"]
    assert items[2:] == [made]
    pages = [await owner.ask("GET", "/v1/properties", 200, params={"limit": 1})]
    while pages[-1]["next_cursor"]:
        query = {"limit": 1, "cursor": pages[-1]["next_cursor"]}
        pages.append(await owner.ask("GET", "/v1/properties", 200, params=query))
    assert [each for page in pages for each in page["items"]] == items
    await owner.ask("GET", "/v1/properties/coins", 404)


async def test_secrets_of_a_connection_are_stored_and_never_shown(
    owner: Client, tools: Tools, database: Database, account: UUID
) -> None:
    private_key = make_private_key()
    sent = {"name": "P", "place": SFTP_PLACE, "password": PASSWORD, "private_key": private_key}
    answer = await owner.post("/v1/connections", json=sent)
    assert answer.status_code == 201
    made = answer.json()
    assert made["password"] == made["private_key"] == {"set": True}
    assert made["passphrase"] == {"set": False}
    texts = [answer.text, (await owner.get("/v1/connections")).text, (await owner.get(answer.headers["Location"])).text]
    texts.append((await owner.put(answer.headers["Location"], json=sent, headers={"If-Match": '"1"'})).text)
    assert not any(PASSWORD in text or private_key[40:80] in text for text in texts)
    async with database.account(account) as tx:
        login = await connections.login_of(tx, tools.keys, UUID(made["id"]))
    assert login.password == PASSWORD


async def test_a_refused_request_does_not_repeat_its_secrets(owner: Client) -> None:
    sent = {"name": "", "place": {"transport": "sftp", "host": "bad host"}, "password": PASSWORD, "private_key": "junk"}
    answer = await owner.post("/v1/connections", json=sent)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/name", "/place/host", "/place/username"}
    too_long = await owner.post("/v1/connections", json={"name": "n", "place": SFTP_PLACE, "password": PASSWORD * 999})
    assert too_long.status_code == 422
    assert PASSWORD not in too_long.text
    wrong_type = await owner.post("/v1/connections", json={"name": "n", "place": SFTP_PLACE, "password": [PASSWORD]})
    assert wrong_type.status_code == 422
    assert PASSWORD not in wrong_type.text


async def test_a_private_key_that_cannot_be_used_is_refused(owner: Client) -> None:
    problem = await owner.ask(
        "POST", "/v1/connections", 422, json={"name": "n", "place": SFTP_PLACE, "private_key": "x"}
    )
    assert problem["errors"][0]["pointer"] == "/private_key"
    assert problem["errors"][0]["code"] == "unsupported_key"


async def test_a_change_names_the_version_it_was_made_from(owner: Client) -> None:
    answer = await owner.post("/v1/connections", json={"name": "P", "place": SFTP_PLACE})
    path, etag = answer.headers["Location"], answer.headers["ETag"]
    sent = {"name": "Q", "place": SFTP_PLACE}
    assert (await owner.ask("PUT", path, 428, json=sent))["code"] == "version_required"
    changed = await owner.put(path, json=sent, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    assert (await owner.ask("PUT", path, 412, json=sent, headers={"If-Match": etag}))["code"] == "version_stale"


async def test_a_secret_stays_unless_it_is_sent(owner: Client) -> None:
    sent: dict[str, Any] = {"name": "P", "place": SFTP_PLACE, "password": PASSWORD}
    made = await owner.ask("POST", "/v1/connections", 201, json=sent)
    path = f"/v1/connections/{made['id']}"
    kept = await owner.ask("PUT", path, 200, json={"name": "Q", "place": SFTP_PLACE}, headers={"If-Match": "*"})
    assert kept["password"] == {"set": True}
    cleared = {"name": "Q", "place": SFTP_PLACE, "password": None}
    gone = await owner.ask("PUT", path, 200, json=cleared, headers={"If-Match": "*"})
    assert gone["password"] == {"set": False}


async def test_a_stored_password_cannot_be_sent_to_another_server(owner: Client) -> None:
    sent: dict[str, Any] = {"name": "P", "place": SFTP_PLACE, "password": PASSWORD}
    made = await owner.ask("POST", "/v1/connections", 201, json=sent)
    moved = {"name": "P", "place": {**SFTP_PLACE, "host": "mine.attacker.example"}}
    path = f"/v1/connections/{made['id']}"
    problem = await owner.ask("PUT", path, 422, json=moved, headers={"If-Match": "*"})
    assert problem["errors"][0]["pointer"] == "/password"
    await owner.ask("PUT", path, 200, json={**moved, "password": "another"}, headers={"If-Match": "*"})


async def test_a_host_key_that_was_shown_is_accepted_by_its_fingerprint(
    owner: Client, database: Database, account: UUID
) -> None:
    made = await owner.ask("POST", "/v1/connections", 201, json={"name": "P", "place": SFTP_PLACE})
    path = f"/v1/connections/{made['id']}"
    body = {"fingerprint": fingerprint_of(HOST_KEY)}
    assert (await owner.ask("POST", f"{path}/host-keys/accept", 409, json=body))["code"] == "conflict"
    async with database.account(account) as tx:
        await pinned_keys.offer_host_key(tx, UUID(made["id"]), HOST_KEY)
        await connections.stop(tx, UUID(made["id"]), made["version"], "host_key_unknown", "The server showed a key.")
    shown = await owner.ask("GET", path, 200)
    assert shown["stopped"]["code"] == "host_key_unknown"
    assert shown["offered_host_key"]["fingerprint"] == fingerprint_of(HOST_KEY)
    other = {"fingerprint": fingerprint_of(OTHER_HOST_KEY)}
    await owner.ask("POST", f"{path}/host-keys/accept", 409, json=other)
    accepted = await owner.ask("POST", f"{path}/host-keys/accept", 200, json=body)
    assert accepted["place"]["host_keys"] == [HOST_KEY]
    assert accepted["stopped"] is None
    assert accepted["offered_host_key"] is None


async def test_verify_is_asked_of_the_poller(owner: Client, database: Database, account: UUID) -> None:
    made = await owner.ask("POST", "/v1/connections", 201, json={"name": "P", "place": SFTP_PLACE})
    answer = await owner.post(f"/v1/connections/{made['id']}/verify")
    assert answer.status_code == 202
    assert answer.json()["answer"] is None
    step = {"name": "resolve", "outcome": "failed", "code": "name_unresolved", "detail": "d", "what_to_do": "w"}
    async with database.account(account) as tx:
        await inquiries.answer(tx, UUID(answer.json()["id"]), {"ok": False, "steps": [step]})
    shown = await owner.ask("GET", answer.headers["Location"], 200)
    assert shown["state"] == "answered"
    assert shown["answer"]["steps"][0]["code"] == "name_unresolved"


async def test_an_ftps_server_has_a_port_of_its_kind_pinned_certificates_and_a_password(owner: Client) -> None:
    pin = "ab" * 32
    place = {"transport": "ftps", "host": "files.partner.example", "username": "shop"}
    sent: dict[str, Any] = {"name": "F", "place": {**place, "certificates": [pin]}, "password": PASSWORD}
    made = await owner.ask("POST", "/v1/connections", 201, json=sent)
    assert made["place"] == {
        **place,
        "tls": "explicit",
        "port": 21,
        "home_directory": "",
        "certificates": [":".join(["AB"] * 32)],
        "max_sessions": None,
    }
    implicit = {**sent, "place": {**place, "tls": "implicit"}}
    assert (await owner.ask("POST", "/v1/connections", 201, json=implicit))["place"]["port"] == 990
    listed = (await owner.ask("GET", "/v1/connections?transport=ftps", 200))["items"]
    assert [each["place"]["port"] for each in listed] == [21, 990]
    path = f"/v1/connections/{made['id']}"
    for change in ({"port": 2121}, {"username": "other"}, {"host": "mine.attacker.example"}):
        problem = await owner.ask("PATCH", path, 422, json={"place": change}, headers=ANY)
        assert problem["errors"][0]["pointer"] == "/password"
    pinned = await owner.ask("PATCH", path, 200, json={"place": {"certificates": []}}, headers=ANY)
    assert (pinned["place"]["certificates"], pinned["password"]) == ([], {"set": True})
    for wrong in (
        {"place": {"certificates": ["abc"]}},
        {"place": {"tls": "none"}},
        {"private_key": make_private_key()},
    ):
        await owner.ask("PATCH", path, 422, json=wrong, headers=ANY)
    same = {**SFTP_PLACE, "host": place["host"], "username": "shop", "port": 21}
    await owner.ask("PUT", path, 422, json={"name": "F", "place": same}, headers=ANY)


async def test_a_webdav_server_has_an_address_of_one_spelling_and_keeps_no_secret_for_another(owner: Client) -> None:
    place = {"transport": "webdav", "url": "https://Files.partner.example:443/dav/", "username": "shop"}
    sent: dict[str, Any] = {"name": "W", "place": {**place, "certificates": ["ab" * 32]}, "password": PASSWORD}
    made = await owner.ask("POST", "/v1/connections", 201, json=sent)
    assert made["place"] == {
        **place,
        "url": "https://files.partner.example/dav",
        "certificates": [":".join(["AB"] * 32)],
        "max_sessions": None,
    }
    listed = (await owner.ask("GET", "/v1/connections?transport=webdav", 200))["items"]
    assert [each["id"] for each in listed] == [made["id"]]
    path = f"/v1/connections/{made['id']}"
    for change in ({"url": "https://files.partner.example/other"}, {"username": "other"}):
        problem = await owner.ask("PATCH", path, 422, json={"place": change}, headers=ANY)
        assert problem["errors"][0]["pointer"] == "/password"
    same = {"place": {"url": "https://files.partner.example/dav/"}}
    assert (await owner.ask("PATCH", path, 200, json=same, headers=ANY))["password"] == {"set": True}
    for wrong, pointer in (
        ({"place": {"url": "http://files.partner.example/dav"}}, "/place/url"),
        ({"place": {"url": "https://169.254.169.254/latest"}, "password": None}, "/place/url"),
        ({"place": {"url": "https://0x7f.1/dav"}, "password": None}, "/place/url"),
        ({"private_key": make_private_key()}, "/private_key"),
    ):
        problem = await owner.ask("PATCH", path, 422, json=wrong, headers=ANY)
        assert problem["errors"][0]["pointer"] == pointer


async def test_a_local_directory_is_used_by_whom_the_operator_lets(
    owner: Client, stranger: Client, operator: Client, account: UUID
) -> None:
    place = {"transport": "directory", "root": "share", "home_directory": "/in/"}
    body = {"name": "Share", "place": place}
    refused = await owner.ask("POST", "/v1/connections", 422, json=body)
    assert "may use: none" in refused["detail"]
    mine = f"/v1/accounts/{account}"
    assert (await operator.ask("GET", mine, 200))["local_directories"] == []
    refused = await operator.ask("PATCH", mine, 422, json={"local_directories": ["share", "secret"]}, headers=ANY)
    assert [each["pointer"] for each in refused["errors"]] == ["/local_directories/1"]
    await owner.ask("PATCH", mine, 403, json={"local_directories": ["share"]}, headers=ANY)
    allowed = await operator.ask("PATCH", mine, 200, json={"local_directories": ["share", "share"]}, headers=ANY)
    assert allowed["local_directories"] == ["share"]
    made = await owner.ask("POST", "/v1/connections", 201, json=body)
    assert made["place"] == place | {"home_directory": "in"}
    assert [each["id"] for each in (await owner.ask("GET", "/v1/connections?transport=directory", 200))["items"]] == [
        made["id"]
    ]
    await stranger.ask("POST", "/v1/connections", 422, json=body)
    path = f"/v1/connections/{made['id']}"
    await owner.ask("PATCH", path, 422, json={"place": {"root": "archive"}}, headers=ANY)
    await owner.ask("PATCH", path, 422, json={"place": {"home_directory": "../drop"}}, headers=ANY)
    await owner.ask("PATCH", path, 422, json={"password": "hush"}, headers=ANY)
    # Taken back, the connection can still be switched off; a name of the account's alone changes nothing of it.
    await operator.ask("PATCH", mine, 200, json={"local_directories": []}, headers=ANY)
    assert (await owner.ask("PATCH", path, 200, json={"active": False}, headers=ANY))["active"] is False
    assert (await operator.ask("PATCH", mine, 200, json={"name": "Shop"}, headers=ANY))["local_directories"] == []


async def test_a_connection_is_tried_on_each_save_unless_told_otherwise_and_shows_how_it_went(
    owner: Client, database: Database, account: UUID
) -> None:
    sent = {"name": "P", "place": SFTP_PLACE}
    quiet = await owner.ask("POST", "/v1/connections?verify=false", 201, json=sent)
    assert quiet["verification"] is None
    made = await owner.ask("POST", "/v1/connections", 201, json=sent)
    path = f"/v1/connections/{made['id']}"
    first = made["verification"]
    assert (first["state"], first["answer"], first["kind"]) == ("asked", None, "verify")
    assert await owner.ask("GET", f"/v1/inquiries/{first['id']}", 200) == first
    # Until it is tried it is not looked at: a wrong password is shown once.
    assert datetime.fromisoformat(made["next_look_at"]) > datetime.fromisoformat(first["asked_at"])
    step = {"name": "login", "outcome": "ok", "milliseconds": 12, "directory": None}
    async with database.account(account) as tx:
        await inquiries.answer(tx, UUID(first["id"]), {"ok": True, "steps": [step]})
    shown = await owner.ask("GET", path, 200)
    assert shown["verification"]["answer"]["steps"][0]["milliseconds"] == 12
    listed = (await owner.ask("GET", "/v1/connections", 200))["items"]
    assert {each["id"]: each["verification"] for each in listed} == {
        quiet["id"]: None,
        made["id"]: shown["verification"],
    }

    today = datetime.now(UTC)
    days = [f"{day:%a}".lower() for day in (today, today + timedelta(days=1))]
    now = [{"days": days, "from": "00:00", "to": "00:00"}]
    changes: list[tuple[dict[str, Any], bool]] = [
        ({"active": False}, False),
        ({"active": True}, True),
        ({"blackouts": now}, False),
        ({"blackouts": [], "name": "Q"}, True),
    ]
    for change, is_tried in changes:
        before = (await owner.ask("GET", path, 200))["verification"]["id"]
        after = await owner.ask("PATCH", path, 200, json=change, headers={"If-Match": "*"})
        assert (after["verification"]["id"] != before) == is_tried, change
        assert (after["not_tried"] is None) == is_tried
    told = await owner.ask("PUT", f"{path}?verify=false", 200, json=sent, headers={"If-Match": "*"})
    assert (told["verification"]["id"], told["not_tried"]["code"]) == (after["verification"]["id"], "not_asked")
    # Switched off before anybody has begun, a trial is called off.
    off = await owner.ask("POST", f"{path}/pause", 200)
    assert (off["verification"]["state"], off["verification"]["answer"]["reason"]["code"]) == ("answered", "paused")


async def test_two_connections_do_not_watch_one_folder(owner: Client) -> None:
    folder = await owner.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
    sent = {"name": "H", "place": {"transport": "hosted", "drop_folder_id": folder["id"]}}
    await owner.ask("POST", "/v1/connections", 201, json=sent)
    assert (await owner.ask("POST", "/v1/connections", 409, json=sent))["code"] == "already_exists"
    sent["place"] = {"transport": "hosted", "drop_folder_id": str(uuid4())}
    await owner.ask("POST", "/v1/connections", 422, json=sent)


async def test_a_property_that_is_built_in_is_nobodys_to_change(owner: Client) -> None:
    language = await owner.ask("GET", "/v1/properties/language", 200)
    assert (language["built_in"], language["created_at"]) == (True, None)
    problem = await owner.ask("POST", "/v1/properties", 409, json={"name": "language", "type": "text"})
    assert problem["code"] == "property_is_built_in"
    change = {"label": "Sprache"}
    problem = await owner.ask("PATCH", "/v1/properties/language", 409, json=change, headers={"If-Match": '"1"'})
    assert problem["code"] == "property_is_built_in"


async def test_a_new_account_hosts_folders_only_after_its_owner_has_said_so(
    operator: Client, connect: Callable[..., Client]
) -> None:
    account = await operator.ask("POST", "/v1/accounts", 201, json={"name": "New Shop"})
    key = {
        "name": "first",
        "scopes": ["connections:read", "connections:write", "goals:read", "goals:write"],
        "account_id": account["id"],
    }
    owner = connect((await operator.ask("POST", "/v1/keys", 201, json=key))["key"])
    shown = await owner.ask("GET", "/v1/integrations", 200)
    assert shown == {
        "hosted_folders": "off",
        "partner_servers": "active",
        "one_shot_imports": "active",
        "version": 1,
    }
    problem = await owner.ask("POST", "/v1/drop-folders", 409, json={"name": "incoming"})
    assert (problem["code"], "PATCH /v1/integrations" in problem["what_to_do"]) == ("integration_off", True)
    await owner.ask("PATCH", "/v1/integrations", 428, json={"hosted_folders": "active"})
    change = {"hosted_folders": "active", "partner_servers": "off"}
    changed = await owner.ask("PATCH", "/v1/integrations", 200, json=change, headers={"If-Match": '"1"'})
    assert (changed["hosted_folders"], changed["one_shot_imports"], changed["version"]) == ("active", "active", 3)
    await owner.ask("PATCH", "/v1/integrations", 412, json=change, headers={"If-Match": '"1"'})
    await owner.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
    sent = {"name": "Partner", "place": SFTP_PLACE}
    assert (await owner.ask("POST", "/v1/connections", 409, json=sent))["code"] == "integration_off"
    # Paused it only rests: settings may be made.
    paused = {"partner_servers": "paused"}
    await owner.ask("PATCH", "/v1/integrations", 200, json=paused, headers={"If-Match": "*"})
    made = await owner.ask("POST", "/v1/connections", 201, json=sent)
    # Nothing of it is contacted meanwhile, not even for a trial.
    path = f"/v1/connections/{made['id']}"
    saved = await owner.ask("PATCH", path, 200, json={"name": "Q"}, headers={"If-Match": "*"})
    for each in (made, saved):
        assert (each["verification"], each["not_tried"]["code"]) == (None, "integration_off")
    sample = {"connection_id": made["id"], "path": "a.csv"}
    for where, body in ((f"{path}/verify", None), ("/v1/samples", sample)):
        assert (await owner.ask("POST", where, 409, json=body))["code"] == "integration_off"
    assert (await owner.ask("GET", "/v1/samples", 200))["items"] == []


async def test_a_host_that_nobody_may_contact_is_refused_on_save(owner: Client) -> None:
    async def save(host: str, status: int) -> dict[str, Any]:
        return await owner.ask(
            "POST", "/v1/connections", status, json={"name": "P", "place": {**SFTP_PLACE, "host": host}}
        )

    # Whether 10.1.2.3 is allowed is the poller's to say.
    for host in ("files.partner.example", "10.1.2.3"):
        await save(host, 201)
    for host in ("127.1", "0x7f.0.0.1", "localhost.", "169.254.169.254", "::ffff:169.254.169.254", "a..example"):
        answer = await save(host, 422)
        assert [(error["pointer"], error["code"]) for error in answer["errors"]] == [("/place/host", "address_refused")]
