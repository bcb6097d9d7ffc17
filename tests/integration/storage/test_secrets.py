"""Secrets open only where they were stored and with their key; a wrong key stops the start."""

import os
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import SecretKeyMissing
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from shared.storage.secrets import KeyRing, Place, SealBroken, UnusableKey, check_keys, keep

OLD, NEW = os.urandom(32), os.urandom(32)
HERE = Place(uuid4(), "connections", uuid4(), "password")


@given(st.text())
def test_a_secret_opens_where_it_was_sealed(secret: str) -> None:
    ring = KeyRing((OLD,))
    assert ring.open(ring.seal(secret, HERE), HERE) == secret


@pytest.mark.parametrize(
    "place",
    [
        replace(HERE, account_id=uuid4()),
        replace(HERE, row_id=uuid4()),
        replace(HERE, table="webhooks"),
        replace(HERE, column="passphrase"),
    ],
)
def test_a_secret_opens_nowhere_else(place: Place) -> None:
    ring = KeyRing((OLD,))
    with pytest.raises(SealBroken):
        ring.open(ring.seal("hush", HERE), place)


def test_no_changed_bit_passes() -> None:
    ring = KeyRing((OLD,))
    sealed = ring.seal("hush", HERE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        # The identity of the key is a part of it: changed, it names a key that nobody has.
        with pytest.raises((SealBroken, SecretKeyMissing)):
            ring.open(bytes(changed), HERE)


def test_the_first_key_seals_and_all_open() -> None:
    sealed_before = KeyRing((OLD,)).seal("hush", HERE)
    both = KeyRing((NEW, OLD))
    assert both.open(sealed_before, HERE) == "hush"
    assert KeyRing((NEW,)).open(both.seal("hush", HERE), HERE) == "hush"
    with pytest.raises(SecretKeyMissing):
        KeyRing((NEW,)).open(sealed_before, HERE)


@pytest.mark.parametrize("keys", [(), (b"short",), (OLD, b"short")])
def test_a_key_has_32_bytes(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(UnusableKey, match="TIDEGATE_SECRET_KEY"):
        KeyRing(keys)


async def test_a_start_stops_where_a_key_is_missing_that_something_was_sealed_with(database: Database) -> None:
    await check_keys(database, KeyRing((OLD,)))
    await check_keys(database, KeyRing((NEW,)))
    async with database.account(OPERATOR) as tx:
        await keep(tx, KeyRing((OLD,)))
    await check_keys(database, KeyRing((OLD,)))
    with pytest.raises(UnusableKey, match="lacks a key"):
        await check_keys(database, KeyRing((NEW,)))
    await check_keys(database, KeyRing((NEW, OLD)))
    async with database.account(OPERATOR) as tx:
        await keep(tx, KeyRing((NEW, OLD)))
    with pytest.raises(UnusableKey):
        await check_keys(database, KeyRing((OLD,)))
