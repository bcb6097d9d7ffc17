"""The door through which partners' servers are reached, whatever is spoken with them afterwards.

A name is resolved once, every address is judged (addresses.py), and a connection is made to a judged address and not to
the name, so that a name server which answers differently the second time gains nothing. Who speaks TLS over it gives
the name for that, and for nothing else. What is found out about a place does not tell whether a port is closed or
filtered. Nothing here speaks a protocol, and nothing here keeps a connection.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from shared.domain.failures import ConnectionLost
from shared.transfer.addresses import AddressPolicy, Resolver, permitted_addresses
from shared.transfer.certificates import Certificates
from shared.transfer.folder import Deadlines
from shared.transfer.resolver import SystemResolver

OnStep = Callable[[str], None]
"""Told the name of each step on the way to a place as it begins: resolve, connect, host_key or certificate, login."""

OnProof = Callable[[], None]
"""Told that the server has taken a proof of who we are. One that asks for none lets everybody in."""

_BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Reach:
    """How servers are reached: what the operator allows, how names are resolved, how long to wait, whom to trust."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    deadlines: Deadlines = field(default_factory=Deadlines)
    resolver: Resolver = field(default_factory=SystemResolver)
    certificates: Certificates = field(default_factory=Certificates)
    allows_legacy_keys: bool = False
    """Whether the operator lets SHA-1 signatures and ssh-dss keys be used where an SSH server has nothing better."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """A TCP connection that does not block, and the judged address at its other end. Who has it closes it."""

    socket: socket.socket
    address: str

    @contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """Closes it where the block fails: around handing it to a library, which may not have it yet when it does.

        Libraries read options and certificates in a thread before they look at the socket; who is cancelled then
        would leave a connection to the partner's server that nobody closes. One that a transport has by then is the
        transport's: closed beneath it, its number would be given to another socket while the loop still watches it.
        """
        try:
            yield
        except BaseException:
            if self.socket.fileno() != -1:
                self._close_unless_taken()
            raise

    def _close_unless_taken(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(RuntimeError):  # a transport has it
            loop.remove_reader(self.socket)
            loop.remove_writer(self.socket)
            self.socket.close()


@dataclass(frozen=True, slots=True)
class Host:
    """A host and its judged addresses, best first, and making connections to them."""

    name: str
    port: int
    addresses: tuple[str, ...]
    deadlines: Deadlines

    @property
    def shown(self) -> str:
        """How messages name the server."""
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"

    async def dial(self) -> Dialled:
        """Connect to the first address that answers, within `connect_seconds`. Raises ConnectionLost."""
        ends_at = asyncio.get_running_loop().time() + self.deadlines.connect_seconds
        refusal: OSError | None = None
        for number, address in enumerate(self.addresses):
            # A silent address must not use up the time of those behind it.
            left = ends_at - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(left / (len(self.addresses) - number)):
                    return Dialled(await _connected(address, self.port), address)
            except OSError as error:  # a TimeoutError is one
                refusal = error
        raise self._unreachable() from refusal

    async def dial_at(self, address: str, port: int) -> Dialled:
        """Connect to another port of an address that was dialled: a second channel, as FTP has. Raises ConnectionLost.

        An address that is not one of the judged ones is a mistake of ours.
        """
        if address not in self.addresses:
            raise ValueError("only a judged address is dialled")
        try:
            async with asyncio.timeout(self.deadlines.connect_seconds):
                return Dialled(await _connected(address, port), address)
        except OSError as error:
            raise self._unreachable() from error

    def _unreachable(self) -> ConnectionLost:
        # One text, whether a port is closed, filtered or silent: nobody maps a network by it.
        return ConnectionLost(f"No connection to {self.shown} could be made.")


async def find(host: str, port: int, reach: Reach) -> Host:
    """Resolve a host once, and judge every address it has. Raises NameUnresolved, AddressRefused."""
    found = await permitted_addresses(host, port, reach.policy, reach.resolver, reach.deadlines.connect_seconds)
    return Host(host, port, tuple(found), reach.deadlines)


async def _connected(address: str, port: int) -> socket.socket:
    dialled = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        dialled.setblocking(False)
        # asyncio sees to it only for sockets of its own making: small requests would wait 40 ms for each other.
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(dialled, (address, port))
    except BaseException:
        dialled.close()
        raise
    return dialled


async def secured(
    dialled: Dialled, context: ssl.SSLContext, server_name: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """TLS over a connection, for whom asyncio's streams are enough. Raises OSError, of which ssl.SSLError is one.

    The connection is the streams' from now on, and closed where that fails. What there is to wait for is the caller's
    to limit: a handshake that hangs is ended by being cancelled.
    """
    with dialled.closed_on_failure():
        return await asyncio.open_connection(
            sock=dialled.socket, ssl=context, server_hostname=server_name, limit=_BUFFER_BYTES
        )
