"""Run an ASGI application inside a service: uvicorn, without its own signal handling."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.bus.alongside import alongside

HEADER_SECONDS = 10.0
"""How long a client may take from connecting, or from a request's first byte, to the end of the request's headers."""


@asynccontextmanager
async def serving(
    application: Any, host: str, port: int, *, limit_seconds: float = 10.0, header_seconds: float = HEADER_SECONDS
) -> AsyncIterator[int]:
    """Serve while inside; yields the port, which is chosen by the system where it is given as 0.

    Raises OSError when the address is taken, and whatever ends the server while it should serve.
    """
    listener = socket.create_server((host, port), backlog=256, reuse_port=False)
    config = uvicorn.Config(
        application,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        http=type("Punctual", (_Punctual,), {"header_seconds": header_seconds}),
        ws="none",
        # Whom to believe about addresses is the gateway's business; uvicorn would believe anybody on this machine.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(limit_seconds),
    )
    server = uvicorn.Server(config)
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
