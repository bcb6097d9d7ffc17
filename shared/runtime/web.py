"""Run an ASGI application inside a service: uvicorn, without its own signal handling."""

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.bus.alongside import alongside

HEADER_SECONDS = 10.0
"""How long a client may take from connecting, or from a request's first byte, to the end of the request's headers."""


class Door(Protocol):
    """Who may connect at all."""

    def admits(self, peer: str) -> bool:
        """Whether a connection from that address is welcome; counts it if it is."""

    def parts_with(self, peer: str) -> None:
        """A connection that was counted is gone."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """How to serve whom nobody knows: who may connect, and how long a client may leave an answer lying."""

    door: Door
    stall_seconds: float
    tls: ssl.SSLContext | None = None
    linger_seconds: float = 5.0
    """How long a client may go on sending what has been answered already."""


@asynccontextmanager
async def serving(
    application: Any,
    host: str,
    port: int,
    *,
    limit_seconds: float = 10.0,
    header_seconds: float = HEADER_SECONDS,
    strangers: Strangers | None = None,
) -> AsyncIterator[int]:
    """Serve while inside; yields the port, which is chosen by the system where it is given as 0.

    Raises OSError when the address is taken, and whatever ends the server while it should serve.
    """
    listener = socket.create_server((host, port), backlog=256, reuse_port=False)
    # Accepted sockets have it from this one; asyncio sets it for its own listeners alone. Without it the body of an
    # answer waits for the client to acknowledge its head, which on a kept connection takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    protocol: type[H11Protocol] = type("Punctual", (_Punctual,), {"header_seconds": header_seconds})
    if strangers is not None:
        protocol = type("Guarded", (_Guarded, protocol), {"strangers": strangers})
    config = uvicorn.Config(
        application,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        http=protocol,
        ws="none",
        # Whom to believe about addresses is the gateway's business; uvicorn would believe anybody on this machine.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(limit_seconds),
    )
    tls = None if strangers is None else strangers.tls
    server = uvicorn.Server(config) if strangers is None or tls is None else _TlsServer(config, tls, strangers.door)
    ended = asyncio.Event()
    async with alongside(_serve(server, listener, ended)):
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            with suppress(TimeoutError):
                async with asyncio.timeout(limit_seconds + 5):
                    await ended.wait()


async def _serve(server: uvicorn.Server, listener: socket.socket, ended: asyncio.Event) -> None:
    """Serve until told to leave. A server that ends by itself ends the service: nobody could see it any more."""
    try:
        # `serve` would take the signals, which belong to service.py.
        await server._serve(sockets=[listener])
        if not server.should_exit:
            raise RuntimeError("the web server ended by itself")
    finally:
        ended.set()
        # Where it was cancelled it still listens, and not the socket alone is closed: the loop would go on watching its
        # number, which the next socket gets.
        for each in getattr(server, "servers", ()):
            each.close()
        listener.close()


class _Punctual(H11Protocol):
    """Closes a connection whose request does not come: uvicorn itself would wait for headers for ever."""

    header_seconds: float
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.header_seconds, self._give_up)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


class _TlsServer(uvicorn.Server):
    """Proves itself by TLS, and gives a handshake as long as a request's headers: uvicorn would give it a minute."""

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext, door: Door) -> None:
        super().__init__(config)
        self._tls = tls
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        make: Any = self.config.http_protocol_class

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = make(config=self.config, server_state=self.server_state, app_state={})
            return _Doorstep(protocol=made, tls=self._tls, door=self._door)

        self.servers = [await loop.create_server(protocol, sock=each) for each in sockets or []]
        self.started = True


class _Doorstep(asyncio.Protocol):
    """Asks the door at the very beginning: what TLS costs is spent for those alone who may come in."""

    def __init__(self, protocol: asyncio.Protocol, tls: ssl.SSLContext, door: Door) -> None:
        self._protocol = protocol
        self._tls = tls
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = (transport.get_extra_info("peername") or ("",))[0]
        if not isinstance(transport, asyncio.Transport) or not self._door.admits(peer):
            transport.close()
            return
        secured = _Secured(self._protocol, self._tls, lambda: self._door.parts_with(peer))
        # As asyncio itself does for a server that is given a context.
        transport.set_protocol(secured)
        secured.connection_made(transport)


class _Secured(SSLProtocol):
    """TLS as asyncio speaks it, with less memory for each connection, that tells when the connection is gone.

    Not loop.start_tls: what a client sends with the last of its handshake could come before `connection_made`.
    """

    max_size = 64 * 1024

    def __init__(self, protocol: asyncio.Protocol, tls: ssl.SSLContext, gone: Callable[[], None]) -> None:
        nobody_waits: Any = None
        loop = asyncio.get_running_loop()
        super().__init__(loop, protocol, tls, nobody_waits, server_side=True, ssl_handshake_timeout=int(HEADER_SECONDS))
        self._gone = gone

    def connection_lost(self, exc: BaseException | None) -> None:
        """Also of one whose handshake came to nothing, of which the protocol within never hears."""
        super().connection_lost(exc)
        self._gone()


class _Guarded(H11Protocol):
    """Ends those whose answers are not read, and hears out for a while who is refused too early.

    Counts connections, too, where they come without TLS: those with it are counted before.
    """

    strangers: Strangers
    _is_counted = False
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if self.strangers.tls is not None:
            return
        self._is_counted = self.strangers.door.admits(self._peer)
        if not self._is_counted:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_counted:
            self._is_counted = False
            self.strangers.door.parts_with(self._peer)
        self._go_on()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._go_on()
        self._stalled = self.loop.call_later(self.strangers.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._go_on()
        super().resume_writing()

    def on_response_complete(self) -> None:
        # Looked at first: a request that waits in the buffer is begun there, and is then the one that sends.
        answered, is_early = self.cycle, self.conn.their_state is h11.SEND_BODY
        super().on_response_complete()
        if is_early and not self.transport.is_closing():
            # A connection that is closed while the other side sends takes the answer with it.
            self.loop.call_later(self.strangers.linger_seconds, self._hear_no_more, answered)

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def _go_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _hear_no_more(self, answered: object) -> None:
        if self.cycle is answered and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()
