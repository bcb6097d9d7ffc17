"""Secrets are sealed anew while others work, and a key is called unneeded only when nothing is sealed with it."""

import asyncio
import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.entry.rotate import told
from shared.domain.connection import ConnectionSettings
from shared.domain.failures import Conflict, SecretKeyMissing
from shared.domain.place import SftpPlace
from shared.storage import connections, rotation
from shared.storage.accounts import OPERATOR
from shared.storage.connections import StoredConnection
from shared.storage.database import Database
from shared.storage.rotation import DRAWERS, rotate
from shared.storage.secrets import KeyRing, Place, UnusableKey, check_keys
from tests.eventually import eventually
from tests.real.database_fixtures import make_account

OLD, NEW = os.urandom(32), os.urandom(32)
BEFORE, DURING, AFTER = KeyRing((OLD,)), KeyRing((NEW, OLD)), KeyRing((NEW,))
SETTINGS = ConnectionSettings(
    name="Partner", place=SftpPlace(transport="sftp", host="files.partner.example", username="shop")
)
SECRETS: dict[connections.SecretName, str | None] = {"password": "hush", "passphrase": "hush too"}


async def _connection(database: Database, account: UUID, ring: KeyRing = BEFORE) -> StoredConnection:
    async with database.account(account) as tx:
        return await connections.create(tx, ring, SETTINGS, SECRETS, email=None)


async def _opens(database: Database, account: UUID, ring: KeyRing, connection: StoredConnection) -> str | None:
    async with database.account(account) as tx:
        login = await connections.login_of(tx, ring, connection.id)
    assert login.passphrase is not None
    return login.password


async def test_every_secret_of_every_account_opens_with_the_new_key_alone(database: Database) -> None:
    made = []
    for _ in range(3):
        account = await make_account(database)
        made += [(account, await _connection(database, account)) for _ in range(2)]
    done = await rotate(database, DURING)
    assert (done.resealed, done.accounts, done.needed, done.unopened) == (12, 3, set(), [])
    assert done.unneeded == BEFORE.ids
    for account, connection in made:
        assert await _opens(database, account, AFTER, connection) == "hush"
        with pytest.raises(SecretKeyMissing):
            await _opens(database, account, BEFORE, connection)
    await check_keys(database, AFTER)
    with pytest.raises(UnusableKey):
        await check_keys(database, BEFORE)


async def test_what_people_edit_has_the_same_version_and_a_rotation_finds_nothing_twice(
    database: Database, account: UUID
) -> None:
    connection = await _connection(database, account)
    await rotate(database, DURING)
    async with database.account(account) as tx:
        assert (await connections.get(tx, connection.id)).version == connection.version
    again = await rotate(database, DURING)
    assert (again.resealed, again.needed) == (0, set())


async def test_before_a_rotation_the_old_key_cannot_be_left_out(database: Database, account: UUID) -> None:
    await _connection(database, account)
    await _connection(database, account, DURING)
    with pytest.raises(UnusableKey):
        await check_keys(database, AFTER)
    done = await rotate(database, AFTER)
    assert (done.resealed, len(done.unopened), done.needed) == (0, 2, set(BEFORE.ids))
    said = list(told(done, AFTER))
    assert any("does not open" in sentence for sentence in said)
    assert any("still needed" in sentence for sentence in said)
    assert not any("hush" in sentence for sentence in said)
    with pytest.raises(UnusableKey):
        await check_keys(database, AFTER)


async def test_a_damaged_value_is_named_and_keeps_no_other_from_being_resealed(
    database: Database, account: UUID
) -> None:
    damaged, whole = await _connection(database, account), await _connection(database, account)
    async with database.account(account) as tx:
        await tx.connection.execute(
            "UPDATE tidegate.connections SET password_sealed = password_sealed || '\\x00' WHERE connection_id = $1",
            damaged.id,
        )
    done = await rotate(database, DURING)
    assert [(place.row_id, place.column) for place in done.unopened] == [(damaged.id, "password")]
    assert done.resealed == 3
    assert done.needed == BEFORE.ids
    assert await _opens(database, account, AFTER, whole) == "hush"


async def test_who_seals_with_the_old_key_meanwhile_is_noticed(database: Database, account: UUID) -> None:
    """A service that still has the old key in front: between the marking of the keys and the last look at them."""
    first = await _connection(database, account)
    async with database.account(account) as tx:
        await tx.connection.execute("SELECT FROM tidegate.connections WHERE connection_id = $1 FOR UPDATE", first.id)
        rotating = asyncio.create_task(rotate(database, DURING))
        await eventually(lambda: _is_waiting(database), "the rotation to wait for the connection")
        late = await _connection(database, account)
    done = await rotating
    assert done.needed == BEFORE.ids, "the key seals again, whatever the rotation has seen"
    assert not done.unneeded
    assert (await rotate(database, DURING)).unneeded == BEFORE.ids
    assert await _opens(database, account, AFTER, late) == "hush"


