"""The web server inside a service: it serves while the block lasts, and its end is the block's."""

import asyncio
import os
import socket
import urllib.request
from typing import Any

import psutil
import pytest

from shared.runtime.web import serving


class Unservable:
    """An application that breaks the server which looks at it."""

    @property
    def __call__(self) -> Any:
        raise RuntimeError("it cannot be served")


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_it_answers_while_inside_and_gives_the_port_back() -> None:
    async with serving(hello, "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}/"
        assert await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read()) == b"hello"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_no_answer_waits_for_its_head_to_be_acknowledged() -> None:
    async with serving(hello, "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"hello")
        ours = writer.get_extra_info("sockname")
        [theirs] = [each.fd for each in psutil.Process().net_connections() if each.raddr == ours]
        with socket.socket(fileno=os.dup(theirs)) as accepted:
            has_no_delay = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
    assert has_no_delay


async def test_a_server_that_breaks_ends_the_service_instead_of_leaving_it_unseen() -> None:
    with pytest.raises(RuntimeError, match="cannot be served"):
        async with serving(Unservable(), "127.0.0.1", 0), asyncio.timeout(10):
            await asyncio.Event().wait()


async def _hear(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"hello")
    writer.close()
    await writer.wait_closed()


async def test_a_server_whose_end_is_cut_short_is_in_nobody_elses_way() -> None:
    is_ending = asyncio.Event()

    async def serve() -> None:
        async with serving(hello, "127.0.0.1", 0) as port:
            await _hear(port)
            is_ending.set()

    ending = asyncio.create_task(serve())
    await is_ending.wait()
    ending.cancel()
    await asyncio.wait([ending])
    assert ending.cancelled()
    # Its number was given to the next socket.
    async with asyncio.timeout(10), serving(hello, "127.0.0.1", 0) as port:
        await _hear(port)
