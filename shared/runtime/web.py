"""Run an ASGI application inside a service: uvicorn, without its own signal handling."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def serving(application: Any, host: str, port: int, *, limit_seconds: float = 10.0) -> AsyncIterator[int]:
    """Serve while inside; yields the port, which is chosen by the system where it is given as 0.

    Raises OSError when the address is taken.
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
    # `serve` would take the signals, which belong to service.py.
    task = asyncio.create_task(server._serve(sockets=[listener]), name="web")
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait([task], timeout=limit_seconds + 5)
        if not task.done():
            task.cancel()
        listener.close()
