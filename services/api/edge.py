"""What happens to every request before and after the routes: size, time, counting, headers. Plain ASGI."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from services.api import problems
from shared.domain.failures import Failure, RequestTooLarge, RequestTooSlow
from shared.observe.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 30.0

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Bounded:
    """Reads a request's body before anything else does, no more and no longer than allowed."""

    def __init__(self, app: Application, *, limit: int = MAX_BODY_BYTES, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(receive)
        except TimeoutError:
            await _refuse(RequestTooSlow(), scope, receive, send)
            return
        if body is None:
            await _refuse(RequestTooLarge(f"At most {self._limit:,} bytes are taken."), scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body; None for one that is too large."""
        chunks = bytearray()
        while True:
            message = await receive()
            chunks += message.get("body", b"")
            if len(chunks) > self._limit:
                return None
            if not message.get("more_body", False):
                return bytes(chunks)


class Measured:
    """Measures requests, and marks answers as nothing that anybody in between may keep."""

    def __init__(self, app: Application, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
                if scope["path"].startswith("/v1/"):
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request_seconds.labels(method, problems.route_of(scope), str(status)).observe(
                time.perf_counter() - began
            )


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_told = False

    async def replay() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(failure: Failure, scope: Scope, receive: Receive, send: Send) -> None:
    await problems.answer(failure)(scope, receive, send)
