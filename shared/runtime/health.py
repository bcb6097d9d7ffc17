"""`/healthz`, `/readyz` and `/metrics` for services that have no web server of their own: a few lines of ASGI."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from shared.domain.failures import Failure
from shared.observe.metrics import Metrics
from shared.runtime.web import serving

Ready = Callable[[], Awaitable[None]]
"""Returns when the service can work; raises a Failure that says why not."""


@asynccontextmanager
async def health(host: str, port: int, metrics: Metrics, ready: Ready) -> AsyncIterator[int]:
    """Serve probes and metrics while inside; yields the port."""
    async with serving(_application(metrics, ready), host, port) as bound:
        yield bound


def _application(metrics: Metrics, ready: Ready) -> Callable[..., Awaitable[None]]:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, body = await _answer(scope["path"], metrics, ready)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"text/plain; charset=utf-8")],
            }
        )
        await send({"type": "http.response.body", "body": body})

    return application


async def _answer(path: str, metrics: Metrics, ready: Ready) -> tuple[int, bytes]:
    if path == "/healthz":
        return 200, b"ok\n"
    if path == "/metrics":
        return 200, metrics.text()
    try:
        # Of any other path as well: while the gateway starts, its clients must not take "not yet" for "not there".
        await ready()
    except Failure as failure:
        return 503, f"{failure.code}\n".encode()
    return (200, b"ok\n") if path == "/readyz" else (404, b"not found\n")
