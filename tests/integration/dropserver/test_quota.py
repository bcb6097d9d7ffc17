"""Quotas of hosted folders, counted for all who write: uploads at several replicas, deliveries, removals."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncssh
import pytest

from services.dropserver.tenant import Limits
from shared.domain.connection import Login
from shared.domain.failures import PlaceFull
from shared.domain.place import HostedPlace
from shared.runtime.room import LedgerRoom
from shared.storage import drop_folders, drop_usage
from shared.storage.database import Database
from shared.transfer.open_folder import open_folder
from tests.integration.dropserver.replicas import Replicas, replicas

MEGABYTE = 1024**2


async def test_uploads_at_two_replicas_never_exceed_the_quota_together(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, count=2) as house:
        await _allow(house, 10 * MEGABYTE, 6)
        made, password = await house.login()

        async def upload(number: int) -> bool:
            async with house.client(made.username, password, at=number % 2) as client:
                try:
                    await _put(client, f"{number}.csv", bytes(3 * MEGABYTE))
                except asyncssh.SFTPFailure:
                    return False
                return True

        whole = await asyncio.gather(*(upload(number) for number in range(6)))
        lying = sorted((file.name, file.stat().st_size) for file in house.directory.iterdir())
        assert lying == sorted((f"{number}.csv", 3 * MEGABYTE) for number, is_whole in enumerate(whole) if is_whole)
        # Each of them sets aside a block; so some may be refused though a few would have found room.
        assert 0 < len(lying) <= 3
        assert await _used(house) == (len(lying) * 3 * MEGABYTE, len(lying))
        rung = await database_rows(house, "SELECT path FROM tidegate.uploads WHERE state = 'closed' ORDER BY path")
        assert rung == [name for name, _ in lying]
        # What is removed, replaced or renamed over gives its room back.
        async with house.client(made.username, password) as client:
            for name, _ in lying:
                await client.remove(name)
            await _put(client, "a.csv", bytes(9 * MEGABYTE))
            await _put(client, "a.csv", bytes(8 * MEGABYTE))
            await _put(client, "b.csv", b"1")
            await client.posix_rename("a.csv", "b.csv")
            await client.mkdir("in")
        assert await _used(house) == (8 * MEGABYTE, 2)


async def test_an_empty_folder_takes_so_many_files_and_no_more(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        await _allow(house, MEGABYTE, 2)
        made, password = await house.login()
        async with house.client(made.username, password) as client:
            await _put(client, "a.csv", b"")
            await client.mkdir("d")
            for attempt in (client.mkdir("e"), _put(client, "b.csv", b"1")):
                with pytest.raises(asyncssh.SFTPFailure, match="full"):
                    await attempt
            assert sorted(file.name for file in house.directory.iterdir()) == ["a.csv", "d"]
            # Somebody else took one away: the disk is measured before anything is refused.
            (house.directory / "a.csv").unlink()
            await _measure(house)
            await _put(client, "b.csv", b"1")


async def test_a_delivery_for_which_there_is_no_room_leaves_nothing(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        await _allow(house, 2 * MEGABYTE, 10)
        place = HostedPlace(transport="hosted", drop_folder_id=house.folder_id)
        async with open_folder(place, Login(), house.places, account_id=account) as folder:
            await folder.write("small.csv", _chunks(MEGABYTE))
            for name in ("large.csv", "small.csv"):
                with pytest.raises(PlaceFull):
                    await folder.write(name, _chunks(3 * MEGABYTE))
            assert list(house.directory.iterdir()) == []
            assert await _used(house) == (0, 0)
            await folder.write("a.tmp", _chunks(MEGABYTE))
            await folder.write("b.csv", _chunks(MEGABYTE // 2))
            await folder.rename("a.tmp", "b.csv", replace=True)
            assert await _used(house) == (MEGABYTE, 1)
            await folder.remove("b.csv")
        assert await _used(house) == (0, 0)


async def test_a_measure_counts_what_lies_there_and_what_is_set_aside(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        made, password = await house.login()
        async with house.client(made.username, password) as client, client.open("a.csv", "wb") as file:
            await file.write(b"1")
            (house.directory / "stray.csv").write_bytes(bytes(1000))
            await _measure(house)
            assert await _used(house) == (1000 + drop_usage.FIRST_BYTES, 2)
        assert await _used(house) == (1001, 2)


async def test_the_newer_upload_of_one_name_wins_also_at_another_replica(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, count=2, limits=Limits(attend_seconds=0.1)) as house:
        made, password = await house.login()
        async with (
            house.client(made.username, password) as first,
            house.client(made.username, password, at=1) as second,
        ):
            old = await first.open("a.csv", "wb")
            await old.write(b"the older one, which is longer")
            new = await second.open("a.csv", "wb")
            with pytest.raises(asyncssh.SFTPFailure, match="another session"):  # noqa: PT012 until it is noticed
                async with asyncio.timeout(10):
                    while True:
                        await old.write(b" and longer")
            await new.write(b"new")
            await new.close()
            with pytest.raises(asyncssh.SFTPError):
                await old.close()
        assert (house.directory / "a.csv").read_bytes() == b"new"
        assert await _used(house) == (3, 1)
        states = await database_rows(house, "SELECT state FROM tidegate.uploads ORDER BY opened_at")
        assert states == ["broken", "closed"]


async def test_what_is_removed_while_it_is_written_gives_its_room_back_once(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        made, password = await house.login()
        async with house.client(made.username, password) as client:
            await _put(client, "kept.csv", bytes(1000))
            for _ in range(2):
                file = await client.open("a.csv", "wb")
                await file.write(bytes(500))
                await client.remove("a.csv")
                with pytest.raises(asyncssh.SFTPNoSuchFile):
                    await file.close()
            # The same of one that gives way to another, and of one that is removed to make room for another.
            left = [await client.open("a.csv", "wb") for _ in range(3)]
            await left[-1].write(bytes(500))
            await client.remove("a.csv")
            await _put(client, "a.csv", bytes(300))
            async with client.open("kept.csv", "ab") as file:
                await file.write(bytes(50))
            left.append(await client.open("kept.csv", "r+b"))
            for each in left[:-1]:
                with pytest.raises(asyncssh.SFTPError):
                    await each.close()
            await left[-1].close()
        assert await _used(house) == (1350, 2)


async def _allow(house: Replicas, quota_bytes: int, quota_files: int) -> None:
    async with house.database.account(house.account_id) as tx:
        found = await drop_folders.get(tx, house.folder_id)
        await drop_folders.update(tx, replace(found, quota_bytes=quota_bytes, quota_files=quota_files))


async def _measure(house: Replicas) -> None:
    room = LedgerRoom(house.database, house.account_id, house.folder_id, house.directory)
    assert await room.measure(0)


async def _used(house: Replicas) -> tuple[int, int]:
    async with house.database.account(house.account_id, read_only=True) as tx:
        used = await drop_usage.get(tx, house.folder_id)
    return used.bytes, used.files


async def database_rows(house: Replicas, query: str) -> list[str]:
    async with house.database.account(house.account_id, read_only=True) as tx:
        return [row[0] for row in await tx.connection.fetch(query)]


async def _put(client: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    async with client.open(path, "wb") as file:
        await file.write(content)


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536):
        yield bytes(65_536)
