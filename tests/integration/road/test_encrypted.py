"""Files under OpenPGP and under passwords, on the whole road."""

from pathlib import Path
from typing import Any

import pytest

from shared.domain.openpgp_key import OwnKey
from shared.formats.openpgp import keys
from shared.formats.openpgp.gpg import find_programs
from shared.formats.openpgp.message import encrypt
from shared.storage import openpgp_keys
from tests.integration.road.place import Tenant, goal, packed
from tests.openpgp import made_key, public

TEXT = "email,name\na@b.example,Ann\n"


@pytest.fixture
async def ours(tenant: Tenant) -> OwnKey:
    """A private key that the account has."""
    key = made_key()
    async with tenant.base.database.account(tenant.account_id) as tx:
        await openpgp_keys.add_own(tx, tenant.base.keys, "ours", key, keys.public_part(key))
    return key


async def sealed(place: Path, content: bytes, key: OwnKey, signer: OwnKey | None = None) -> bytes:
    """A message to the key."""
    plain, message = place / "plain", place / "message"
    plain.write_bytes(content)
    await encrypt(plain, message, (public(key),), signer, gpg=find_programs())
    return message.read_bytes()


async def test_an_encrypted_packed_file_is_opened_and_the_receipt_says_by_which_key(
    tenant: Tenant, ours: OwnKey, tmp_path: Path
) -> None:
    await tenant.save(goal())
    run = await tenant.imported("sealed.csv", await sealed(tmp_path, packed(TEXT), ours))
    file = run["receipt"]["file"]
    assert (run["state"], file["was_encrypted"], file["decrypted_with"]) == ("completed", True, ours.facts.fingerprint)
    assert (await tenant.profile("a@b.example"))["name"] == "Ann"


@pytest.mark.parametrize(
    ("unpack", "content", "code"),
    [({"decrypt": "required"}, TEXT.encode(), "not_encrypted")],
)
async def test_a_plain_file_is_refused_where_encryption_is_required(
    tenant: Tenant, unpack: dict[str, Any], content: bytes, code: str
) -> None:
    await tenant.save(goal(unpack=unpack))
    run = await tenant.imported("plain.csv", content)
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", code)


async def test_only_a_file_signed_by_who_must_sign_is_imported(tenant: Tenant, ours: OwnKey, tmp_path: Path) -> None:
    partner, other = made_key("Partner <partner@b.example>"), made_key("Other <other@b.example>")
    async with tenant.base.database.account(tenant.account_id) as tx:
        for name, key in (("partner", partner), ("other", other)):
            await openpgp_keys.add_partner(tx, tenant.base.keys, name, public(key))
    await tenant.save(goal(unpack={"require_signature_by": [partner.facts.fingerprint]}))
    refused = await tenant.imported("other.csv", await sealed(tmp_path, TEXT.encode(), ours, other))
    assert (refused["state"], refused["receipt"]["reason"]["code"]) == ("failed", "signature_refused")
    unsigned = await tenant.imported("unsigned.csv", await sealed_again(tmp_path, ours))
    assert (unsigned["state"], unsigned["receipt"]["reason"]["code"]) == ("failed", "signature_missing")
    taken = await tenant.imported("signed.csv", await sealed_again(tmp_path, ours, partner))
    assert (taken["state"], taken["receipt"]["file"]["signed_by"]) == ("completed", partner.facts.fingerprint)


async def sealed_again(place: Path, key: OwnKey, signer: OwnKey | None = None) -> bytes:
    """Another message."""
    further = place / f"further{len(list(place.iterdir()))}"
    further.mkdir()
    return await sealed(further, TEXT.encode(), key, signer)


async def test_nothing_plain_is_left_of_a_file_that_nobody_can_open(tenant: Tenant, tmp_path: Path) -> None:
    await tenant.save(goal())
    run = await tenant.imported("sealed.csv", await sealed(tmp_path, TEXT.encode(), made_key("Nobody <n@b.example>")))
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", "no_decryption_key")
    work = tenant.base.settings.work_directory
    assert [path for path in work.rglob("*") if path.is_file() and path.name != "lock"] == []
