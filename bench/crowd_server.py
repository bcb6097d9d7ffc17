"""Partners' servers in a process of their own: one that is well, and one for each stage at which a server can hang.

    python -m bench.crowd_server

prints one line of JSON, the port by stage, and serves until its standard input ends.
"""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import asyncssh

HOST = "127.0.0.1"
WELL = "well"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Open(asyncssh.SSHServer):
    """Lets everybody in."""

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


class _Blind(asyncssh.SFTPServer):
    """Never says what a path is."""

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await _for_ever()

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await _for_ever()

    async def realpath(self, path: bytes) -> bytes:
        await _for_ever()


async def serve() -> None:
    """Serve all of them until told to stop."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    ports = {
        WELL: await _ssh(key, _Open, sftp_factory=_Empty),
        "never accepts": _full(),
        "never greets": await _tcp(lambda reader, writer: _for_ever()),
        "greets by half": await _tcp(lambda reader, writer: _saying(writer, b"SSH-2.0-")),
        "stops before the key exchange": await _tcp(lambda reader, writer: _saying(writer, b"SSH-2.0-Still\r\n")),
        "never decides on the login": await _ssh(key, _Undecided, sftp_factory=_Empty),
        "never starts SFTP": await _ssh(key, _Open, process_factory=lambda process: _for_ever()),
        "never resolves a path": await _ssh(key, _Open, sftp_factory=_Blind),
        "never lists": await _ssh(key, _Open, sftp_factory=_Mute),
    }
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _ssh(key: asyncssh.SSHKey, server: type[asyncssh.SSHServer], **more: Any) -> int:
    # As a key object: given as a path it would be parsed at every login.
    acceptor = await asyncssh.create_server(
        server, HOST, 0, server_host_keys=[key], config=None, login_timeout=0, encoding=None, **more
    )
    return acceptor.get_port()


async def _tcp(handler: Handler) -> int:
    server = await asyncio.start_server(handler, HOST, 0)
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


async def _for_ever() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise RuntimeError("somebody has ended what nobody holds")


_HELD: list[object] = []
"""What must not be closed by being forgotten."""


if __name__ == "__main__":
    asyncio.run(serve())
