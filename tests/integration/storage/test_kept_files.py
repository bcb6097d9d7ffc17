"""Kept files: whole and hashed or gone, within bounds, their owner's alone, and swept when their time is over."""

import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from shared.domain.failures import FileTooLarge, KeptFileGone, TooMuchKept
from shared.storage import kept_files
from shared.storage.database import Database
from shared.storage.kept_files import CHUNK_BYTES, Incoming, KeptFile
from tests.real.database_fixtures import make_account

CONTENT = bytes(range(256)) * (CHUNK_BYTES // 100)


def _incoming(most: int = 1 << 30, seconds: float = 3600, account: int = 1 << 40) -> Incoming:
    return Incoming("sample", "../contacts.csv", most, seconds, account)


async def _pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def _kept(database: Database, account: UUID, incoming: Incoming | None = None) -> KeptFile:
    return await kept_files.keep(database, account, incoming or _incoming(), _pieces(CONTENT))


async def _rows(database: Database, account: UUID) -> list[int]:
    async with database.account(account) as tx:
        tables = ("kept_files", "kept_chunks")
        return [await tx.connection.fetchval(f"SELECT count(*) FROM tidegate.{table}") for table in tables]


async def test_what_was_kept_is_read_back_byte_for_byte(database: Database, account: UUID) -> None:
    kept = await _kept(database, account)
    assert (kept.size_bytes, kept.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert b"".join([chunk async for chunk in kept_files.read(database, account, kept)]) == CONTENT
    async with database.account(account) as tx:
        assert await kept_files.get(tx, kept.id) == kept


async def test_an_empty_file_is_one_too(database: Database, account: UUID) -> None:
    kept = await kept_files.keep(database, account, _incoming(), _pieces(b""))
    assert [chunk async for chunk in kept_files.read(database, account, kept)] == []


async def test_more_than_is_taken_leaves_nothing(database: Database, account: UUID) -> None:
    with pytest.raises(FileTooLarge):
        await _kept(database, account, _incoming(most=len(CONTENT) - 1))
    await kept_files.sweep(database)
    assert await _rows(database, account) == [0, 0]
    await _kept(database, account, _incoming(most=len(CONTENT)))


async def test_an_account_keeps_so_much_and_no_more(database: Database, account: UUID) -> None:
    kept = await _kept(database, account)
    with pytest.raises(TooMuchKept):
        await _kept(database, account, _incoming(account=2 * len(CONTENT) - 1))
    with pytest.raises(TooMuchKept):
        await _kept(database, account, _incoming(account=len(CONTENT)))
    await kept_files.discard(database, account, kept.id)
    await kept_files.sweep(database)
    await _kept(database, account, _incoming(account=len(CONTENT)))


async def test_another_account_has_no_such_file(database: Database, account: UUID) -> None:
    kept = await _kept(database, account)
    other = await make_account(database, "Other Shop")
    async with database.account(other) as tx:
        with pytest.raises(KeptFileGone):
            await kept_files.get(tx, kept.id)
    with pytest.raises(KeptFileGone):
        await anext(kept_files.read(database, other, kept))


async def test_what_breaks_off_is_no_file_and_is_swept_in_time(database: Database, account: UUID) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield CONTENT
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await kept_files.keep(database, account, _incoming(), broken())
    assert await kept_files.sweep(database) == 0, "it might still be coming"
    async with database.account(account) as tx:
        file_id = await tx.connection.fetchval("SELECT kept_file_id FROM tidegate.kept_files")
        with pytest.raises(KeptFileGone):
            await kept_files.get(tx, file_id)
        await tx.connection.execute("UPDATE tidegate.kept_files SET expires_at = now() - interval '1 second'")
    assert await kept_files.sweep(database) == 1
    assert await _rows(database, account) == [0, 0]


async def test_a_file_is_kept_as_long_as_was_said_and_longer_where_it_is_wanted(
    database: Database, account: UUID
) -> None:
    brief = await _kept(database, account, _incoming(seconds=0))
    wanted = await _kept(database, account, _incoming(seconds=60))
    async with database.account(account) as tx:
        await kept_files.keep_longer(tx, wanted.id, 3600)
        assert (await kept_files.get(tx, wanted.id)).expires_at > wanted.expires_at
        with pytest.raises(KeptFileGone):
            await kept_files.keep_longer(tx, brief.id, 3600)
        with pytest.raises(KeptFileGone):
            await kept_files.get(tx, brief.id)
    assert await kept_files.sweep(database) == 1
    assert await _rows(database, account) == [1, 3]
