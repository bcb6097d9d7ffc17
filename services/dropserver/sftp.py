"""The hosted SFTP server: its start and end, and what its connections share.

SFTP and nothing else: no shell, no command, no forwarding, no agent, no links. One connection is doorman.py's
business, what a client does to files that of session.py and writing.py.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncssh
import structlog

from services.dropserver.doorman import Asked, Doorman
from services.dropserver.guard import Guard, Knock, neighbourhood
from services.dropserver.session import DropSession
from services.dropserver.tenant import Gate, Limits, Tenant, Uploads
from services.dropserver.uploads import Register
from shared.bus.alongside import alongside
from shared.domain.failures import Failure, IntegrationOff
from shared.storage.login_scores import PATIENCE, Patience
from shared.transfer.keys import PublicKey, described

_WANTED_DESCRIPTORS = 65_536
NOTHING_ELSE = "Files are exchanged here by SFTP alone: use sftp, or scp without -O. There is no shell, no rsync.\r\n"

log = structlog.get_logger()


class DropServer:
    """A running SFTP server."""

    def __init__(
        self, host_keys: Sequence[asyncssh.SSHKey], gate: Gate, uploads: Uploads, limits: Limits, guard: Guard
    ) -> None:
        self.uploads = uploads
        self.limits = limits
        self.register = Register()
        self.is_closing = False
        self.host_keys: tuple[PublicKey, ...] = tuple(described(key) for key in host_keys)
        self._gate = gate
        self.guard = guard
        self._doormen: set[Doorman] = set()
        self._addresses: Counter[str] = Counter()
        self._carried: set[asyncio.Task[None]] = set()
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
        guard = Guard(gate, patience)
        server = cls(loaded, gate, uploads, limits or Limits(), guard)
        await server._listen(host, port, loaded)
        try:
            async with alongside(server._end_the_idle(), guard.tell_news(), guard.learn()):
                yield server
        finally:
            await server._close()
            await guard.tell_rest()

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

    def carry_on(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Do something to its end, whatever becomes of the connection that wanted it."""
        task = asyncio.create_task(work)
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)
        return asyncio.shield(task)

    def admits(self, doorman: Doorman) -> bool:
        """Whether another connection from that address is welcome; counts it if it is."""
        limits = self.limits
        if (
            self.is_closing
            or len(self._doormen) >= limits.sessions
            or self._addresses[neighbourhood(doorman.address)] >= limits.sessions_per_address
            or self.guard.refuses(doorman.address)
        ):
            return False
        self._doormen.add(doorman)
        self._addresses[neighbourhood(doorman.address)] += 1
        return True

    def parts_with(self, doorman: Doorman) -> None:
        """The connection is gone."""
        if doorman in self._doormen:
            self._doormen.remove(doorman)
            self._addresses[neighbourhood(doorman.address)] -= 1
            self._addresses += Counter()  # drops the zeros

    async def judged(self, username: str, address: str, asked: Asked) -> tuple[Knock, Tenant | None]:
        """Ask the Gate, slowly where there were failures. Raises asyncssh.ServiceNotAvailable where it cannot tell."""
        network = neighbourhood(address)
        try:
            knock = Knock(username, network, await self._gate.look(username, network))
            if self.guard.shuts_out(knock):
                return knock, None
            await asyncio.sleep(self.guard.delay_seconds(knock))
            return knock, await asked(knock)
        except IntegrationOff as failure:
            raise asyncssh.ServiceNotAvailable("Hosted folders are paused here; try again later.") from failure
        except Failure as failure:
            log.warning("login.undecided", code=failure.code)
            raise asyncssh.ServiceNotAvailable("Logins cannot be checked now; try again in a minute.") from failure

    async def _listen(self, host: str, port: int, keys: Sequence[asyncssh.SSHKey]) -> None:
        self._acceptor = await asyncssh.create_server(
            lambda: Doorman(self, self._gate, self.guard),
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
            login_timeout=self.limits.login_seconds,
            keepalive_interval=30,
            keepalive_count_max=4,
        )

    def _session(self, channel: "asyncssh.SSHServerChannel[bytes]") -> DropSession:
        doorman = channel.get_connection().get_owner()
        assert isinstance(doorman, Doorman)
        return doorman.session(channel)

    async def _end_the_idle(self) -> None:
        """Close connections on which nothing was asked for too long, or whose login opens nothing any more."""
        limit = self.limits.idle_seconds
        while True:
            await asyncio.sleep(min(limit / 2, self.limits.attend_seconds))
            for doorman in list(self._doormen):
                if doorman.idle_seconds > limit:
                    doorman.send_away()
            await self._end_the_unwelcome()

    async def _end_the_unwelcome(self) -> None:
        """See that what was changed of logins meanwhile holds for those who are in: revoked, rotated, allowed less."""
        inside = {doorman: doorman.tenant for doorman in self._doormen if doorman.tenant is not None}
        if not inside:
            return
        try:
            found = await self._gate.in_use(frozenset(tenant.credential_id for tenant in inside.values()))
            for doorman, tenant in inside.items():
                now = found.get(tenant.credential_id)
                if now is not None and now.version != tenant.version:
                    doorman.tenant = await self._gate.again(tenant, doorman.address)
                if now is None or doorman.tenant is None or doorman.tenant.has_expired:
                    doorman.send_away()
                else:
                    doorman.rest(is_resting=now.is_resting)
        except Failure as failure:
            log.warning("dropserver.blind", code=failure.code)

    async def _close(self) -> None:
        """Take nothing new, let running uploads finish, and end what is left."""
        self.is_closing = True
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        try:
            async with asyncio.timeout(self.limits.closing_seconds):
                await self.register.emptied()
        except TimeoutError:
            log.warning("dropserver.uploads_cut", uploads=self.register.count)
        doormen = list(self._doormen)
        for doorman in doormen:
            doorman.send_away()
        await asyncio.gather(*(doorman.gone() for doorman in doormen))
        while self._carried:
            await asyncio.wait(self._carried)


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
