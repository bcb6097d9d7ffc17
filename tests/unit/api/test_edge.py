"""Bodies are bounded in size and time before the application sees them."""

import asyncio
from collections.abc import Iterable
from typing import Any

from services.api.edge import Bounded


class _Echo:
    """An application that keeps the bodies it was given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        assert not message["more_body"]
        self.bodies.append(message["body"])


async def _post(app: Bounded, chunks: Iterable[bytes], *, hangs: bool = False) -> list[dict[str, Any]]:
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

    await app({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
    return sent


async def test_a_body_within_the_limit_arrives_whole() -> None:
    echo = _Echo()
    await _post(Bounded(echo, limit=6), [b"abc", b"def"])
    assert echo.bodies == [b"abcdef"]


async def test_a_body_beyond_the_limit_never_arrives() -> None:
    echo = _Echo()
    sent = await _post(Bounded(echo, limit=5), [b"abc", b"def"])
    assert sent[0]["status"] == 413
    assert echo.bodies == []


async def test_a_body_that_does_not_end_is_given_up() -> None:
    echo = _Echo()
    sent = await _post(Bounded(echo, seconds=0.05), [b"abc"], hangs=True)
    assert sent[0]["status"] == 408
    assert echo.bodies == []
