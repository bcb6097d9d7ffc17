"""Servers that are dead, slow, cut off or hostile: each ends in a failure with a name, in time."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.domain.failures import AddressRefused, ConnectionLost, NameUnresolved, ProtocolRefused, TooManyFiles
from shared.transfer.addresses import AddressPolicy
from shared.transfer.dialling import Reach
from shared.transfer.sftp import open_sftp
from shared.transfer.sftp_folder import SftpFolder
from tests.integration.transfer.conftest import PASSWORD, Partner, partner, reach
from tests.integration.transfer.crowded import FILES, Crowded

LOGIN = Login(password=PASSWORD)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _tcp(handler: Handler) -> AsyncIterator[Partner]:
    """A server that speaks as the handler does; its connections end with it."""
    writers: list[asyncio.StreamWriter] = []

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await handler(reader, writer)

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    try:
        yield Partner(server.sockets[0].getsockname()[1], [], [])
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


class _Proxy:
    """A TCP proxy that can cut, or swallow everything, after so many bytes from the server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.after_bytes: int | None = None
        self.swallows = False

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await asyncio.gather(self._up(reader, far_writer), self._down(far_reader, writer))
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            far_writer.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if self.after_bytes is not None:
                self.after_bytes -= len(data)
                if self.after_bytes <= 0:
                    if self.swallows:
                        continue
                    raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


async def _all(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def _speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("pinned", [True, False])
async def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time(pinned: bool) -> None:
    keys = (asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip(),) if pinned else ()
    async with _tcp(_say_nothing) as server:
        began = time.monotonic()
        with pytest.raises(ConnectionLost, match="silent"):
            async with open_sftp(server.place(*keys), LOGIN, reach(login_seconds=0.3)):
                pass
    assert time.monotonic() - began < 3


async def test_a_server_that_speaks_another_protocol_is_told() -> None:
    async with _tcp(_speak_http) as server:
        with pytest.raises((ProtocolRefused, ConnectionLost)):
            async with open_sftp(server.place(), LOGIN, reach(login_seconds=5)):
                pass


async def test_a_closed_port_is_a_lost_connection() -> None:
    async with _tcp(_say_nothing) as server:
        pass
    with pytest.raises(ConnectionLost):
        async with open_sftp(server.place(), LOGIN, reach()):
            pass


@pytest.mark.parametrize("swallows", [False, True], ids=["cut", "black hole"])
async def test_a_connection_that_ends_in_the_middle_of_a_file_is_told_in_time(tmp_path: Path, swallows: bool) -> None:
    (tmp_path / "big.bin").write_bytes(os.urandom(12 << 20))
    async with partner(tmp_path) as server:
        proxy = _Proxy(server.port)
        proxy.swallows = swallows
        async with _tcp(proxy.handle) as middle:
            began = time.monotonic()
            # Getting in takes several steps of two sides that may have to wait for their turn on the machine.
            ways = reach(idle_seconds=0.5, step_seconds=2)
            async with open_sftp(middle.place(*server.lines), LOGIN, ways) as folder:
                proxy.after_bytes = 3 << 20
                with pytest.raises(ConnectionLost):
                    await _all(folder.read("big.bin"))
            assert time.monotonic() - began < 10


async def test_a_server_that_goes_silent_before_a_listing_is_given_up_in_time(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        proxy = _Proxy(server.port)
        proxy.swallows = True
        async with (
            _tcp(proxy.handle) as middle,
            open_sftp(middle.place(*server.lines), LOGIN, reach(step_seconds=2)) as folder,
        ):
            proxy.after_bytes = 0
            with pytest.raises(ConnectionLost, match="within 2 seconds"):
                await folder.list("")


class _Hostile(asyncssh.SFTPServer):
    """Gives names that no file has, sizes and times that cannot be."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        good = asyncssh.SFTPAttrs(size=1, permissions=0o100644, atime=1, mtime=1_700_000_000)
        for name in (
            b".",
            b"..",
            b"good.csv",
            b"../escape.csv",
            b"/etc/passwd",
            b"a/b.csv",
            b"",
            b"nul\0.csv",
            b"x" * 300,
            b"y" * 100_000,
        ):
            yield asyncssh.SFTPName(name, attrs=good)
        yield asyncssh.SFTPName(
            b"huge.csv", attrs=asyncssh.SFTPAttrs(size=(1 << 64) - 1, permissions=0o100644, mtime=1)
        )
        yield asyncssh.SFTPName(b"bare.csv", attrs=asyncssh.SFTPAttrs())


async def test_hostile_names_are_refused_each_with_its_reason(tmp_path: Path) -> None:
    async with (
        partner(tmp_path, server=_Hostile) as server,
        open_sftp(server.place(*server.lines), LOGIN, reach()) as folder,
    ):
        listing = await folder.list("")
    assert [file.path for file in listing.files] == ["good.csv"]
    assert len(listing.refused) == 9
    assert all(len(entry.shown) < 1_100 and entry.shown.isprintable() and entry.reason for entry in listing.refused)


async def test_a_hundred_thousand_files_are_listed_and_too_many_are_told(tmp_path: Path) -> None:
    async with (
        partner(tmp_path, server=Crowded) as server,
        open_sftp(server.place(*server.lines), LOGIN, reach()) as folder,
    ):
        assert len((await folder.list("")).files) == FILES
        narrow = SftpFolder(folder._connection, folder._client, folder._home, folder._deadlines, max_entries=1_000)
        with pytest.raises(TooManyFiles):
            await narrow.list("")


async def test_our_own_network_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        for place in (server.place(), server.place(host="::ffff:127.0.0.1"), server.place(host="169.254.169.254")):
            with pytest.raises(AddressRefused):
                async with open_sftp(place, LOGIN, Reach(policy=AddressPolicy())):
                    pass
    assert server.logins == []


async def test_a_name_is_resolved_once_so_that_a_second_answer_gains_nothing(tmp_path: Path) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def resolver(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with partner(tmp_path) as server:
        ways = Reach(policy=reach().policy, resolver=resolver)

        async def pin(line: str) -> None:
            return None

        place = server.place(host="partner.example", trust_on_first_use=True)
        async with open_sftp(place, LOGIN, ways, on_first_key=pin) as folder:
            await folder.list("")
    assert answers == [["10.0.0.1"]]


async def test_a_resolver_that_fails_or_hangs_is_told_in_time() -> None:
    async def nothing(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    async def hanging(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    place = Partner(22, [], []).place(host="partner.example")
    for resolver in (nothing, hanging):
        deadlines = reach(connect_seconds=0.2).deadlines
        with pytest.raises(NameUnresolved):
            async with open_sftp(place, LOGIN, Reach(deadlines=deadlines, resolver=resolver)):
                pass
