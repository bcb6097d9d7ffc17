"""OpenPGP keys in the database: sealed, held while somebody names them, and sealed anew with the rest."""

import os
from uuid import UUID, uuid4

import pytest

from shared.domain.failures import Conflict, InvalidRequest, NotFound, SecretKeyMissing
from shared.formats.openpgp import keys
from shared.storage import openpgp_keys
from shared.storage.database import Database
from shared.storage.openpgp_keys import KeyFilter, StoredKey
from shared.storage.rotation import rotate
from shared.storage.secrets import KeyRing
from tests.openpgp import made_key, public
from tests.real.database_fixtures import make_account

OLD, NEW = os.urandom(32), os.urandom(32)
RING = KeyRing((OLD,))
KEY = made_key(passphrase="hush hush")


async def _filled(database: Database, account: UUID) -> StoredKey:
    async with database.account(account) as tx:
        made = await openpgp_keys.add_own(tx, RING, "ours", KEY, keys.public_part(KEY))
        await openpgp_keys.add_password(tx, RING, "a word", "hush")
        return made


async def test_a_rotation_seals_keys_and_passwords_anew(database: Database, account: UUID) -> None:
    await _filled(database, account)
    done = await rotate(database, KeyRing((NEW, OLD)))
    assert (done.resealed, done.unopened) == (3, [])
    async with database.account(account) as tx:
        bundle = await openpgp_keys.bundle_of(tx, KeyRing((NEW,)))
        assert (bundle.own, bundle.passwords) == ((KEY,), ("hush",))
        with pytest.raises(SecretKeyMissing):
            await openpgp_keys.bundle_of(tx, RING)


async def test_what_is_sealed_cannot_be_read_in_the_table(database: Database, account: UUID) -> None:
    await _filled(database, account)
    async with database.account(account) as tx:
        rows = await tx.connection.fetch("SELECT to_jsonb(k) AS said FROM tidegate.openpgp_keys k")
    assert len(rows) == 2
    said = str([dict(row) for row in rows])
    assert "hush" not in said
    assert "PRIVATE" not in said
    assert b"hush".hex() not in said
    assert b"PRIVATE".hex() not in said


async def test_settings_may_name_only_keys_that_are_there(database: Database, account: UUID) -> None:
    made = await _filled(database, account)
    async with database.account(account) as tx:
        await openpgp_keys.hold(tx, [made.id, KEY.facts.fingerprint])
        for named in (uuid4(), "A" * 40):
            with pytest.raises(InvalidRequest, match=str(named)):
                await openpgp_keys.hold(tx, [made.id, named])
    async with database.account(await make_account(database, "Other")) as tx:
        with pytest.raises(InvalidRequest):
            await openpgp_keys.hold(tx, [made.id])
        assert await openpgp_keys.page(tx, KeyFilter(), 10) == []


async def test_public_halves_and_private_keys_are_found_by_name(database: Database, account: UUID) -> None:
    made = await _filled(database, account)
    partner = public(made_key("Partner"))
    async with database.account(account) as tx:
        await openpgp_keys.add_partner(tx, RING, "theirs", partner)
        found = await openpgp_keys.partners_of(tx, [partner.facts.fingerprint, made.id])
        assert {each.facts.fingerprint for each in found} == {partner.facts.fingerprint, KEY.facts.fingerprint}
        assert all("PRIVATE" not in each.material for each in found)
        assert await openpgp_keys.own_of(tx, RING, KEY.facts.fingerprint) == KEY
        for named in (partner.facts.fingerprint, uuid4()):
            with pytest.raises(NotFound):
                await openpgp_keys.own_of(tx, RING, named)
        with pytest.raises(NotFound):
            await openpgp_keys.partners_of(tx, [uuid4()])


async def test_there_is_an_end_to_how_many(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        await tx.connection.execute(
            "INSERT INTO tidegate.openpgp_keys (account_id, kind, name, password_sealed) "
            "SELECT $1, 'password', n::text, '\\x00' FROM generate_series(1, $2::int) n",
            account,
            openpgp_keys.MAX_KEYS,
        )
        with pytest.raises(Conflict):
            await openpgp_keys.add_password(tx, RING, "one more", "hush")
