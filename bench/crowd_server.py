"""Partners' servers in a process of their own: some that are well, and one for each stage at which a server can hang.

    python -m bench.crowd_server HOW_MANY_ARE_WELL SECONDS

prints one line of JSON, the ports by stage, and serves until its standard input ends; then it prints another, the most
sessions at a time by port. A session is a connection that the server has accepted, whatever is said on it. Servers that
have files have another one whenever so many seconds have passed.
"""

import asyncio
import itertools
import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, NoReturn

import asyncssh

HOST = "127.0.0.1"
WELL = "well"
"""These have nothing."""
GIVING = "gives files"
"""These are well, too, and have a file each time, another for each user."""
GIVING_SERVERS = 4
NEVER_MARKS = "never gives a file another name"
FTPS, WEBDAV = "FTPS", "WebDAV"
"""Stages of these begin so; all others are of SFTP."""
_READY_FOR_TLS = b"220 Well\r\n234 Go on\r\n"
"""A greeting, and the answer to AUTH TLS."""
LARGE_BYTES = 1 << 20
"""What a server says that has more than it gives."""

_BEFORE_THE_END = 200
"""Of the bytes with which a server begins the key exchange, which are about a thousand."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class _Sessions:
    """The sessions of each port: how many there are, and the most that there were."""

    def __init__(self) -> None:
        self._now: Counter[int] = Counter()
        self.peaks: Counter[int] = Counter()

    def begins(self, port: int) -> None:
        self._now[port] += 1
        self.peaks[port] = max(self.peaks[port], self._now[port])

    def ends(self, port: int) -> None:
        self._now[port] -= 1


class _Open(asyncssh.SSHServer):
    """Lets everybody in."""

    def __init__(self, sessions: _Sessions) -> None:
        self._sessions = sessions
        self._port = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._port = conn.get_extra_info("sockname")[1]
        self._sessions.begins(self._port)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sessions.ends(self._port)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return True


class _Undecided(_Open):
    """Never says whether a password is right."""

    async def validate_password(  # type: ignore[override]  # the library awaits whatever a server answers
        self, username: str, password: str
    ) -> bool:
        await _for_ever()


class _Empty(asyncssh.SFTPServer):
    """A folder with nothing in it."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        for name in (b".", b".."):
            yield asyncssh.SFTPName(name, attrs=asyncssh.SFTPAttrs())


