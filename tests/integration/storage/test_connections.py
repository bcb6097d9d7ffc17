"""Whose turn it is: connections are due by their time, held by one poller, and stopped until a person acts."""

import os
from uuid import UUID

import pytest

from shared.domain.connection import ConnectionSettings
from shared.domain.failures import NotFound
from shared.domain.place import SftpPlace
from shared.storage import arrivals, connections, leases, pinned_keys
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from tests.real.database_fixtures import make_account

RING = KeyRing((os.urandom(32),))
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SETTINGS = ConnectionSettings(
    name="Partner", place=SftpPlace(transport="sftp", host="files.partner.example", username="shop")
)


async def _make(database: Database, account: UUID, settings: ConnectionSettings = SETTINGS) -> UUID:
    async with database.account(account) as tx:
        return (await connections.create(tx, RING, settings, {"password": "hush"}, email=None)).id


async def _due(database: Database) -> list[tuple[UUID, UUID]]:
    async with database.watching() as watch:
        return await connections.due(watch, 10)


async def test_a_new_connection_is_due_and_waits_after_a_look(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    assert await _due(database) == [(account, made)]
    async with database.account(account) as tx:
        assert await connections.looked(tx, made, 60, failed=False, since=await arrivals.clock(tx)) == 0
    assert await _due(database) == []
    async with database.account(account) as tx:
        await connections.look_now(tx, made)
    assert await _due(database) == [(account, made)]


async def test_what_a_poller_holds_is_not_due_for_another(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    async with database.account(account) as tx:
        assert await leases.take_watch(tx, made, "one", 30)
        assert not await leases.take_watch(tx, made, "two", 30)
    assert await _due(database) == []


async def test_an_inactive_connection_is_never_due(database: Database, account: UUID) -> None:
    await _make(database, account, SETTINGS.model_copy(update={"active": False}))
    assert await _due(database) == []


async def test_failures_are_counted_in_a_row(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    async with database.account(account) as tx:
        since = await arrivals.clock(tx)
        counted = [
            await connections.looked(tx, made, 1, failed=failed, since=since) for failed in (True, True, False, True)
        ]
    assert counted == [1, 2, 0, 1]


async def test_a_stop_is_news_once_and_lasts_until_a_person_acts(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    async with database.account(account) as tx:
        assert await connections.stop(tx, made, 1, "login_refused", "The server refused.")
        assert not await connections.stop(tx, made, 1, "login_refused", "The server refused.")
    assert await _due(database) == []
    async with database.account(account) as tx:
        await connections.update(tx, RING, made, SETTINGS, {"password": "better"})
        assert (await connections.get(tx, made)).stopped_code is None
    assert await _due(database) == [(account, made)]


async def test_what_a_person_did_during_a_look_is_not_undone_by_its_end(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    async with database.account(account) as tx:
        began_at = await arrivals.clock(tx)
    async with database.account(account) as tx:
        await connections.update(tx, RING, made, SETTINGS, {"password": "better"})
    async with database.account(account) as tx:
        await connections.looked(tx, made, 3600, failed=True, since=began_at)
        assert not await connections.stop(tx, made, 1, "login_refused", "The server refused the old password.")
    assert await _due(database) == [(account, made)]


async def test_a_pinned_key_is_kept_beside_the_others_and_makes_a_version(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    async with database.account(account) as tx:
        pinned = await pinned_keys.pin_host_key(tx, made, f"{KEY} a comment")
        again = await pinned_keys.pin_host_key(tx, made, KEY)
    assert isinstance(again.settings.place, SftpPlace)
    assert again.settings.place.host_keys == (KEY,)
    assert pinned.version == 2


async def test_secrets_rest_sealed_and_come_back_to_who_logs_in(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    async with database.account(account) as tx:
        sealed = await tx.connection.fetchval("SELECT password_sealed FROM tidegate.connections")
        login = await connections.login_of(tx, RING, made)
    assert b"hush" not in sealed
    assert (login.password, login.private_key) == ("hush", None)
    assert "hush" not in repr(login)


async def test_nobody_reads_another_accounts_connection(database: Database, account: UUID) -> None:
    made = await _make(database, account)
    async with database.account(await make_account(database)) as tx:
        with pytest.raises(NotFound):
            await connections.get(tx, made)
        with pytest.raises(NotFound):
            await connections.login_of(tx, RING, made)
