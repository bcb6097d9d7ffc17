"""`/v1/openpgp-keys`: imported, generated, renewed, handed over, taken away; what is secret never comes out again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.domain.openpgp_key import KeyUse, OwnKey, PartnerKey
from shared.formats.openpgp import keys
from shared.storage import openpgp_keys
from shared.storage.database import Database
from tests.integration.api.asking import IMPORT_GOAL, Client, set_up
from tests.openpgp import made_key, public

PATH = "/v1/openpgp-keys"


async def _made(client: Client, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = await client.ask("POST", PATH, 201, json={"name": "ours"} | body)
    return made


def _imports(key: OwnKey) -> dict[str, Any]:
    return {"key": key.material, "passphrase": key.passphrase}


async def test_a_private_key_is_imported_and_shown_without_what_is_secret(owner: Client) -> None:
    key = made_key(passphrase="hush hush")
    made = await _made(owner, **_imports(key))
    assert (made["kind"], made["fingerprint"], made["algorithm"]) == ("own", key.facts.fingerprint, "ed25519+cv25519")
    assert made["user_ids"] == ["Shop <files@shop.example>"]
    assert made["can"] == ["decrypt", "sign", "encrypt", "verify"]
    assert (made["private_key"], made["passphrase"], made["password"]) == ({"set": True}, {"set": True}, {"set": False})
    shown = await owner.get(f"{PATH}/{made['id']}")
    assert shown.json() == made
    assert "hush hush" not in shown.text
    assert "PRIVATE" not in shown.text


async def test_the_public_part_is_handed_over_and_imported_by_the_other_side(owner: Client, stranger: Client) -> None:
    made = await _made(owner, generate={"user_id": "Shop <files@shop.example>", "algorithm": "curve25519"})
    handed = await owner.get(f"{PATH}/{made['id']}/public")
    assert handed.headers["content-type"].startswith("application/pgp-keys")
    assert handed.text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    theirs = await _made(stranger, name="the shop", key=handed.text)
    assert (theirs["kind"], theirs["fingerprint"]) == ("partner", made["fingerprint"])
    assert theirs["can"] == ["encrypt", "verify"]
    assert theirs["private_key"] == {"set": False}


async def test_a_generated_key_ends_when_it_was_told_to(owner: Client) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)
    wanted = {"user_id": "Shop", "algorithm": "curve25519", "expires_at": end.isoformat()}
    made = await _made(owner, generate=wanted)
    assert abs(datetime.fromisoformat(made["expires_at"]) - end) <= timedelta(seconds=1)
    for ahead in (timedelta(days=-400), timedelta(seconds=1), timedelta(days=137 * 366)):
        never = wanted | {"expires_at": (datetime.now(UTC) + ahead).isoformat()}
        refused = await owner.ask("POST", PATH, 422, json={"name": "never", "generate": never})
        assert refused["errors"][0]["pointer"] == "/generate/expires_at"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"passphrase": "wrong"}, "/passphrase", "wrong_passphrase"),
        ({"passphrase": None}, "/passphrase", "wrong_passphrase"),
        ({"key": "no key at all"}, "/key", "unsupported_openpgp_key"),
        ({"key": "-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----"}, "/key", "unsupported_openpgp_key"),
        ({"key": "aGVsbG8gd29ybGQ="}, "/key", "unsupported_openpgp_key"),
        ({"passphrase": "two\nlines"}, "/passphrase", "invalid_value"),
        ({"password": "and a password"}, "", "invalid_value"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_name(
    owner: Client, change: dict[str, Any], pointer: str, code: str
) -> None:
    body = {"name": "ours"} | _imports(made_key(passphrase="hush hush")) | change
    refused = await owner.post(PATH, json=body)
    assert refused.status_code == 422, refused.text
    assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [(pointer, code)]
    assert "hush hush" not in refused.text


async def test_the_same_key_is_not_imported_twice_but_renewed_in_its_place(owner: Client) -> None:
    key = made_key(passphrase="hush hush")
    made = await _made(owner, **_imports(key))
    again = await owner.post(PATH, json={"name": "again"} | _imports(key))
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    tag = {"If-Match": f'"{made["version"]}"'}
    renewed = await owner.ask(
        "PATCH", f"{PATH}/{made['id']}", 200, json={"name": "renewed"} | _imports(key), headers=tag
    )
    assert renewed["name"] == "renewed"
    other = await owner.patch(
        f"{PATH}/{made['id']}", json=_imports(made_key(user_id="Other")), headers={"If-Match": "*"}
    )
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    alone = {"name": "alone", "passphrase": "hush hush"}
    refused = await owner.ask("PATCH", f"{PATH}/{made['id']}", 422, json=alone, headers={"If-Match": "*"})
    assert refused["errors"][0]["pointer"] == "/passphrase"
    stale = await owner.patch(f"{PATH}/{made['id']}", json={"name": "stale"}, headers=tag)
    assert stale.status_code == 412


async def test_a_password_is_kept_and_has_no_public_part(owner: Client) -> None:
    made = await _made(owner, password="hush hush")
    assert (made["kind"], made["password"], made["can"], made["fingerprint"]) == (
        "password",
        {"set": True},
        ["decrypt"],
        None,
    )
    refused = await owner.get(f"{PATH}/{made['id']}/public")
    assert refused.status_code == 409
    await owner.ask("DELETE", f"{PATH}/{made['id']}", 204, headers={"If-Match": "*"})
    assert (await owner.get(f"{PATH}/{made['id']}")).status_code == 404


async def test_a_key_that_a_goal_names_stays(owner: Client, database: Database, account: UUID) -> None:
    made = await _made(owner, generate={"user_id": "Shop", "algorithm": "curve25519"})
    goal = (await set_up(owner))["goal"]["id"]
    for named, status in ((made["id"], 409), (made["fingerprint"], 409), ("somebody else's", 204)):
        async with database.account(account) as tx:
            await tx.connection.execute(
                "UPDATE tidegate.goals SET settings = settings || jsonb_build_object('k', jsonb_build_array($2::text)) "
                "WHERE goal_id = $1",
                UUID(goal),
                named,
            )
        answer = await owner.delete(f"{PATH}/{made['id']}", headers={"If-Match": "*"})
        assert answer.status_code == status, answer.text
        if status == 409:
            assert answer.json()["code"] == "openpgp_key_in_use"
            assert goal in answer.json()["detail"]


async def test_rejects_are_encrypted_to_keys_that_can_and_that_stay(
    owner: Client, database: Database, account: UUID, tools: Any
) -> None:
    made = await _made(owner, generate={"user_id": "Shop", "algorithm": "curve25519"})
    signs = public(made_key("Signer <signer@b.example>"))
    unfit = signs.facts.model_copy(update={"uses": (KeyUse.VERIFY,)})
    ended = public(made_key("Late <late@b.example>"))
    late = ended.facts.model_copy(update={"expires_at": ended.facts.created_at})
    async with database.account(account) as tx:
        await openpgp_keys.add_partner(tx, tools.keys, "signs", PartnerKey(unfit, signs.material))
        await openpgp_keys.add_partner(tx, tools.keys, "late", PartnerKey(late, ended.material))
    connection = (await set_up(owner))["connection"]["id"]

    async def save(fingerprint: str, status: int) -> dict[str, Any]:
        goal = IMPORT_GOAL | {"name": "returning", "rejects": {"return_to": "rejected", "encrypt_to": [fingerprint]}}
        answer: dict[str, Any] = await owner.ask("POST", f"/v1/connections/{connection}/goals", status, json=goal)
        return answer

    wrong = (
        ("A" * 40, "unknown_openpgp_key"),
        (unfit.fingerprint, "openpgp_key_unfit"),
        (late.fingerprint, "openpgp_key_expired"),
    )
    for fingerprint, code in wrong:
        errors = (await save(fingerprint, 422))["errors"]
        assert [(each["pointer"], each["code"]) for each in errors] == [("/rejects/encrypt_to/0", code)]
    assert (await save(made["fingerprint"], 201))["rejects"]["encrypt_to"] == [made["fingerprint"]]
    answer = await owner.delete(f"{PATH}/{made['id']}", headers={"If-Match": "*"})
    assert answer.json()["code"] == "openpgp_key_in_use"


async def test_what_was_sealed_opens_for_who_decrypts(
    owner: Client, database: Database, account: UUID, tools: Any
) -> None:
    key = made_key(passphrase="hush hush")
    await _made(owner, **_imports(key))
    await _made(owner, name="a word", password="another word")
    partner = made_key(user_id="Partner")
    await _made(owner, name="partner", key=keys.public_part(partner))
    async with database.account(account) as tx:
        bundle = await openpgp_keys.bundle_of(tx, tools.keys)
        found = await openpgp_keys.partners_of(tx, [partner.facts.fingerprint])
    assert [(each.facts.fingerprint, each.passphrase) for each in bundle.own] == [(key.facts.fingerprint, "hush hush")]
    assert bundle.passwords == ("another word",)
    assert [each.facts.fingerprint for each in found] == [partner.facts.fingerprint]
    assert "hush" not in repr(bundle)
    assert "PRIVATE" not in repr(bundle)


async def test_lists_are_by_kind_and_fingerprint(owner: Client) -> None:
    made = await _made(owner, generate={"user_id": "Shop", "algorithm": "curve25519"})
    await _made(owner, name="a word", password="hush")
    for query, wanted in (
        ({"kind": "own"}, ["ours"]),
        ({"kind": "password"}, ["a word"]),
        ({"fingerprint": made["fingerprint"]}, ["ours"]),
        ({"name": "a word"}, ["a word"]),
        ({}, ["ours", "a word"]),
    ):
        found = await owner.ask("GET", PATH, 200, params=query)
        assert [each["name"] for each in found["items"]] == wanted, query
