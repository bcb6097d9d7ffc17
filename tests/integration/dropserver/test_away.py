"""The volume of a hosted folder is away: who logs in comes in, is told so whatever it asks for, and makes nothing."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncssh
import httpx
import pytest

from shared.runtime.room import LedgerRoom
from shared.storage import drop_usage, login_scores
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from shared.storage.login_scores import CountedFilter
from tests.integration.dropserver.replicas import Replicas, replicas
from tests.volumes import away

SAID = "its volume is away"
TIMED = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:getlastmodified>'
    "Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified></D:prop></D:set></D:propertyupdate>"
)
BODIES = {"PUT": "new", "PROPPATCH": TIMED}
METHODS = ("PROPFIND", "GET", "HEAD", "PUT", "DELETE", "MKCOL", "LOCK", "MOVE", "COPY", "PROPPATCH")
BY_SFTP: tuple[Callable[[asyncssh.SFTPClient], Awaitable[object]], ...] = (
    lambda client: client.listdir(),
    lambda client: client.stat("a.csv"),
    lambda client: client.open("a.csv", "rb"),
    lambda client: client.open("b.csv", "wb"),
    lambda client: client.mkdir("d"),
    lambda client: client.rename("a.csv", "b.csv"),
    lambda client: client.posix_rename("a.csv", "b.csv"),
    lambda client: client.remove("a.csv"),
    lambda client: client.rmdir("d"),
    lambda client: client.utime("a.csv", (0, 0)),
)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Where the volume is mounted."""
    return tmp_path / "drop"


async def test_by_sftp_nothing_is_told_as_gone_and_nothing_taken_beside_it(
    database: Database, account: UUID, volume: Path
) -> None:
    async with replicas(database, account, volume) as house:
        made, password = await house.login(directory="shop")
        async with house.client(made.username, password) as before:
            await _put(before, "a.csv")
            with away(volume):
                async with house.client(made.username, password) as meanwhile:
                    for client in (before, meanwhile):
                        for attempt in BY_SFTP:
                            with pytest.raises(asyncssh.SFTPFailure, match=SAID):
                                await attempt(client)
                    assert list(volume.iterdir()) == []
            assert await before.listdir() == [".", "..", "a.csv"]
        assert await _counted(house) == (5, 1)
        assert await _failures(house) == []


async def test_by_webdav_it_is_503_until_it_is_back(database: Database, account: UUID, volume: Path) -> None:
    async with replicas(database, account, volume) as house:
        before, meanwhile = [await house.login() for _ in range(2)]
        url = f"http://127.0.0.1:{house.webdav[0].port}"
        async with httpx.AsyncClient(base_url=url, headers={"Destination": "/b.csv", "Depth": "1"}) as client:
            auth = (before[0].username, before[1])
            assert (await client.put("/a.csv", content="whole", auth=auth)).status_code == 201
            with away(volume):
                for made, password in (before, meanwhile):
                    for method in METHODS:
                        auth = (made.username, password)
                        answer = await client.request(method, "/a.csv", auth=auth, content=BODIES.get(method))
                        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), method
                        assert method == "HEAD" or SAID in answer.text
                assert list(volume.iterdir()) == []
            assert (await client.get("/a.csv", auth=auth)).text == "whole"
        assert await _counted(house) == (5, 1)
        assert await _failures(house) == []


async def test_a_directory_in_which_nothing_is_known_to_lie_any_more_is_made(
    database: Database, account: UUID, volume: Path
) -> None:
    async with replicas(database, account, volume) as house:
        made, password = await house.login()
        for _ in range(2):
            async with house.client(made.username, password) as client:
                await _put(client, "a.csv")
                await client.remove("a.csv")
            house.directory.rmdir()


async def test_what_lies_there_by_another_way_than_uploads_is_known_once_it_was_measured(
    database: Database, account: UUID, volume: Path
) -> None:
    async with replicas(database, account, volume) as house:
        made, password = await house.login()
        house.directory.mkdir(parents=True)
        (house.directory / "copied.csv").write_text("whole")
        assert await LedgerRoom(database, account, house.folder_id, house.directory).measure(0)
        with away(house.directory):
            assert await house.lets_in(made.username, password)
            assert not house.directory.exists()


async def test_who_has_proved_who_it_is_comes_in_where_nothing_can_be_made(
    database: Database, account: UUID, volume: Path
) -> None:
    async with replicas(database, account, volume) as house:
        made, password = await house.login()
        volume.write_text("in its way")
        async with house.client(made.username, password) as client:
            with pytest.raises(asyncssh.SFTPFailure, match=SAID):
                await client.listdir()


async def _put(client: asyncssh.SFTPClient, path: str) -> None:
    async with client.open(path, "wb") as file:
        await file.write(b"whole")


async def _counted(house: Replicas) -> tuple[int, int]:
    async with house.database.account(house.account_id, read_only=True) as tx:
        used = await drop_usage.get(tx, house.folder_id)
    return used.bytes, used.files


async def _failures(house: Replicas) -> list[object]:
    """What was counted of logins that failed, once all is told."""
    await house.servers[0].house.guard.tell_rest()
    found: list[object] = []
    for account_id in (OPERATOR, house.account_id):
        async with house.database.account(account_id, read_only=True) as tx:
            found += [each for each in await login_scores.page(tx, CountedFilter(), 100) if each.score > 0]
    return found
