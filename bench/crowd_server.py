"""Partners' servers in a process of their own: some that are well, and one for each stage at which a server can hang.

    python -m bench.crowd_server HOW_MANY_ARE_WELL

prints one line of JSON, the ports by stage, and serves until its standard input ends; then it prints another, the most
sessions at a time by port. A session is a connection that the server has accepted, whatever is said on it.
"""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, NoReturn

import asyncssh

HOST = "127.0.0.1"
WELL = "well"
"""These have nothing."""
GIVING = "gives a file"
"""This one is well, too, and has a file."""
FILE = b"contacts_1.csv"
CONTENT = b"email\nanna@example.com\n"

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
    """A folder with one file."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        yield asyncssh.SFTPName(FILE, attrs=_stamp())

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return _stamp()

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return _stamp()

    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return _stamp()

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return object()

    async def close(self, file_obj: object) -> None:
        return None

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return CONTENT[offset : offset + size]


class _Holding(_Giving):
    """Shows a file, and never gives a byte of it."""

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        await _for_ever()


class _Blind(asyncssh.SFTPServer):
    """Never says what a path is."""

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await _for_ever()

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await _for_ever()

    async def realpath(self, path: bytes) -> bytes:
        await _for_ever()


async def serve(well: int) -> None:
    """Serve all of them until told to stop."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    sessions = _Sessions()

    async def ssh(server: type[_Open], **more: Any) -> int:
        return await _ssh(key, lambda: server(sessions), **more)

    async def tcp(handler: Handler) -> int:
        return await _tcp(sessions, handler)

    behind = await ssh(_Open, sftp_factory=_Empty)
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
    }
    ports = {stage: [port] for stage, port in hanging.items()}
    ports[WELL] = [await ssh(_Open, sftp_factory=_Empty) for _ in range(well)]
    ports[GIVING] = [await ssh(_Open, sftp_factory=_Giving)]
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({port: peak for port, peak in sessions.peaks.items() if port != behind}), flush=True)
    # What hangs here would be told of as never ended.
    os._exit(0)


def _stamp() -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(size=len(CONTENT), permissions=0o100644, atime=1, mtime=1_700_000_000)


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
        talk = asyncio.create_task(handler(reader, writer))
        try:
            # Whatever the other side says; its going is the end.
            while await reader.read(1 << 16):
                continue
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


async def _for_ever() -> NoReturn:
    _HELD.append(asyncio.current_task())
    await asyncio.get_running_loop().create_future()
    raise RuntimeError("somebody has ended what nobody holds")


_HELD: list[object] = []
"""What must not be closed by being forgotten."""


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
