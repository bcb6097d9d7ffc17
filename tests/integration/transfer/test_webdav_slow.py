"""WebDAV servers that are slow, break off, or answer before they are done."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from shared.domain.failures import (
    ConnectionLost,
    PlaceFull,
)
from tests.integration.transfer.dav_server import (
    Asked,
    Reply,
    Slow,
    but,
    bytes_of,
    collection,
    dav_server,
    file,
    in_turn,
    multistatus,
    opened,
    plain,
    reply,
)
from tests.real.authority import Authority

_ENTERS = Asked("PROPFIND", "/dav/", {"depth": "0"}, b"")


async def test_a_server_that_gives_a_byte_now_and_then_is_given_up_in_time(authority: Authority) -> None:
    head = reply(200, b"x" * 1000)
    listing = multistatus(collection("/dav/"), file("/dav/a.csv"))
    async with dav_server(authority) as server:
        began = time.monotonic()
        # Entering is a step, too, of two sides that may have to wait for their turn on the machine.
        async with opened(server, step_seconds=1, idle_seconds=0.2, listing_seconds=0.4, login_seconds=5) as folder:
            for path, answer in (
                ("PROPFIND", Slow(listing, 0.02)),
                ("PROPFIND", Slow(listing[:-300], 0)),
                ("GET", Slow(head, 0.02)),
                ("GET", Slow(reply(200, b"x" * 10_000), 0.02, 100)),
                ("GET", Slow(head[:-10], 0)),
            ):
                server.answer = but({path: lambda _, answer=answer: answer})  # type: ignore[misc]  # bound at once
                with pytest.raises(ConnectionLost):
                    await (folder.list("") if path == "PROPFIND" else bytes_of(folder, "a.csv"))
        assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"SSH-2.0-OpenSSH\r\n\r\n", reply(200, b"12345")[:-2], reply(200, b"12345").replace(b": 5", b": -5")],
)
async def test_a_connection_that_ends_in_the_middle_is_told(authority: Authority, answer: bytes | None) -> None:
    def broken(_: Asked) -> Reply:
        return None if answer is None else answer + b""

    def ends(asked: Asked) -> Reply:
        return Slow(broken(asked), 0, 1 << 20) if answer else None

    async with dav_server(authority) as server, opened(server, idle_seconds=1, step_seconds=1) as folder:
        server.answer = but({"GET": ends})
        with pytest.raises(ConnectionLost):
            await bytes_of(folder, "a.csv")
        server.answer = plain
        assert await bytes_of(folder, "a.csv") == b"12345"


async def test_a_connection_that_was_ended_while_it_was_idle_is_made_anew(authority: Authority) -> None:
    ended = in_turn(plain(_ENTERS), None, plain(_ENTERS))
    async with dav_server(authority, but({"PROPFIND /dav/": ended})) as server, opened(server) as folder:
        await folder.list("")
        assert server.connections == 2
        server.answer = but({"DELETE": lambda _: None})
        with pytest.raises(ConnectionLost):
            await folder.remove("a.csv")
        assert server.methods().count("DELETE") == 1


async def test_an_upload_that_is_answered_before_its_end_is_not_sent_for_ever(authority: Authority) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    async with dav_server(authority) as server, opened(server, idle_seconds=20) as folder:
        server.reads_bodies = False
        server.answer = but({"PUT": lambda _: Slow(reply(507), 0, 1 << 20)})
        began = time.monotonic()
        with pytest.raises(PlaceFull):
            await folder.write("big.bin", endless())
        assert time.monotonic() - began < 10


async def test_a_reader_that_is_given_up_keeps_nobody_waiting(authority: Authority) -> None:
    big = reply(200, bytes(4 << 20))
    async with dav_server(authority, but({"GET": lambda _: big})) as server, opened(server) as folder:
        reading = folder.read("a.csv")
        assert len(await anext(reading)) >= 1
        async with asyncio.timeout(5):
            assert (await folder.stat("a.csv")).size_bytes == 5
        await reading.aclose()
        server.answer = but({"GET": lambda _: Slow(big[:500_000], 0, 1 << 20)})
        async with asyncio.timeout(3), aclosing(folder.read("a.csv")) as silent:
            await anext(silent)
