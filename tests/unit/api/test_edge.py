"""Requests are bounded before the application sees them: bodies, addresses, headers, and how many at a time."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from services.api.edge import Bounded, Narrow, Uncrowded, refusing
from services.api.limits import Limits
from shared.observe.metrics import Metrics


class _Echo:
    """An application that keeps the bodies it was given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        assert not message["more_body"]
        self.bodies.append(message["body"])


def _bounded(app: Any, **limits: Any) -> Bounded:
    return Bounded(app, limits=Limits(**limits), refuse=refusing(Metrics()))


async def _post(app: Any, chunks: Iterable[bytes] = (), *, hangs: bool = False, **scope: Any) -> list[dict[str, Any]]:
    pending = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pending:
            return pending.pop(0)
        if hangs:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asked = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
    await app(asked | scope, receive, send)
    return sent


async def test_a_body_within_the_limit_arrives_whole() -> None:
    echo = _Echo()
    await _post(_bounded(echo, body_bytes=6), [b"abc", b"def"])
    assert echo.bodies == [b"abcdef"]


async def test_a_body_beyond_the_limit_never_arrives() -> None:
    echo = _Echo()
    sent = await _post(_bounded(echo, body_bytes=5), [b"abc", b"def"])
    assert sent[0]["status"] == 413
    assert echo.bodies == []


async def test_a_body_that_does_not_end_is_given_up() -> None:
    echo = _Echo()
    sent = await _post(_bounded(echo, body_seconds=0.05), [b"abc"], hangs=True)
    assert sent[0]["status"] == 408
    assert echo.bodies == []


JSON = [(b"content-type", b"application/json; charset=utf-8")]


async def test_a_json_body_that_is_not_as_it_must_be_never_arrives() -> None:
    echo = _Echo()
    sent = await _post(_bounded(echo), [b'{"a": NaN}'], headers=JSON)
    assert sent[0]["status"] == 422
    assert b'"pointer":"/a"' in sent[1]["body"]
    assert echo.bodies == []


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"raw_path": b"/" + 8191 * b"a"}, 200),
        ({"raw_path": b"/" + 8192 * b"a"}, 414),
        ({"query_string": b"a=" + 8190 * b"a"}, 414),
        ({"query_string": 99 * b"a&"}, 200),
        ({"query_string": 100 * b"a&"}, 414),
        ({"headers": 100 * [(b"a", b"b")]}, 200),
        ({"headers": 101 * [(b"a", b"b")]}, 431),
        ({"headers": [(b"a", 16_383 * b"b")]}, 200),
        ({"headers": [(b"a", 16_384 * b"b")]}, 431),
    ],
)
async def test_addresses_and_headers_are_only_as_long_as_anybody_needs(scope: dict[str, Any], status: int) -> None:
    narrow = Narrow(_answer, limits=Limits(), refuse=refusing(Metrics()))
    assert (await _post(narrow, **scope))[0]["status"] == status


async def test_what_comes_while_all_places_are_taken_is_asked_to_come_again() -> None:
    metrics, may_go = Metrics(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await may_go.wait()
        await _answer(scope, receive, send)

    uncrowded = Uncrowded(slow, limits=Limits(concurrent_requests=2), refuse=refusing(metrics))
    async with asyncio.TaskGroup() as group:
        served = [group.create_task(_post(uncrowded)) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await _post(uncrowded)
        assert refused[0]["status"] == 503
        assert (b"retry-after", b"5") in refused[0]["headers"]
        probe = group.create_task(_post(uncrowded, path="/healthz"))
        may_go.set()
    assert [task.result()[0]["status"] for task in (*served, probe)] == [200, 200, 200]
    assert (await _post(uncrowded))[0]["status"] == 200
    assert b'tidegate_requests_refused_total{code="too_busy"} 1.0' in metrics.text()


async def test_a_stream_of_events_takes_no_place_once_it_has_begun() -> None:
    has_begun, may_end = asyncio.Event(), asyncio.Event()

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/stream":
            await _answer(scope, receive, send)
            return
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        has_begun.set()
        await may_end.wait()

    uncrowded = Uncrowded(streaming, limits=Limits(concurrent_requests=1), refuse=refusing(Metrics()))
    async with asyncio.TaskGroup() as group:
        group.create_task(_post(uncrowded, path="/stream"))
        await has_begun.wait()
        assert (await _post(uncrowded))[0]["status"] == 200
        may_end.set()


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
