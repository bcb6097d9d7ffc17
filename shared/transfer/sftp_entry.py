"""Getting in at an SSH server: algorithms agreed upon, the server proved, our login accepted.

What a server that ends the connection means by it is told apart here: that it is another one than before, that it does
not take our login, that it speaks nothing we accept, or that it is merely gone. Nothing here resolves or chooses
addresses, and nothing opens a file.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain

import asyncssh
from asyncssh import constants

from shared.domain.connection import Login
from shared.domain.failures import (
    ConnectionLost,
    Failure,
    HostKeyChanged,
    LoginCutOff,
    LoginRefused,
    ProtocolRefused,
)
from shared.domain.place import SftpPlace
from shared.transfer.dialling import Dialled, Host
from shared.transfer.keys import described
from shared.transfer.sftp_login import (
    LEGACY_SIGNATURES,
    METHODS,
    SIGNATURES,
    Doorkeeper,
    algorithms_of,
    legacy_of,
)

# Measured: AES-GCM is a third faster than the driver's default and as fast as OpenSSH's own client.
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_REFUSING = (
    constants.DISC_HOST_NOT_ALLOWED_TO_CONNECT,
    constants.DISC_PROTOCOL_ERROR,  # OpenSSH's "Too many authentication failures"
    constants.DISC_BY_APPLICATION,
    constants.DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
    constants.DISC_ILLEGAL_USER_NAME,
)
"""With these a server ends a connection whose login it does not accept (RFC 4253, section 11.1)."""


class Line:
    """One server, and what is said to it before the login."""

    def __init__(self, place: SftpPlace, host: Host, *, allows_legacy: bool) -> None:
        self.place = place
        self.deadlines = host.deadlines
        self.shown = host.shown
        self.allows_legacy = allows_legacy
        self._host = host

    async def dial(self) -> Dialled:
        """A TCP connection to it. Raises ConnectionLost."""
        return await self._host.dial()

    async def presented(self, dialled: Dialled) -> asyncssh.SSHKey:
        """The host key the server shows, of a connection that ends before any login.

        Raises ConnectionLost, ProtocolRefused.
        """
        try:
            with dialled.closed_on_failure():
                async with asyncio.timeout(self.deadlines.login_seconds):
                    key = await asyncssh.get_server_host_key(
                        self.place.host,
                        self.place.port,
                        sock=dialled.socket,
                        server_host_key_algs=[*SIGNATURES, *(LEGACY_SIGNATURES if self.allows_legacy else ())],
                        config=None,
                    )
        except (OSError, asyncssh.Error) as error:
            raise self.translated(error) from error
        if key is None:
            raise ProtocolRefused("The server showed no host key.")
        return key

    def translated(self, error: OSError | asyncssh.Error) -> ConnectionLost | ProtocolRefused:
        """What went wrong before the login."""
        if isinstance(error, TimeoutError):
            return ConnectionLost(f"{self.shown} was silent for {self.deadlines.login_seconds:g} seconds.")
        if isinstance(error, (asyncssh.KeyExchangeFailed, asyncssh.ProtocolError, asyncssh.ProtocolNotSupported)):
            return ProtocolRefused(f"{self.shown} offers no algorithms that we accept, or does not speak SSH.")
        return ConnectionLost(f"{self.shown} closed the connection.")


class _NothingInCommon(Exception):
    """The server ended the connection while algorithms were agreed upon."""

    def __init__(self, error: OSError | asyncssh.Error) -> None:
        self.error = error
        super().__init__()


class Entry:
    """Getting in: an SSH connection to a server that has proved a pinned key, with our login accepted."""

    def __init__(
        self, line: Line, pinned: list[asyncssh.SSHKey], login: Login, keys: Sequence[asyncssh.SSHKey]
    ) -> None:
        self.legacy: frozenset[str] = frozenset()
        """Which legacy algorithms it took."""
        self.was_proved = False
        """Whether the server let us in for something that we showed it."""
        self._line = line
        self._pinned = pinned
        self._login = login
        self._keys = keys

    async def enter(self, dialled: Dialled, on_step: Callable[[str], None]) -> asyncssh.SSHClientConnection:
        """Raises what open_sftp says of servers and logins."""
        spare: Dialled | None = dialled
        ended: _NothingInCommon | None = None
        for group in (SIGNATURES, LEGACY_SIGNATURES):
            ways = self._host_signatures(group)
            if not ways:
                continue
            used, spare = spare or await self._line.dial(), None
            try:
                return await self._try(used, ways, on_step)
            except _NothingInCommon as nothing:
                ended = nothing
        assert ended is not None
        await self._compare_other_types()
        raise self._line.translated(ended.error) from ended

    def _host_signatures(self, group: Sequence[str]) -> list[str]:
        """How the server may sign. Only with the types of the pinned keys, so that of several it shows a known one."""
        ways = (algorithms_of(each, allows_legacy=self._line.allows_legacy) for each in self._pinned)
        return [name for name in dict.fromkeys(chain.from_iterable(ways)) if name in group]

    async def _try(
        self, dialled: Dialled, host_signatures: list[str], on_step: Callable[[str], None]
    ) -> asyncssh.SSHClientConnection:
        """One connection. Raises _NothingInCommon where the server seems to have none of the algorithms."""
        line = self._line
        doorkeeper = Doorkeeper(
            self._login, self._keys, allows_legacy=line.allows_legacy, on_login=lambda: on_step("login")
        )
        try:
            with dialled.closed_on_failure():
                async with asyncio.timeout(line.deadlines.login_seconds):
                    connection = await asyncssh.connect(
                        line.place.host,
                        line.place.port,
                        sock=dialled.socket,
                        client_factory=lambda: doorkeeper,
                        username=line.place.username,
                        # Both are asked of the doorkeeper, who gives each once.
                        preferred_auth=list(METHODS),
                        password=None,
                        client_keys=None,
                        known_hosts=(self._pinned, [], []),
                        server_host_key_algs=host_signatures,
                        signature_algs=[*SIGNATURES, *(LEGACY_SIGNATURES if line.allows_legacy else ())],
                        encryption_algs=list(_CIPHERS),
                        compression_algs=None,
                        x509_trusted_certs=None,
                        config=None,
                        agent_path=None,
                        gss_auth=False,
                        gss_kex=False,
                        host_based_auth=False,
                        keepalive_interval=15,
                        keepalive_count_max=3,
                    )
        except (OSError, asyncssh.Error) as error:
            # OpenSSH does not say so, but goes away.
            is_away = isinstance(error, (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionError))
            if is_away and doorkeeper.has_spoken and not doorkeeper.has_proof and doorkeeper.stranger is None:
                raise _NothingInCommon(error) from error
            if doorkeeper.has_proof:
                on_step("login")
            raise self._refusal(error, doorkeeper) from error
        on_step("login")
        self.was_proved = doorkeeper.was_anything_tried
        self.legacy = legacy_of(host_signatures, doorkeeper.signed_with, connection.get_server_host_key())
        return connection

    def _refusal(self, error: OSError | asyncssh.Error, doorkeeper: Doorkeeper) -> Failure:
        """Why the server did not let us in.

        One that ends the connection over a login has refused it; one that merely goes away once it saw the password
        may have. A silent one counts as slow.
        """
        if doorkeeper.stranger is not None:
            return self._changed(doorkeeper.stranger)
        if isinstance(error, asyncssh.PermissionDenied):
            return LoginRefused(doorkeeper.told(self._login))
        if doorkeeper.has_proof and doorkeeper.was_anything_tried and not isinstance(error, TimeoutError):
            if isinstance(error, asyncssh.DisconnectError) and error.code in _REFUSING:
                return LoginRefused(doorkeeper.told(self._login))
            if doorkeeper.was_password_shown:
                return LoginCutOff(f"{self._line.shown} closed the connection.")
        return self._line.translated(error)

    async def _compare_other_types(self) -> None:
        """Where the server has no key of a pinned type any more: raise HostKeyChanged with the one it has.

        One that ends this too has nothing that we accept: ProtocolRefused.
        """
        dialled = await self._line.dial()
        try:
            key = await self._line.presented(dialled)
        except ConnectionLost as error:
            raise ProtocolRefused(
                f"{self._line.shown} ends every connection while algorithms are agreed on."
            ) from error
        if all(described(key) != described(known) for known in self._pinned):
            raise self._changed(key)

    def _changed(self, key: asyncssh.SSHKey) -> HostKeyChanged:
        shown = described(key)
        expected = ", ".join(described(known).fingerprint for known in self._pinned)
        return HostKeyChanged(
            f"{self._line.shown} shows {shown.algorithm} {shown.fingerprint}, expected {expected}.",
            presented_key=shown.line,
            fingerprint=shown.fingerprint,
        )
