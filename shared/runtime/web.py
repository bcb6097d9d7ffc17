"""Run an ASGI application inside a service: uvicorn, without its own signal handling."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn

from shared.bus.alongside import alongside


@asynccontextmanager
async def serving(application: Any, host: str, port: int, *, limit_seconds: float = 10.0) -> AsyncIterator[int]:
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
                await asyncio.wait_for(ended.wait(), limit_seconds + 5)


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
