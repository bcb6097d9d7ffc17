"""A hosted server of a test's own, and OpenSSH's own client to knock at it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncssh
import pytest

from services.dropserver.sftp import DropServer
from services.dropserver.tenant import Limits, Tenant
from shared.storage.login_scores import PATIENCE, Patience
from shared.transfer.keys import described, make_private_key
from tests.fakes.drop import KnownLogins, RememberedUploads
from tests.integration.dropserver.dav_host import Host as DavHost
from tests.integration.dropserver.dav_host import host_in

USERNAME = "shop"
PASSWORD = "a long password"


@dataclass
class Ended:
    """How a client program ended."""

    code: int
    said: str


@dataclass
class Hosted:
    """A running server, what stands behind it, and a client's things."""

    server: DropServer
    gate: KnownLogins
    uploads: RememberedUploads
    tenant: Tenant
    folder: Path
    """The credential's own directory on disk."""
    desk: Path
    """Where the client keeps its key, its known hosts and its files."""
    key: str

    async def sftp(self, *lines: str) -> Ended:
        """Run OpenSSH's sftp with a batch; it ends at the first line that fails."""
        process = await self.start_sftp(*lines)
        async with asyncio.timeout(30):
            said, _ = await process.communicate()
        return Ended(process.returncode or 0, said.decode(errors="replace"))

    async def start_sftp(self, *lines: str) -> asyncio.subprocess.Process:
        """Start OpenSSH's sftp with a batch, in a process group of its own."""
        batch = self.desk / f"batch-{uuid4().hex}"
        batch.write_text("\n".join(lines) + "\n")
        return await self._start("sftp", "-b", str(batch), "-P", str(self.server.port), f"{USERNAME}@127.0.0.1")

    async def ssh(self, *arguments: str) -> Ended:
        """Run OpenSSH's ssh."""
        process = await self._start("ssh", "-p", str(self.server.port), f"{USERNAME}@127.0.0.1", *arguments)
        async with asyncio.timeout(30):
            said, _ = await process.communicate()
        return Ended(process.returncode or 0, said.decode(errors="replace"))

    @asynccontextmanager
    async def client(
        self, username: str = USERNAME, password: str = PASSWORD
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection of asyncssh's, logged in with a password."""
        async with asyncssh.connect(
            "127.0.0.1",
            self.server.port,
            username=username,
            password=password,
            client_keys=None,
            known_hosts=([asyncssh.import_public_key(key.line) for key in self.server.host_keys], [], []),
            config=None,
            agent_path=None,
        ) as connection:
            yield connection

    async def _start(self, program: str, *arguments: str) -> asyncio.subprocess.Process:
        options = [
            "-F", "none",
            "-i", str(self.desk / "id"),
            "-o", f"UserKnownHostsFile={self.desk / 'known_hosts'}",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "IdentitiesOnly=yes",
            "-o", "BatchMode=yes",
        ]  # fmt: skip
        return await asyncio.create_subprocess_exec(
            program,
            *options,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )


def kill(process: asyncio.subprocess.Process) -> None:
    """End a client and the ssh it started, at once: they form a process group of their own."""
    os.killpg(process.pid, signal.SIGKILL)


def open_under(folder: Path) -> list[str]:
    """What this process holds open there."""
    held = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            held.append(str(each.readlink()))
    return [each for each in held if each.startswith(f"{folder}/")]


Host = Callable[..., AbstractAsyncContextManager[Hosted]]


@pytest.fixture
def dav_host(tmp_path: Path) -> DavHost:
    """Opens a server of hosted WebDAV: `async with dav_host(limits=...) as hosted`."""
    return host_in(tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Opens a hosted server: `async with host(limits=..., patience=...) as hosted`."""

    @asynccontextmanager
    async def opened(limits: Limits | None = None, patience: Patience = PATIENCE) -> AsyncIterator[Hosted]:
        gate, uploads = KnownLogins(), RememberedUploads()
        root, desk = tmp_path / "root", tmp_path / "desk"
        desk.mkdir()
        tenant = Tenant(uuid4(), uuid4(), uuid4(), root, "shop")
        key = make_private_key()
        (desk / "id").write_text(key)
        (desk / "id").chmod(0o600)
        gate.passwords[USERNAME, PASSWORD] = tenant
        gate.keys[USERNAME, described(asyncssh.import_private_key(key)).line] = tenant
        keys = [make_private_key(), make_private_key("ecdsa-sha2-nistp256")]
        async with DropServer.open("127.0.0.1", 0, keys, gate, uploads, limits, patience) as server:
            known = "".join(f"[127.0.0.1]:{server.port} {shown.line}\n" for shown in server.host_keys)
            (desk / "known_hosts").write_text(known)
            yield Hosted(server, gate, uploads, tenant, root / "shop", desk, key)

    return opened