class _Mute(asyncssh.SFTPServer):
    """Never lists a folder."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        await _for_ever()
        yield asyncssh.SFTPName(b".", attrs=asyncssh.SFTPAttrs())


class _Giving(asyncssh.SFTPServer):
    """A folder with the latest file, that gives the earlier ones, too."""

    every_seconds = 60

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        super().__init__(chan)
        self._user: str = chan.get_extra_info("username")

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        number = int(time.time()) // self.every_seconds
        yield asyncssh.SFTPName(f"contacts_{number}.csv".encode(), attrs=self._stamp(number))

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self._stamp(_number(path))

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self._stamp(_number(path))

    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        assert isinstance(file_obj, int)
        return self._stamp(file_obj)

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return _number(path)

    async def close(self, file_obj: object) -> None:
        return None

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        assert isinstance(file_obj, int)
        return self._content(file_obj)[offset : offset + size]

    def _content(self, number: int) -> bytes:
        return f"email\n{self._user}-{number}@example.com\n".encode()

    def _stamp(self, number: int) -> asyncssh.SFTPAttrs:
        size, at = len(self._content(number)), number * self.every_seconds
        return asyncssh.SFTPAttrs(size=size, permissions=0o100644, atime=at, mtime=at)


class _Holding(_Giving):
    """Shows a file, and never gives a byte of it."""

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        await _for_ever()


class _Stopping(_Giving):
    """Gives the beginning of a file, and no more."""

    def _content(self, number: int) -> bytes:
        return b"x" * LARGE_BYTES

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if offset:
            await _for_ever()
        return await super().read(file_obj, offset, size)


class _Unseeing(_Giving):
    """Shows a file, and never says whether it is there."""

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await _for_ever()


class _Unmoving(_Giving):
    """Gives its file, and never gives one another name."""

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        if not path.endswith(b".csv"):
            raise asyncssh.SFTPNoSuchFile("nothing has that name")
        return await super().lstat(path)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await _for_ever()

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await _for_ever()

    async def link(self, oldpath: bytes, newpath: bytes) -> None:
        await _for_ever()


class _Blind(asyncssh.SFTPServer):
    """Never says what a path is."""

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await _for_ever()

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await _for_ever()

    async def realpath(self, path: bytes) -> bytes:
        await _for_ever()


async def serve(well: int, every_seconds: int) -> None:
    """Serve all of them until told to stop."""
    _Giving.every_seconds = every_seconds
    key = asyncssh.generate_private_key("ssh-ed25519")
    sessions = _Sessions()

    async def ssh(server: type[_Open], **more: Any) -> int:
        return await _ssh(key, lambda: server(sessions), **more)

    async def tcp(handler: Handler) -> int:
        return await _tcp(sessions, handler)

    behind, giving_behind = await ssh(_Open, sftp_factory=_Empty), await ssh(_Open, sftp_factory=_Giving)
    hanging = {
        "never accepts": _full(),
        "never greets": await tcp(lambda reader, writer: _for_ever()),
        "greets by half": await tcp(lambda reader, writer: _saying(writer, b"SSH-2.0-")),
        "stops before the key exchange": await tcp(lambda reader, writer: _saying(writer, b"SSH-2.0-Still\r\n")),
        "stops in the key exchange": await tcp(lambda reader, writer: _stopping(behind, reader, writer)),
        "never decides on the login": await ssh(_Undecided, sftp_factory=_Empty),
        "never starts SFTP": await ssh(_Open, process_factory=lambda process: _for_ever()),
        "never resolves a path": await ssh(_Open, sftp_factory=_Blind),
        "never lists": await ssh(_Open, sftp_factory=_Mute),
        "never gives a byte": await ssh(_Open, sftp_factory=_Holding),
        "stops in the middle of a file": await ssh(_Open, sftp_factory=_Stopping),
        "never says whether a file is there": await ssh(_Open, sftp_factory=_Unseeing),
        NEVER_MARKS: await ssh(_Open, sftp_factory=_Unmoving),
        "greets every other one": await tcp(_every_other(giving_behind)),
        f"{FTPS}: never greets": await tcp(lambda reader, writer: _for_ever()),
        f"{FTPS}: stops where TLS begins": await tcp(lambda reader, writer: _saying(writer, _READY_FOR_TLS)),
        f"{WEBDAV}: never answers the handshake": await tcp(lambda reader, writer: _for_ever()),
    }
    ports = {stage: [port] for stage, port in hanging.items()}
    ports[WELL] = [await ssh(_Open, sftp_factory=_Empty) for _ in range(well)]
    ports[GIVING] = [await ssh(_Open, sftp_factory=_Giving) for _ in range(GIVING_SERVERS)]
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    hidden = (behind, giving_behind)
    print(json.dumps({port: peak for port, peak in sessions.peaks.items() if port not in hidden}), flush=True)
    # What hangs here would be told of as never ended.
    os._exit(0)


def _number(path: bytes) -> int:
    return int(path.rpartition(b"_")[2].partition(b".")[0])


async def _ssh(key: asyncssh.SSHKey, server: Callable[[], asyncssh.SSHServer], **more: Any) -> int:
    # As a key object: given as a path it would be parsed at every login.
    acceptor = await asyncssh.create_server(
        server, HOST, 0, server_host_keys=[key], config=None, login_timeout=0, encoding=None, **more
    )
    return acceptor.get_port()


async def _tcp(sessions: _Sessions, handler: Handler) -> int:
    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        sessions.begins(port)
        theirs = asyncio.StreamReader()
        talk = asyncio.create_task(handler(theirs, writer))
        try:
            # Whatever the other side says; its going is the end.
            while said := await reader.read(1 << 16):
                theirs.feed_data(said)
        except ConnectionError:
            writer.transport.abort()
        finally:
            talk.cancel()
            sessions.ends(port)
            writer.close()

    server = await asyncio.start_server(met, HOST, 0)
    _HELD.append(server)
    port: int = server.sockets[0].getsockname()[1]
    return port


def _full() -> int:
    """A listener whose queue is full, so that the kernel answers nobody any more."""
    listener = socket.create_server((HOST, 0), backlog=0)
    port: int = listener.getsockname()[1]
    _HELD.append(listener)
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((HOST, port))
        _HELD.append(client)
    return port


async def _saying(writer: asyncio.StreamWriter, words: bytes) -> None:
    writer.write(words)
    await _for_ever()


async def _stopping(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a real server begins, which is well; silent in the middle of what it says about its algorithms."""
    theirs, ours = await asyncio.open_connection(HOST, port)
    try:
        writer.write(await theirs.readexactly(_BEFORE_THE_END))
        await _for_ever()
    finally:
        ours.transport.abort()


def _every_other(port: int) -> Handler:
    """A server that serves one, and is silent to the next."""
    turns = itertools.cycle((True, False))

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not next(turns):
            await _for_ever()
        theirs, ours = await asyncio.open_connection(HOST, port)
        there = asyncio.create_task(_pass_on(reader, ours))
        try:
            await _pass_on(theirs, writer)
        finally:
            there.cancel()
            ours.transport.abort()

    return met


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(1 << 16):
        writer.write(said)
        await writer.drain()


async def _for_ever() -> NoReturn:
    _HELD.append(asyncio.current_task())
    await asyncio.get_running_loop().create_future()
    raise RuntimeError("somebody has ended what nobody holds")


_HELD: list[object] = []
"""What must not be closed by being forgotten."""


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
