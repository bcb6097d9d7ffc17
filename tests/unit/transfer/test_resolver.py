"""Names of partners' hosts are looked up where a silent name server is in nobody's way."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from shared.transfer.resolver import SystemResolver

MANY = 40


class NameServer:
    """Answers for one name and is silent about all others until it is told to speak."""

    def __init__(self) -> None:
        self.speaks = threading.Event()

    def __call__(self, host: str, port: int, **_: object) -> list[Any]:
        if host != "good.example":
            assert self.speaks.wait(30)
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.speaks.set()


async def test_a_name_has_the_system_s_addresses() -> None:
    assert set(await SystemResolver()("localhost", 22)) <= {"127.0.0.1", "::1"}


async def test_a_name_that_does_not_exist_is_the_system_s_error(name_server: NameServer) -> None:
    name_server.speaks.set()
    with pytest.raises(socket.gaierror):
        await SystemResolver(look_up=name_server)("bad.example", 22)


async def test_silent_name_servers_hold_up_neither_other_names_nor_other_work(name_server: NameServer) -> None:
    resolver = SystemResolver(look_up=name_server)
    given_up = [asyncio.create_task(resolver("bad.example", 22)) for _ in range(MANY)]
    assert await asyncio.wait_for(resolver("good.example", 22), 10) == ["192.0.2.1"]
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "written"), 10) == "written"
    for task in given_up:
        task.cancel()
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "written"), 10) == "written"
    await asyncio.wait(given_up)


async def test_there_are_no_more_threads_than_allowed_and_their_places_come_free(name_server: NameServer) -> None:
    resolver = SystemResolver(at_a_time=2, look_up=name_server)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver("bad.example", 22), 0.05)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(resolver("good.example", 22), 0.05)
    name_server.speaks.set()
    assert await asyncio.wait_for(resolver("good.example", 22), 10) == ["192.0.2.1"]
