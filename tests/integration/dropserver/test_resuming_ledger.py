"""What the real ledger, shared by replicas, says of whole files that are opened to be gone on with."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncssh
import pytest

from shared.storage import drop_folders, drop_usage
from shared.storage.database import Database
from tests.eventually import eventually
from tests.integration.dropserver.conftest import open_under
from tests.integration.dropserver.replicas import Replicas, replicas


async def test_nothing_changes_before_the_first_byte(database: Database, account: UUID, tmp_path: Path) -> None:
    async with replicas(database, account, tmp_path, count=2) as house:
        made, password = await house.login()
        async with house.client(made.username, password) as client:
            await _put(client, b"whole")
        for byte in (b"", b"+"):
            before = await _ledger(house)
            async with house.client(made.username, password) as client:
                file = await client.open("a.csv", "ab")
                assert await _ledger(house) == before
                if byte:
                    await file.write(byte)
                client.exit()
                await client.wait_closed()
            await eventually(lambda: not open_under(house.directory), "the session to be over")
            for server in house.servers:
                await server.house.all_carried()
        states, used = await _ledger(house)
        assert states == ["closed", "broken"]
        assert used == (6, 1)


async def test_who_waits_while_another_uploads_does_not_go_on_with_what_that_left(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    """At whichever replica, and whether the other put a file of its own there or went on with the same."""
    async with replicas(database, account, tmp_path, count=2) as house:
        made, password = await house.login()
        async with (
            house.client(made.username, password) as first,
            house.client(made.username, password, at=1) as second,
        ):
            for way, found in (("wb", b"other"), ("r+b", b"OTHER"), ("ab", b"OTHEROTHER")):
                await _put(first, b"whole") if way == "wb" else None
                waiting = await first.open("a.csv", "r+b")
                async with second.open("a.csv", way) as file:
                    await file.write(found[-5:])
                with pytest.raises(asyncssh.SFTPFailure, match="another session"):
                    await waiting.write(b"w")
                with pytest.raises(asyncssh.SFTPFailure):
                    await waiting.close()
                assert (house.directory / "a.csv").read_bytes() == found
            async with database.account(account, read_only=True) as tx:
                rows = await tx.connection.fetch("SELECT state FROM tidegate.uploads ORDER BY opened_at")
            assert [row["state"] for row in rows] == ["closed"] * 4


async def test_a_full_folder_is_told_at_the_latest_before_the_first_byte(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        made, password = await house.login()
        async with database.account(account) as tx:
            found = await drop_folders.get(tx, house.folder_id)
            await drop_folders.update(tx, replace(found, quota_bytes=10))
        async with house.client(made.username, password) as client:
            await _put(client, b"whole")
            before = await _ledger(house)
            file = await client.open("a.csv", "ab")
            with pytest.raises(asyncssh.SFTPFailure, match="full"):
                await file.write(b"123456")
            with pytest.raises(asyncssh.SFTPFailure):
                await file.close()
            assert await _ledger(house) == before
            async with client.open("a.csv", "ab") as file:
                await file.write(b"12345")
            before = await _ledger(house)
            with pytest.raises(asyncssh.SFTPFailure, match="full"):
                await client.open("a.csv", "ab")
            assert await _ledger(house) == before
        assert (house.directory / "a.csv").read_bytes() == b"whole12345"


async def _put(client: asyncssh.SFTPClient, content: bytes) -> None:
    async with client.open("a.csv", "wb") as file:
        await file.write(content)


async def _ledger(house: Replicas) -> tuple[list[str], tuple[int, int]]:
    """States of the uploads in their order, and what is counted for the folder."""
    async with house.database.account(house.account_id, read_only=True) as tx:
        rows = await tx.connection.fetch("SELECT state FROM tidegate.uploads ORDER BY opened_at")
        used = await drop_usage.get(tx, house.folder_id)
    return [row["state"] for row in rows], (used.bytes, used.files)
