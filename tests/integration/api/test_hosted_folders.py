"""Who may log in at hosted folders: credentials, what they may do, and who is shut out."""

from uuid import UUID

from shared.domain.host_key import fingerprint_of
from shared.storage import login_scores
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from tests.integration.api.asking import HOST_KEY, Client
from tests.integration.api.conftest import FINGERPRINT


async def test_a_credential_comes_with_the_sheet_to_hand_over(owner: Client) -> None:
    folder = await owner.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
    path = f"/v1/drop-folders/{folder['id']}/credentials"
    sheet = await owner.ask("POST", path, 201, json={"directory": "acme"})
    assert (sheet["host"], sheet["port"]) == ("drop.shop.example", 2222)
    assert sheet["host_key_fingerprints"] == [FINGERPRINT]
    assert sheet["webdav_url"] == "https://drop.shop.example:8443/"
    assert sheet["directory"] == "acme"
    assert len(sheet["password"]) >= 24
    assert sheet["naming_rules"]
    listed = await owner.get(path)
    assert sheet["password"] not in listed.text
    assert listed.json()["items"][0]["username"] == sheet["username"]
    await owner.ask("DELETE", f"{path}/{sheet['id']}", 428)
    await owner.ask("DELETE", f"{path}/{sheet['id']}", 204, headers={"If-Match": '"1"'})
    revoked = await owner.ask("GET", f"{path}/{sheet['id']}", 200)
    assert (revoked["state"], revoked["revoked_at"] is not None) == ("revoked", True)


async def test_what_a_credential_may_do_is_changed_and_its_secret_rotated(owner: Client) -> None:
    folder = await owner.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
    path = f"/v1/drop-folders/{folder['id']}/credentials"
    asked = {
        "name": "Acme",
        "rights": ["write", "list"],
        "expires_at": "2099-01-01T00:00:00Z",
        "source_networks": ["192.0.2.0/24", "2001:db8::1"],
    }
    sheet = await owner.ask("POST", path, 201, json=asked)
    assert {name: sheet[name] for name in asked} == asked | {
        "rights": ["write", "list"],
        "source_networks": ["192.0.2.0/24", "2001:db8::1/128"],
    }
    for wrong in ({"rights": []}, {"rights": ["shell"]}, {"source_networks": ["192.0.2.1/24"]}):
        problem = await owner.ask("POST", path, 422, json=wrong)
        assert problem["errors"][0]["pointer"].startswith(f"/{next(iter(wrong))}")
    one = f"{path}/{sheet['id']}"
    await owner.ask("PATCH", one, 428, json={"rights": ["read"]})
    change = {"rights": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    changed = await owner.ask("PATCH", one, 200, json=change, headers={"If-Match": '"1"'})
    assert (changed["rights"], changed["state"], changed["name"]) == (["read"], "expired", "Acme")
    assert [each["id"] for each in (await owner.ask("GET", f"{path}?state=expired", 200))["items"]] == [sheet["id"]]
    await owner.ask("PATCH", one, 412, json={"rights": ["list"]}, headers={"If-Match": '"1"'})
    await owner.ask("PATCH", one, 200, json={"expires_at": None}, headers={"If-Match": '"2"'})
    rotated = await owner.ask("POST", f"{one}/rotate", 200, json={"former_until": "2099-01-01T00:00:00Z"})
    assert rotated["password"] not in (None, sheet["password"])
    assert (rotated["username"], rotated["former_until"]) == (sheet["username"], "2099-01-01T00:00:00Z")
    by_key = await owner.ask("POST", f"{one}/rotate", 200, json={"public_key": HOST_KEY})
    assert (by_key["kind"], by_key["password"], by_key["former_until"]) == ("public_key", None, None)
    await owner.ask("DELETE", one, 204, headers={"If-Match": '"5"'})
    for method, where, sent in (("PATCH", one, {"name": "n"}), ("POST", f"{one}/rotate", {})):
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        assert (await owner.ask(method, where, 409, json=sent, headers=headers))["code"] == "conflict"


async def test_an_account_lifts_bans_of_its_user_names_and_the_operator_those_of_addresses(
    owner: Client, operator: Client, database: Database, account: UUID
) -> None:
    for account_id, failures in (
        (account, {("drop-one", ""): 60, ("drop-two", ""): 3, ("drop-one", "192.0.2.1"): 60}),
        (OPERATOR, {("", "192.0.2.1"): 60}),
    ):
        async with database.account(account_id) as tx:
            await login_scores.add(tx, failures)
    listed = (await owner.ask("GET", "/v1/login-bans", 200))["items"]
    shown = sorted((each["username"], each["network"] or "", each["score"], each["state"]) for each in listed)
    assert shown == [
        ("drop-one", "", 60, "banned"),
        ("drop-one", "192.0.2.1", 60, "counted"),
        ("drop-two", "", 3, "counted"),
    ]
    [ban] = (await owner.ask("GET", "/v1/login-bans?state=banned&username=drop-one", 200))["items"]
    await owner.ask("POST", f"/v1/login-bans/{ban['id']}/lift", 200)
    assert (await owner.ask("GET", "/v1/login-bans?state=banned", 200))["items"] == []
    await owner.ask("GET", "/v1/address-bans", 403)
    [address] = (await operator.ask("GET", "/v1/address-bans", 200))["items"]
    assert (address["network"], address["state"], address["banned_until"] > address["banned_at"]) == (
        "192.0.2.1",
        "banned",
        True,
    )
    await owner.ask("POST", f"/v1/login-bans/{address['id']}/lift", 404)
    await operator.ask("POST", f"/v1/address-bans/{address['id']}/lift", 200)
    assert (await operator.ask("GET", "/v1/address-bans", 200))["items"] == []


async def test_a_credential_by_public_key_has_no_password(owner: Client) -> None:
    folder = await owner.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
    path = f"/v1/drop-folders/{folder['id']}/credentials"
    sheet = await owner.ask("POST", path, 201, json={"public_key": f"{HOST_KEY} their comment"})
    assert sheet["password"] is None
    assert sheet["fingerprint"] == fingerprint_of(HOST_KEY)
    problem = await owner.ask("POST", path, 422, json={"public_key": "ssh-ed25519 AAAA"})
    assert problem["errors"][0]["pointer"] == "/public_key"
    await owner.ask("POST", path, 422, json={"directory": "../elsewhere"})
