"""What a connection leaves behind when it is cut, whose login it counts as, and which of them count as one."""

import asyncio
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncssh
from asyncssh import FXF_CREAT, FXF_WRITE

from services.dropserver.doorman import Doorman
from services.dropserver.guard import Guard
from services.dropserver.house import House
from services.dropserver.session import DropSession
from services.dropserver.sftp import DropServer
from services.dropserver.tenant import Begun, Limits, Tenant
from shared.transfer.keys import described
from tests.fakes.drop import KnownLogins, RememberedUploads


class SlowUploads(RememberedUploads):
    """Gives others a turn before it notes what broke; each time something else opens a file of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[int] = []

    async def broken(self, tenant: Tenant, begun: Begun, left_bytes: int | None) -> None:
        self.others.append(os.open(os.devnull, os.O_RDONLY))
        await asyncio.sleep(0)
        await super().broken(tenant, begun, left_bytes)


async def test_each_file_of_a_cut_connection_is_closed_once(tmp_path: Path) -> None:
    """The driver's clean-up and ours run at once; a number closed twice would be another file's or socket's."""
    uploads = SlowUploads()
    server = _server(uploads=uploads)
    channel: Any = object()
    session = DropSession(channel, server.house, _tenant(tmp_path), lambda: None)
    files = [await session.open(name, FXF_WRITE | FXF_CREAT, asyncssh.SFTPAttrs()) for name in (b"a", b"b", b"c", b"d")]

    async def clean_up() -> None:
        for file in files:
            try:
                raise EOFError
            except EOFError:
                await session.close(file)

    async with asyncio.timeout(10):
        await asyncio.gather(session.broken_off(), clean_up())
    null = Path(os.devnull).stat()
    assert all(os.path.samestat(os.fstat(other), null) for other in uploads.others)
    assert sorted(path for what, path in uploads.short if what == "broken") == ["a", "b", "c", "d"]
    assert server.house.register.count == 0
    for other in uploads.others:
        os.close(other)


async def test_a_login_counts_for_the_name_that_proved_itself(tmp_path: Path) -> None:
    gate = KnownLogins()
    server = _server(gate)
    key = asyncssh.generate_private_key("ssh-ed25519")
    for name, line in (("shop", described(key).line), ("other", "another key")):
        gate.keys[name, line] = _tenant(tmp_path)
    doorman = _doorman(server)
    for name, is_known in (("shop", True), ("other", False), ("shop", True)):
        doorman.begin_auth(name)
        assert await doorman.validate_public_key(name, key) is is_known
    doorman.auth_completed()
    await server.house.guard.tell_rest()
    assert [each.subject for each in gate.came_in] == [("shop", "192.0.2.1")]


def test_connections_of_one_neighbourhood_count_together() -> None:
    gate = KnownLogins()
    server = _server(gate, limits=Limits(sessions_per_address=2))
    first, second, third, elsewhere = (
        _doorman(server, address) for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
    )
    assert [server.admits(each) for each in (first, second, third, elsewhere)] == [True, True, False, True]
    server.parts_with(first)
    assert server.admits(third)


def _server(
    gate: KnownLogins | None = None, uploads: RememberedUploads | None = None, limits: Limits | None = None
) -> DropServer:
    known = gate or KnownLogins()
    return DropServer(House(known, uploads or RememberedUploads(), limits or Limits(), Guard(known)), [])


def _doorman(server: DropServer, address: str = "192.0.2.1") -> Doorman:
    doorman = Doorman(server)
    doorman.address = address
    return doorman


def _tenant(root: Path) -> Tenant:
    return Tenant(uuid4(), uuid4(), uuid4(), root)