async def test_who_is_sealing_with_the_old_key_just_now_is_waited_for(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        late = await connections.create(tx, BEFORE, SETTINGS, SECRETS, email=None)
        rotating = asyncio.create_task(rotate(database, DURING))
        await eventually(lambda: _is_waiting(database), "the rotation to wait for the one that seals")
    done = await rotating
    assert (done.resealed, done.needed) == (2, set())
    assert await _opens(database, account, AFTER, late) == "hush"


async def test_a_secret_that_a_person_changes_meanwhile_stays_as_the_person_set_it(
    database: Database, account: UUID
) -> None:
    connection = await _connection(database, account)
    async with database.account(account) as tx:
        await tx.connection.execute(
            "SELECT FROM tidegate.connections WHERE connection_id = $1 FOR UPDATE", connection.id
        )
        rotating = asyncio.create_task(rotate(database, DURING))
        await eventually(lambda: _is_waiting(database), "the rotation to wait for the connection")
        await connections.update(tx, DURING, connection.id, SETTINGS, {"password": "newer", "passphrase": "newer too"})
    done = await rotating
    assert (done.resealed, done.needed) == (0, set())
    assert await _opens(database, account, AFTER, connection) == "newer"


async def test_an_interrupted_rotation_is_repeated(
    database: Database, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [await _connection(database, account) for _ in range(6)]
    monkeypatch.setattr(rotation, "_PAGE", 2)
    last = max(each.id for each in made)
    async with database.account(account) as tx:
        # Held, so that it cannot come to its end before it is interrupted.
        await tx.connection.execute("SELECT FROM tidegate.connections WHERE connection_id = $1 FOR UPDATE", last)
        rotating = asyncio.create_task(rotate(database, DURING))
        await eventually(lambda: _some_are_resealed(database, account), "a part of the work")
        await eventually(lambda: _is_waiting(database), "the rotation to wait for the last connection")
        rotating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rotating
    for connection in made:
        assert await _opens(database, account, DURING, connection) == "hush"
    done = await rotate(database, DURING)
    assert done.needed == set()
    for connection in made:
        assert await _opens(database, account, AFTER, connection) == "hush"


async def test_two_rotations_do_not_run_side_by_side(database: Database, account: UUID) -> None:
    connection = await _connection(database, account)
    async with database.account(account) as tx:
        await tx.connection.execute(
            "SELECT FROM tidegate.connections WHERE connection_id = $1 FOR UPDATE", connection.id
        )
        rotating = asyncio.create_task(rotate(database, DURING))
        await eventually(lambda: _is_waiting(database), "the first rotation to wait")
        with pytest.raises(Conflict, match="rotation is under way"):
            await rotate(database, DURING)
    await rotating


async def test_everything_that_is_sealed_is_rotated(database: Database, account: UUID) -> None:
    """Whoever adds a sealed column calls it <name>_sealed and adds it to DRAWERS."""
    async with database.account(account) as tx:
        rows = await tx.connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE data_type = 'bytea' AND table_schema IN ('tidegate', $1)",
            tx.schema.strip('"'),
        )
    found = {(row["table_name"], row["column_name"]) for row in rows}
    drawers = {(drawer.table, f"{name}_sealed") for drawer in DRAWERS for name in drawer.columns}
    assert {each for each in found if each[1].endswith("_sealed")} == drawers
    assert {each for each in found if not each[1].endswith("_sealed")} == NOT_SEALED


NOT_SEALED = {
    ("api_keys", "secret_sha256"),
    ("credentials", "former_password_sha256"),
    ("credentials", "password_sha256"),
    ("kept_answers", "key_digest"),
    ("kept_chunks", "content"),
    ("samples", "findings"),
    ("secret_keys", "key_id"),
}
"""Other bytes: hashes, identities, and what people sent, which lies in the profiles unsealed as well. A secret that
must be read again does not belong here, but is sealed."""


def test_only_the_modules_that_are_known_to_seal_do() -> None:
    """What is stored sealed must be told by keep(), in the same transaction. Cursors are sealed and not stored."""
    root = Path(__file__).resolve().parents[3]
    texts = {
        str(file.relative_to(root)): file.read_text()
        for folder in ("shared", "services")
        for file in (root / folder).rglob("*.py")
    }
    sealing = {name for name, text in texts.items() if ".seal(" in text} - {"services/api/paging.py"}
    assert "shared/storage/connections.py" in sealing
    assert not [name for name in sealing if "keep(tx, ring)" not in texts[name]]


async def test_kept_answers_are_rotated_also_the_operators(database: Database, account: UUID) -> None:
    digest = os.urandom(32)
    places = {each: Place(each, "kept_answers", UUID(bytes=digest[:16]), "answer") for each in (account, OPERATOR)}
    for each, place in places.items():
        async with database.account(each) as tx:
            await tx.connection.execute(
                "INSERT INTO tidegate.kept_answers (account_id, key_digest, answer_sealed) VALUES ($1, $2, $3)",
                each,
                digest,
                BEFORE.seal("hush", place),
            )
    assert (await rotate(database, DURING)).resealed == 2
    for each, place in places.items():
        async with database.account(each) as tx:
            sealed = await tx.connection.fetchval("SELECT answer_sealed FROM tidegate.kept_answers")
        assert AFTER.open(bytes(sealed), place) == "hush"


async def _is_waiting(database: Database) -> bool:
    async with database.account(uuid4()) as tx:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(await tx.connection.fetchval(query))


async def _some_are_resealed(database: Database, account: UUID) -> bool:
    async with database.account(account) as tx:
        query = "SELECT count(*) FROM tidegate.connections WHERE substring(password_sealed FROM 2 FOR 8) = $1"
        return bool(await tx.connection.fetchval(query, AFTER.sealing_id))
