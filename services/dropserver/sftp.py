"""The hosted SFTP server: its start and end. What it shares with other servers of the folders is house.py's business.

SFTP and nothing else: no shell, no command, no forwarding, no agent, no links. One connection is doorman.py's
business, what a client does to files that of session.py and writing.py.
"""

import asyncio
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import asyncssh

from services.dropserver.doorman import Doorman
from services.dropserver.house import House
from services.dropserver.session import DropSession
from services.dropserver.tenant import Gate, Limits, Uploads
from shared.bus.alongside import alongside
from shared.storage.login_scores import PATIENCE, Patience
from shared.transfer.keys import PublicKey, described

_WANTED_DESCRIPTORS = 65_536
NOTHING_ELSE = "Files are exchanged here by SFTP alone: use sftp, or scp without -O. There is no shell, no rsync.\r\n"


class DropServer:
    """A running SFTP server."""

    def __init__(self, house: House, host_keys: Sequence[asyncssh.SSHKey]) -> None:
        self.house = house
        self.host_keys: tuple[PublicKey, ...] = tuple(described(key) for key in host_keys)
        self._doormen: set[Doorman] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        host: str,
        port: int,
        host_keys: Sequence[str],
        gate: Gate,
        uploads: Uploads,
        limits: Limits | None = None,
        patience: Patience = PATIENCE,
    ) -> AsyncIterator["DropServer"]:
        """Serve until the block ends; then running uploads may go on for `limits.closing_seconds`.

        `host_keys` are private keys as texts. They are loaded once: given as paths the driver would parse them at
        every login, which costs a tenth of a second for an RSA key.
        """
        raise_descriptor_limit()
        loaded = [asyncssh.import_private_key(text) for text in host_keys]
        async with House.open(gate, uploads, limits, patience) as house:
            server = cls(house, loaded)
            await server._listen(host, port, loaded)
            try:
                async with alongside(server._end_the_idle()):
                    yield server
            finally:
                await server._close()

    def present(self, host_keys: Sequence[str]) -> None:
        """Prove itself to whoever comes from now on with these private keys; of one kind with the first."""
        loaded = [asyncssh.import_private_key(text) for text in host_keys]
        told = tuple(described(key) for key in loaded)
        if told != self.host_keys and self._acceptor is not None:
            self._acceptor.update(server_host_keys=loaded)
            self.host_keys = told

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._acceptor.get_port() if self._acceptor else 0

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of the host keys, as clients show them."""
        return tuple(key.fingerprint for key in self.host_keys)

    @property
    def sessions(self) -> int:
        """How many connections there are."""
        return len(self._doormen)

    def admits(self, doorman: Doorman) -> bool:
        """Whether another connection from that address is welcome; counts it if it is."""
        is_welcome = self.house.admits(doorman.address)
        if is_welcome:
            self._doormen.add(doorman)
        return is_welcome

    def parts_with(self, doorman: Doorman) -> None:
        """The connection is gone."""
        if doorman in self._doormen:
            self._doormen.remove(doorman)
            self.house.parts_with(doorman.address)

    async def _listen(self, host: str, port: int, keys: Sequence[asyncssh.SSHKey]) -> None:
        self._acceptor = await asyncssh.create_server(
            lambda: Doorman(self),
            host,
            port,
            server_host_keys=list(keys),
            send_server_host_keys=True,
            server_version="Tidegate",
            config=None,
            session_factory=_nothing_but_files,
            sftp_factory=self._session,
            allow_scp=False,
            allow_pty=False,
            line_editor=False,
            encoding=None,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_auth=False,
            gss_kex=False,
            host_based_auth=False,
            compression_algs=None,
            login_timeout=self.house.limits.login_seconds,
            keepalive_interval=30,
            keepalive_count_max=4,
        )

    def _session(self, channel: "asyncssh.SSHServerChannel[bytes]") -> DropSession:
        doorman = channel.get_connection().get_owner()
        assert isinstance(doorman, Doorman)
        return doorman.session(channel)

    async def _end_the_idle(self) -> None:
        """Close connections on which nothing was asked for too long, or whose login opens nothing any more."""
        limit = self.house.limits.idle_seconds
        while True:
            await asyncio.sleep(min(limit / 2, self.house.limits.attend_seconds))
            for doorman in list(self._doormen):
                if doorman.idle_seconds > limit:
                    doorman.send_away()
            await self._end_the_unwelcome()

    async def _end_the_unwelcome(self) -> None:
        """See that what was changed of logins meanwhile holds for those who are in: revoked, rotated, allowed less."""
        await self.house.attend([doorman for doorman in self._doormen if doorman.tenant is not None])

    async def _close(self) -> None:
        """Take nothing new, let running uploads finish, and end what is left."""
        self.house.is_closing = True
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        await self.house.uploads_ended()
        doormen = list(self._doormen)
        for doorman in doormen:
            doorman.send_away()
        await asyncio.gather(*(doorman.gone() for doorman in doormen))
        await self.house.all_carried()


async def _nothing_but_files(
    stdin: "asyncssh.SSHReader[bytes]", stdout: "asyncssh.SSHWriter[bytes]", stderr: "asyncssh.SSHWriter[bytes]"
) -> None:
    """Whoever wants a shell or a command (ssh, rsync, scp of the old kind) is told what there is, and sent home."""
    stderr.write(NOTHING_ELSE.encode())
    channel = cast("asyncssh.SSHServerChannel[bytes]", stderr.channel)
    channel.exit(1)


def raise_descriptor_limit() -> None:
    """Let this process hold as many open files as the operator's hard limit allows, up to 65,536."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _WANTED_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
