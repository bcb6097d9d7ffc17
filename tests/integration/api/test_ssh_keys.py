"""`/v1/ssh-keys`: generated, imported, handed over, used, taken away; the private half never comes out."""

from typing import Any
from uuid import UUID

import asyncssh

from shared.storage import connections
from shared.storage.database import Database
from tests.integration.api.asking import SFTP_PLACE, Client

PATH = "/v1/ssh-keys"
ANY = {"If-Match": "*"}


async def _made(client: Client, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = await client.ask("POST", PATH, 201, json={"name": "partner a", "generate": {}} | body)
    return made


def _text(kind: str = "ecdsa-sha2-nistp384", form: str = "pkcs8-pem", passphrase: str | None = None) -> str:
    return asyncssh.generate_private_key(kind, comment="who@where").export_private_key(form, passphrase).decode()


UNUSABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"key": "no key at all"}, "/key", "unsupported_key"),
    ({"key": _text(form="openssh", passphrase="hush hush")}, "/key", "unsupported_key"),
    ({"key": _text(passphrase="hush hush"), "passphrase": "wrong"}, "/key", "unsupported_key"),
    ({"key": _text("ssh-dss")}, "/key", "unsupported_key"),
    ({"key": "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"}, "/key", "unsupported_key"),
    ({"key": asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()}, "/key", "unsupported_key"),
    ({"generate": {"algorithm": "rsa1024"}}, "/generate/algorithm", "invalid_value"),
    ({"generate": {}, "key": "and a key"}, "", "invalid_value"),
    ({}, "", "invalid_value"),
    ({"generate": {}, "passphrase": "of nothing"}, "", "invalid_value"),
    ({"generate": {}, "name": "two\nssh-rsa AAAA"}, "/name", "invalid_value"),
]
"""What is sent, and which field of it is refused for what."""


async def test_a_key_pair_is_generated_and_its_public_half_is_one_line_with_the_name(owner: Client) -> None:
    for wanted, algorithm, bits in (("ed25519", "ssh-ed25519", 256), ("rsa4096", "ssh-rsa", 4096)):
        made = await _made(owner, name=f"für {wanted}", description="Of the shop", generate={"algorithm": wanted})
        assert (made["algorithm"], made["bits"], made["description"]) == (algorithm, bits, "Of the shop")
        assert (made["private_key"], made["connection_ids"], made["last_used_at"]) == ({"set": True}, [], None)
        handed = await owner.get(f"{PATH}/{made['id']}/public")
        assert handed.headers["content-type"] == "text/plain; charset=utf-8"
        assert handed.text == made["public_key"] + "\n"
        key = asyncssh.import_public_key(handed.content)
        assert (key.get_fingerprint(), key.get_comment()) == (made["fingerprint"], f"für {wanted}")
        shown = await owner.get(f"{PATH}/{made['id']}")
        assert shown.json() == made
        assert "PRIVATE" not in shown.text


async def test_a_key_is_imported_and_opens_for_who_logs_in_without_its_passphrase(
    owner: Client, database: Database, account: UUID, tools: Any
) -> None:
    text = _text(passphrase="one two")
    made = await _made(owner, generate=None, key=text, passphrase="one two")
    key = asyncssh.import_private_key(text, "one two")
    assert made["fingerprint"] == key.get_fingerprint()
    assert "who@where" not in str(made)
    place = SFTP_PLACE | {"ssh_key_id": made["id"]}
    first = await owner.ask("POST", "/v1/connections", 201, json={"name": "One", "place": place})
    await owner.ask("POST", "/v1/connections", 201, json={"name": "Two", "place": place, "private_key": _text()})
    async with database.account(account) as tx:
        login = await connections.login_of(tx, tools.keys, UUID(first["id"]))
    assert login.ssh_key is not None
    assert asyncssh.import_private_key(login.ssh_key).get_fingerprint() == key.get_fingerprint()
    assert (login.private_key, login.passphrase) == (None, None)
    shown = await owner.ask("GET", f"{PATH}/{made['id']}", 200)
    assert shown["last_used_at"] is not None
    assert shown["version"] == made["version"]
    assert [first["id"]] == shown["connection_ids"][:1]
    assert len(shown["connection_ids"]) == 2
    assert (await owner.ask("GET", f"{PATH}?fingerprint={made['fingerprint'].replace('+', '%2B')}", 200))["items"] == [
        shown
    ]


async def test_a_key_that_a_connection_uses_stays_until_it_is_used_no_longer(owner: Client) -> None:
    made = await _made(owner)
    place = SFTP_PLACE | {"ssh_key_id": made["id"]}
    connection = await owner.ask("POST", "/v1/connections", 201, json={"name": "One", "place": place})
    refused = await owner.ask("DELETE", f"{PATH}/{made['id']}", 409, headers=ANY)
    assert (refused["code"], connection["id"] in refused["detail"]) == ("ssh_key_in_use", True)
    await owner.ask(
        "PATCH", f"/v1/connections/{connection['id']}", 200, json={"place": {"ssh_key_id": None}}, headers=ANY
    )
    await owner.ask("DELETE", f"{PATH}/{made['id']}", 204, headers=ANY)
    await owner.ask("GET", f"{PATH}/{made['id']}", 404)
    refused = await owner.ask("POST", "/v1/connections", 422, json={"name": "Two", "place": place})
    assert "no SSH key" in refused["detail"]


async def test_names_and_keys_are_each_there_once(owner: Client, stranger: Client) -> None:
    made = await _made(owner)
    text = _text()
    for body in ({"generate": {}}, {"name": "other", "key": text}, {"name": "third", "key": text}):
        answer = await owner.post(PATH, json={"name": "partner a"} | body)
        assert answer.status_code == (201 if body.get("name") == "other" else 409), answer.text
    change = {"name": "other"}
    taken = await owner.ask("PATCH", f"{PATH}/{made['id']}", 409, json=change, headers=ANY)
    assert taken["code"] == "already_exists"
    change = {"name": "renamed", "description": "For the shop"}
    changed = await owner.ask("PATCH", f"{PATH}/{made['id']}", 200, json=change, headers={"If-Match": '"1"'})
    assert (changed["name"], changed["description"], changed["version"]) == ("renamed", "For the shop", 2)
    assert changed["public_key"].endswith(" renamed")
    await _made(stranger)
    place = SFTP_PLACE | {"ssh_key_id": made["id"]}
    unknown = await stranger.ask("POST", "/v1/connections", 422, json={"name": "n", "place": place})
    assert "no SSH key" in unknown["detail"]


async def test_what_cannot_be_used_is_refused_by_name(owner: Client) -> None:
    for body, pointer, code in UNUSABLE:
        refused = await owner.post(PATH, json={"name": "ours"} | body)
        assert refused.status_code == 422, refused.text
        [error] = refused.json()["errors"]
        assert error["pointer"] == pointer
        assert error["code"] in (code, "unknown_choice", "invalid_format")
        assert "hush hush" not in refused.text
        for line in str(body.get("key", "")).splitlines()[1:2]:
            assert line not in refused.text
