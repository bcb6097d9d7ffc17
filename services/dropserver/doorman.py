"""One connection to the hosted SFTP server: lets it in, remembers whose it is, cleans up when it is gone.

Logins are judged by the Gate, guesses slowed and shut out by the Guard. Files are session.py's business.
"""

import asyncio
import time
from typing import Protocol

import asyncssh

from services.dropserver.guard import Knock
from services.dropserver.house import Asked, House
from services.dropserver.session import DropSession
from services.dropserver.tenant import Tenant
from shared.domain.failures import Failure, IntegrationOff
from shared.transfer.keys import described

_MAX_PASSWORD_CHARACTERS = 1_024
_KEYS_OFFERED = 20
"""Of one connection; each costs a look into the database."""


class Server(Protocol):
    """What a doorman needs of the server it belongs to."""

    house: House

    def admits(self, doorman: "Doorman") -> bool:
        """Whether another connection from that address is welcome; counts it if it is."""

    def parts_with(self, doorman: "Doorman") -> None:
        """The connection is gone."""


class Doorman(asyncssh.SSHServer):
    """One connection: lets it in, remembers whose it is, and cleans up when it is gone."""

    def __init__(self, server: Server) -> None:
        self.address = ""
        self._server = server
        self._house = server.house
        self._connection: asyncssh.SSHServerConnection | None = None
        self._tenant: Tenant | None = None
        self._knock: Knock | None = None
        self._offered: dict[tuple[str, str], tuple[Knock, Tenant]] = {}
        """Who was known by user name and key when the key was offered, and so need not be asked for its signature."""
        self._is_in = False
        self._is_resting = False
        self._keys_offered = 0
        self._sessions: list[DropSession] = []
        self._used_at = time.monotonic()

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection, or end it before it costs a key exchange."""
        self._connection = conn
        peer = conn.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self._server.admits(self):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Break off what was not finished; the driver's own clean-up does not always run."""
        if not self._is_in and self._keys_offered and self._knock is not None:
            self._house.guard.failed(self._knock)
        self._server.parts_with(self)
        for session in self._sessions:
            self._house.carry_on(session.broken_off())

    def begin_auth(self, username: str) -> bool:
        """Everybody has to log in."""
        self._tenant = None
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are accepted; also by keyboard-interactive, which the driver derives from this."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether the Gate knows that user name and password."""
        self._knock = self._tenant = None
        given = password[:_MAX_PASSWORD_CHARACTERS]

        async def ask(knock: Knock) -> Tenant | None:
            return await self._house.gate.password(knock, given, self.address)

        self._knock, self._tenant = await self._judged(username, ask)
        if self._tenant is None:
            self._house.guard.failed(self._knock)
        return self._tenant is not None

    def public_key_auth_supported(self) -> bool:
        """Public keys are accepted."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the Gate knows that user name and key. Called for the offer and again for the signature.

        The driver accepts ssh-dss by default; here it is refused.
        """
        self._tenant = None
        line = described(key).line
        if (username, line) in self._offered:
            # With its knock: another user name may have been tried since, and must not get the credit.
            self._knock, self._tenant = self._offered[username, line]
            return True
        self._knock = None
        self._keys_offered += 1
        if key.get_algorithm().startswith("ssh-dss") or self._keys_offered > _KEYS_OFFERED:
            return False

        async def ask(knock: Knock) -> Tenant | None:
            return await self._house.gate.public_key(knock, line, self.address)

        self._knock, self._tenant = await self._judged(username, ask)
        if self._tenant is not None:
            self._offered[username, line] = self._knock, self._tenant
        return self._tenant is not None

    def auth_completed(self) -> None:
        """The client proved what it claimed: the tenant of the last judgement is the one.

        A judgement is dropped when another user name is begun with or another proof is offered, so it is always that
        of the request that succeeded.
        """
        if self._tenant is None or self._knock is None:
            raise asyncssh.PermissionDenied("Nobody was let in.")
        self._is_in = True
        self._house.let_in(self._knock, self._tenant)

    def session(self, channel: "asyncssh.SSHServerChannel[bytes]") -> DropSession:
        """An SFTP session on a channel of this connection."""
        if self._tenant is None or len(self._sessions) >= self._house.limits.channels_per_session:
            raise asyncssh.ServiceNotAvailable("Too many sessions on one connection.")
        session = DropSession(channel, self._house, self._tenant, self._used)
        session.is_resting = self._is_resting
        self._sessions.append(session)
        return session

    @property
    def idle_seconds(self) -> float:
        """How long nothing was asked."""
        return time.monotonic() - self._used_at

    @property
    def tenant(self) -> Tenant | None:
        """Whose connection it is, once somebody was let in."""
        return self._tenant if self._is_in else None

    @tenant.setter
    def tenant(self, tenant: Tenant | None) -> None:
        """The login was changed: what it allows now holds for its sessions at once."""
        self._tenant = tenant
        if tenant is not None:
            for session in self._sessions:
                session.allow(tenant)

    def rest(self, *, is_resting: bool) -> None:
        """The account has hosted folders paused, or not: then no upload begins, and who has none under way goes."""
        self._is_resting = is_resting
        for session in self._sessions:
            session.is_resting = is_resting
        if is_resting and not any(session.has_uploads for session in self._sessions):
            self.send_away()

    def send_away(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, "Idle, ended, or the server is stopping.")

    async def gone(self) -> None:
        """Wait until the connection has ended, and end it for good where the other side does not take note."""
        if self._connection is None:
            return
        try:
            async with asyncio.timeout(2):
                await self._connection.wait_closed()
        except TimeoutError:
            self._connection.abort()
            await self._connection.wait_closed()

    async def _judged(self, username: str, asked: Asked) -> tuple[Knock, Tenant | None]:
        try:
            return await self._house.judged(username, self.address, asked)
        except IntegrationOff as failure:
            raise asyncssh.ServiceNotAvailable("Hosted folders are paused here; try again later.") from failure
        except Failure as failure:
            raise asyncssh.ServiceNotAvailable("Logins cannot be checked now; try again in a minute.") from failure

    def _used(self) -> None:
        self._used_at = time.monotonic()
