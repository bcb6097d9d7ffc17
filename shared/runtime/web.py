"""Run an ASGI application inside a service: uvicorn, without its own signal handling."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.bus.alongside import alongside

HEADER_SECONDS = 10.0
"""How long a client may take from connecting, or from a request's first byte, to the end of the request's headers."""
_LINGER_SECONDS = 5.0


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
    server = uvicorn.Server(config) if tls is None else _TlsServer(config, tls)
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

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext) -> None:
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        make: Any = self.config.http_protocol_class

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = make(config=self.config, server_state=self.server_state, app_state={})
            return made

        self.servers = [
            await loop.create_server(protocol, sock=each, ssl=self._tls, ssl_handshake_timeout=HEADER_SECONDS)
            for each in sockets or []
        ]
        self.started = True


class _Guarded(H11Protocol):
    """Counts connections, ends those whose answers are not read, and hears out for a while who is refused too early."""

    strangers: Strangers
    _is_counted = False
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
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
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            # A connection that is closed while the other side sends takes the answer with it.
            self.loop.call_later(_LINGER_SECONDS, self._hear_no_more, self.cycle)

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
