"""What happens to every request before and after the routes: bounds, counting, headers. Plain ASGI.

From the outside: Measured, Uncrowded, Narrow, then the gate (`gate.py`), then Bounded. So whoever has no key has no
body read, and whoever is refused is counted. Files stream past Bounded to their routes, which count them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.api import bodies, problems
from services.api.asgi import Application, Message, Receive, Scope, Send, replayed
from services.api.limits import Limits
from shared.domain.failures import (
    AddressTooLong,
    Failure,
    HeadersTooLarge,
    InvalidRequest,
    RequestTooLarge,
    RequestTooSlow,
    TooBusy,
)
from shared.observe.metrics import Metrics

Refuse = Callable[[Failure, Scope, Receive, Send], Awaitable[None]]
"""Answers with a failure, and counts it."""

STREAMED = frozenset({"/v1/samples", "/v1/imports"})
"""What takes files: a POST there whose body is not JSON is read by its route, piece by piece."""
BASIC = 'Basic realm="Tidegate", charset="UTF-8"'
"""What paths ask for that take a key's prefix and secret (RFC 7617)."""
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})

# Answers are data: whatever a browser makes of them, it loads, runs and frames nothing.
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
}


class Measured:
    """Measures requests, and gives every answer the headers that keep browsers and caches in their place."""

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
                message["headers"] = [*message["headers"], *_missing(message, scope["path"])]
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request_seconds.labels(method, problems.route_of(scope), str(status)).observe(
                time.perf_counter() - began
            )


class Uncrowded:
    """Refuses what comes while as many requests as allowed are under way; probes are always answered."""

    def __init__(self, app: Application, *, limits: Limits, refuse: Refuse) -> None:
        self._app = app
        self._limit = limits.concurrent_requests
        self._refuse = refuse
        self._under_way: set[object] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        if len(self._under_way) >= self._limit:
            await self._refuse(TooBusy(), scope, receive, send)
            return
        request = object()
        self._under_way.add(request)

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_stream(message):
                # It may go on for hours and does next to nothing.
                self._under_way.discard(request)
            await send(message)

        try:
            await self._app(scope, receive, watching)
        finally:
            self._under_way.discard(request)


class Narrow:
    """Refuses addresses and headers that are longer, or more, than anybody needs."""

    def __init__(self, app: Application, *, limits: Limits, refuse: Refuse) -> None:
        self._app = app
        self._limits = limits
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        failure = None if scope["type"] != "http" else self._flaw(scope)
        if failure is None:
            await self._app(scope, receive, send)
        else:
            await self._refuse(failure, scope, receive, send)

    def _flaw(self, scope: Scope) -> Failure | None:
        limits, query = self._limits, scope["query_string"]
        if len(scope.get("raw_path") or b"") + len(query) > limits.address_bytes:
            return AddressTooLong(f"At most {limits.address_bytes:,} bytes are taken.")
        if query.count(b"&") >= limits.parameters:
            return AddressTooLong(f"At most {limits.parameters} parameters are taken.")
        headers = scope["headers"]
        if len(headers) > limits.headers or sum(len(n) + len(v) for n, v in headers) > limits.header_bytes:
            return HeadersTooLarge(f"At most {limits.headers} headers of {limits.header_bytes:,} bytes are taken.")
        return None


class Bounded:
    """Reads a request's body before anything else does: no more and no longer than allowed, and JSON as it must be."""

    def __init__(self, app: Application, *, limits: Limits, refuse: Refuse) -> None:
        self._app = app
        self._limits = limits
        self._limit = limits.body_bytes
        self._seconds = limits.body_seconds
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if is_streamed(scope):
            await self._app(scope, _patient(receive, self._limits), send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(receive)
        except TimeoutError:
            await self._refuse(RequestTooSlow(), scope, receive, send)
            return
        if body is None:
            await self._refuse(RequestTooLarge(f"At most {self._limit:,} bytes are taken."), scope, receive, send)
            return
        flaw = bodies.flaw_of(body) if body and is_json(scope) else None
        if flaw is not None:
            await problems.answer(InvalidRequest(), [flaw])(scope, receive, send)
            return
        await self._app(scope, replayed(body, receive), send)

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


def refusing(metrics: Metrics) -> Refuse:
    """What answers with a failure, and counts it by its code."""

    async def refuse(failure: Failure, scope: Scope, receive: Receive, send: Send) -> None:
        metrics.requests_refused.labels(failure.code).inc()
        told = problems.answer(failure)
        if "WWW-Authenticate" in told.headers and scope["path"].startswith("/api/"):
            told.headers["WWW-Authenticate"] = BASIC
        await told(scope, receive, send)

    return refuse


def is_json(scope: Scope) -> bool:
    """Whether a request says that its body is JSON, by RFC 6839 also with a suffix."""
    sent = [value for name, value in scope["headers"] if name.lower() == b"content-type"]
    media_type = sent[0].partition(b";")[0].strip().lower() if sent else b""
    return media_type == b"application/json" or (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    )


def is_streamed(scope: Scope) -> bool:
    """Whether a request's body is a file, which no layer reads before its route does."""
    return scope["method"] == "POST" and scope["path"] in STREAMED and not is_json(scope)


def _patient(receive: Receive, limits: Limits) -> Receive:
    """Waits for a file as long as it comes at a bearable pace. Raises RequestTooSlow, also where it breaks off."""
    waited = 0.0
    taken = 0
    is_whole = False

    async def patient() -> Message:
        nonlocal waited, taken, is_whole
        if is_whole:
            return await receive()
        # What is done with the pieces in between does not count against the client.
        left = limits.body_seconds + taken / limits.least_bytes_per_second - waited
        began = time.monotonic()
        try:
            async with asyncio.timeout(left):
                message = await receive()
        except TimeoutError:
            raise RequestTooSlow from None
        if message["type"] != "http.request":
            raise RequestTooSlow("The connection was closed before the end of the body.")
        waited += time.monotonic() - began
        taken += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message

    return patient


def _missing(message: Message, path: str) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in message["headers"]}
    wanted = {**_HEADERS, b"cache-control": b"no-store"} if path.startswith(("/v1/", "/api/")) else _HEADERS
    return [(name, value) for name, value in wanted.items() if name not in present]


def _is_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream") for name, value in message["headers"]
    )
