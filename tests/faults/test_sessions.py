"""Five hundred sessions at once at the hosted server, of which a hundred upload: whole, resumed, renamed, cut off, and
several of them the same name. Nothing rings twice, nothing half, and the server holds no more than it must.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncssh
import psutil
import pytest

from services.dropserver.sftp import raise_descriptor_limit
from shared.contracts.places import UploadClosed
from tests.acceptance.conftest import operator_key, shop, system  # noqa: F401 fixtures, found by their names here
from tests.acceptance.shop import Shop, import_goal
from tests.eventually import eventually
from tests.faults.report import Table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SESSIONS = 500
UPLOADS = 100
PER_ADDRESS = 20
AT_A_TIME = 10
CONNECTIONS = 20
ATTEMPTS = 10
GROWTH_LIMIT = 200 << 20
"""Of the server's memory, for all sessions and uploads together; a session alone takes 34 KB."""
SPARE_DESCRIPTORS = 60
ROAD_SECONDS = 120.0
_RING = ("closed", "moved")
"""A file that was renamed was complete under its former name too."""


@dataclass(slots=True)
class Crowd:
    """What was sent, and what the server said of it."""

    shop: Shop
    key: asyncssh.SSHKey
    whole: dict[str, bytes] = field(default_factory=dict)
    """By final name: what it must hold."""
    cut: set[str] = field(default_factory=set)
    """Names of which no upload was finished."""
    rivals: dict[str, list[bytes]] = field(default_factory=dict)
    """By name: of several uploads those that the server called finished."""

    @asynccontextmanager
    async def session(self, number: int) -> AsyncIterator[tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]]:
        """A session from one of many addresses: one alone may have forty."""
        async with (
            asyncssh.connect(
                "127.0.0.1",
                self.shop.system.sftp_port,
                local_addr=(f"127.0.1.{1 + number // PER_ADDRESS}", 0),
                username=self.shop.login["username"],
                password=self.shop.login["password"],
                known_hosts=([self.key], [], []),
                config=None,
                agent_path=None,
                client_keys=None,
                login_timeout=120,
                connect_timeout=120,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            yield connection, client


async def test_five_hundred_sessions_of_which_a_hundred_upload(shop: Shop, faults_table: Table) -> None:  # noqa: F811
    raise_descriptor_limit()
    await shop.add_goal(_goal())
    # Of its own, with as many connections to the database as a crowd wants.
    shop.system.stop(*shop.system.running("dropserver"))
    server = shop.system.start_one("dropserver", database_connections=CONNECTIONS)
    process = psutil.Process(server.pid)
    key = asyncssh.read_private_key(shop.system.host_key).convert_to_public()
    crowd = Crowd(shop, key)
    memory, descriptors = process.memory_info().rss, process.num_fds()
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        sessions = await _all_in(crowd, stack)
        took = time.monotonic() - began
        assert process.num_fds() - descriptors <= SESSIONS + SPARE_DESCRIPTORS
        await asyncio.gather(
            *(_upload(crowd, number, *each) for number, each in enumerate(sessions[:UPLOADS])),
            *(client.stat(".") for _, client in sessions[UPLOADS:]),
        )
        assert process.num_fds() - descriptors <= SESSIONS + UPLOADS + SPARE_DESCRIPTORS
        growth = process.memory_info().rss - memory
        assert growth < GROWTH_LIMIT
    # What is left are its connections to the database, which it opened meanwhile.
    await eventually(lambda: _visitors(process, shop.system.sftp_port) == 0, "all connections to be given back")
    held = [str(each.readlink()) for each in Path(f"/proc/{server.pid}/fd").iterdir() if each.is_symlink()]
    assert [each for each in held if str(shop.account_id) in each] == []
    await _check(crowd)
    faults_table.add(
        "hosted folders",
        "500 sessions at once",
        done=f"{UPLOADS} of them upload: whole, resumed, renamed, cut off, the same name",
        seen=f"each finished upload one arrival, no other any; {growth >> 20} MB, let in within {took:.0f} s",
        seconds=None,
    )


def _visitors(process: psutil.Process, port: int) -> int:
    """How many connections there are at the server's port."""
    found = process.net_connections()
    return sum(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port for each in found)


async def _all_in(
    crowd: Crowd, stack: AsyncExitStack
) -> Sequence[tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]]:
    turns = asyncio.Semaphore(AT_A_TIME)

    async def enter(number: int) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        async with turns:
            for attempt in range(ATTEMPTS):
                try:
                    return await stack.enter_async_context(crowd.session(number))
                except asyncssh.ServiceNotAvailable:
                    # Said where the database does not keep up, on a machine that does much else.
                    await asyncio.sleep(attempt)
            raise AssertionError("nobody is let in")

    return await asyncio.gather(*(enter(number) for number in range(SESSIONS)))


async def _upload(
    crowd: Crowd, number: int, connection: asyncssh.SSHClientConnection, client: asyncssh.SFTPClient
) -> None:
    """One of the ways in which clients upload; a size of its own tells each content from all others."""
    content = f"{number:05d},".encode() * (5_000 + number)
    name = f"{number:03d}.csv"
    kind = number % 5
    if kind == 0:
        await _write(client, name, content)
        crowd.whole[name] = content
    elif kind == 1:
        await _write(client, f"{name}.part", content)
        await client.posix_rename(f"{name}.part", name)
        crowd.whole[name] = content
    elif kind == 2:
        await _begin(connection, client, name, content)
        async with crowd.session(number) as (_, again):
            await _finish(again, name, content)
        crowd.whole[name] = content
    elif kind == 3:
        await _begin(connection, client, name, content)
        crowd.cut.add(name)
    else:
        name = f"rival_{number // 5 % 4}.csv"
        if await _is_written(client, name, content):
            crowd.rivals.setdefault(name, []).append(content)


async def _write(client: asyncssh.SFTPClient, name: str, content: bytes) -> None:
    async with client.open(name, "wb") as file:
        await file.write(content)


async def _begin(
    connection: asyncssh.SSHClientConnection, client: asyncssh.SFTPClient, name: str, content: bytes
) -> None:
    """Half of it, and the line is cut."""
    file = await client.open(name, "wb")
    await file.write(content[: len(content) // 2])
    connection.abort()


async def _finish(client: asyncssh.SFTPClient, name: str, content: bytes) -> None:
    """Go on where the server has got to, as `reput` does."""
    lies_there = (await client.stat(name)).size or 0
    async with client.open(name, "r+b") as file:
        await file.seek(lies_there)
        await file.write(content[lies_there:])


async def _is_written(client: asyncssh.SFTPClient, name: str, content: bytes) -> bool:
    """Whether the server called it finished: of two that write one name, the newer one wins."""
    try:
        await _write(client, name, content)
    except asyncssh.SFTPError:
        return False
    return True


async def _check(crowd: Crowd) -> None:
    lying = _lying(crowd.shop)
    assert {name: lying[name] for name in crowd.whole} == crowd.whole
    uploads = await _uploads(crowd.shop)
    latest = {each["path"]: each["state"] for each in uploads}
    # Of two that begin one name at the same moment both may be told to send again; then what lies there is nobody's.
    won = {name: finished for name, finished in crowd.rivals.items() if latest[name] == "closed"}
    assert won
    for name, finished in won.items():
        assert lying[name] in finished
    sizes = {name: len(lying[name]) for name in (*crowd.whole, *won)}
    taken = partial(_are_taken, crowd.shop, sizes)
    try:
        await eventually(taken, "every file to be taken", limit_seconds=ROAD_SECONDS, every_seconds=0.5)
    except AssertionError as error:
        raise AssertionError(f"{error}; not taken: {await _untaken(crowd.shop, sizes)}") from None
    for name in crowd.rivals:
        # Who is opened later wins: nobody ends after somebody who was opened later has ended.
        ended = [each["closed_at"] for each in uploads if each["path"] == name and each["closed_at"] is not None]
        assert ended == sorted(ended)
    closed = Counter(each["path"] for each in uploads if each["state"] == "closed")
    # A renamed file has one more, under its former name.
    assert {name: closed[name] for name in crowd.whole} == dict.fromkeys(crowd.whole, 1)
    assert {name: closed[name] for name in crowd.rivals} == {
        name: len(finished) for name, finished in crowd.rivals.items()
    }
    assert [each["path"] for each in uploads if each["state"] == "open"] == []
    assert not closed.keys() & crowd.cut
    assert Counter(await _rung(crowd.shop)) == Counter(each["upload_id"] for each in uploads if each["state"] in _RING)
    for path, size in await _taken(crowd.shop):
        assert size in {sizes.get(path), *map(len, crowd.rivals.get(path, []))}
    runs = Counter(each["path"] for each in await crowd.shop.ledger.runs())
    assert {name: runs[name] for name in crowd.whole} == dict.fromkeys(crowd.whole, 1)
    assert not runs.keys() & crowd.cut


def _lying(shop: Shop) -> dict[str, bytes]:  # noqa: F811
    [folder] = (Path(shop.system.place.directory) / "drop" / str(shop.account_id)).iterdir()
    return {each.name: each.read_bytes() for each in folder.iterdir()}


async def _taken(shop: Shop) -> list[tuple[str, int]]:  # noqa: F811
    taken = ("accepted", "settled")
    return [(each["path"], each["size_bytes"]) for each in await shop.ledger.arrivals() if each["state"] in taken]


async def _are_taken(shop: Shop, sizes: dict[str, int]) -> bool:  # noqa: F811
    return set(sizes.items()) <= set(await _taken(shop))


async def _untaken(shop: Shop, sizes: dict[str, int]) -> str:  # noqa: F811
    """Files that were not, with what the ledger knows of their names, one row a line."""
    paths = {path for path, _ in sizes.items() - set(await _taken(shop))}
    rows = [*await shop.ledger.arrivals(), *await _uploads(shop)]
    return "\n".join([str(sorted(paths)), *(str(row) for row in rows if row["path"] in paths)])


async def _uploads(shop: Shop) -> list[dict[str, Any]]:  # noqa: F811
    """In the order in which they began."""
    query = "SELECT * FROM tidegate.uploads WHERE account_id = $1 ORDER BY opened_at"
    return [dict(row) for row in await shop.ledger._connection.fetch(query, shop.account_id)]


async def _rung(shop: Shop) -> list[UUID]:  # noqa: F811
    """For which uploads it was rung; what was sent is kept for a while."""
    query = "SELECT body ->> 'upload_id' AS id FROM tidegate.outbox WHERE account_id = $1 AND name = $2"
    return [UUID(row["id"]) for row in await shop.ledger._connection.fetch(query, shop.account_id, UploadClosed.name)]


def _goal() -> dict[str, Any]:
    """Takes what is closed, and leaves it where it lies: nobody imports here."""
    readiness = {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}}
    afterwards = {"done": {"leave": True}, "failed": {"leave": True}}
    return import_goal("*.csv", source={**readiness, "afterwards": afterwards})
