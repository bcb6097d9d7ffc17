"""A client that does not get its headers across is hung up on; one that does is not hurried by that."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from shared.runtime.web import Strangers, serving

PATIENCE_SECONDS = 0.5


async def _slow_answer(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(3 * PATIENCE_SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
async def test_headers_that_do_not_come_close_the_connection(sent: bytes) -> None:
    async with serving(_slow_answer, "127.0.0.1", 0, header_seconds=PATIENCE_SECONDS) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        await writer.wait_closed()


async def test_dripping_headers_do_not_keep_a_connection() -> None:
    async with serving(_slow_answer, "127.0.0.1", 0, header_seconds=PATIENCE_SECONDS) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n")
        async with asyncio.timeout(30):
            while not reader.at_eof():
                writer.write(b"X-A: b\r\n")
                # Nothing is ever read: it ends by a time limit, by the end of the connection, or by its reset.
                with suppress(TimeoutError, ConnectionError):
                    await asyncio.wait_for(reader.read(1), PATIENCE_SECONDS / 5)
                if reader.exception() is not None:
                    break
        writer.close()


async def test_an_answer_may_take_longer_and_the_next_request_too() -> None:
    async with serving(_slow_answer, "127.0.0.1", 0, header_seconds=PATIENCE_SECONDS) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await asyncio.wait_for(reader.readuntil(b"ok"), 30)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"server:" not in answer.lower()
        writer.close()
        await writer.wait_closed()


class _Open:
    """A door that stands open."""

    def admits(self, peer: str) -> bool:
        return True

    def parts_with(self, peer: str) -> None:
        assert peer


async def _refusing_or_reading(scope: Any, receive: Any, send: Any) -> None:
    while scope["path"] != "/refused":
        message = await receive()
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def test_who_goes_on_sending_is_heard_out_for_a_while_and_the_next_request_is_not_hurried() -> None:
    strangers = Strangers(_Open(), 30, linger_seconds=PATIENCE_SECONDS / 2)
    async with serving(_refusing_or_reading, "127.0.0.1", 0, strangers=strangers) as port, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        put = b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
        writer.write(put + b"123" + put + b"1")
        await reader.readuntil(b"ok")
        await asyncio.sleep(PATIENCE_SECONDS)
        writer.write(b"23")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.write(put.replace(b"/a", b"/refused") + b"1")
        await reader.readuntil(b"ok")
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
