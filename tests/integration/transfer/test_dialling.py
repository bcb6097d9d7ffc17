"""The one door to partners' servers: resolved once, judged, dialled at a judged address."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.domain.failures import ConnectionLost
from shared.transfer.dialling import Reach, find
from shared.transfer.folder import Deadlines
from tests.integration.transfer.conftest import LOOPBACK

NAME = "partner.example"


def _reach(*addresses: str, seconds: float = 2) -> Reach:
    """Knows one name, once."""
    answers = [addresses]

    async def resolver(host: str, port: int) -> tuple[str, ...]:
        return answers.pop()

    return Reach(LOOPBACK, Deadlines(connect_seconds=seconds), resolver)


@contextmanager
def _filtered(address: str = "127.0.0.2") -> Iterator[int]:
    """A port at which the kernel answers nobody any more: the queue of its listener is full."""
    with socket.create_server((address, 0), backlog=0) as listener:
        port: int = listener.getsockname()[1]
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex((address, port))
        yield port
        for client in clients:
            client.close()


async def test_a_silent_address_does_not_keep_us_from_the_one_behind_it() -> None:
    with _filtered() as port, socket.create_server(("127.0.0.1", port)) as listener:
        dialled = await (await find(NAME, port, _reach("127.0.0.2", "127.0.0.1", seconds=1))).dial()
        with dialled.socket:
            assert dialled.address == "127.0.0.1"
            assert not dialled.socket.getblocking()
            assert dialled.socket.getpeername() == listener.getsockname()


async def test_a_closed_and_a_filtered_port_are_told_by_the_same_failure_in_time() -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        closed = listener.getsockname()[1]
    told = []
    with _filtered() as filtered:
        for port in (closed, filtered):
            began = time.monotonic()
            host = await find(NAME, port, _reach("127.0.0.2", "127.0.0.2", seconds=0.3))
            with pytest.raises(ConnectionLost) as lost:
                await host.dial()
            assert time.monotonic() - began < 2
            told.append(str(lost.value).replace(str(port), "PORT"))
    assert told[0] == told[1]
    assert NAME in told[0]


async def test_a_second_channel_goes_to_a_judged_address_and_nowhere_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        host = await find(NAME, 1, _reach("127.0.0.1"))
        with (await host.dial_at("127.0.0.1", port)).socket as second:
            assert second.getpeername() == ("127.0.0.1", port)
        with pytest.raises(ValueError, match="judged"):
            await host.dial_at("127.0.0.2", port)


async def test_a_dial_that_is_given_up_leaves_no_socket_behind() -> None:
    with _filtered() as port:
        host = await find(NAME, port, _reach("127.0.0.2", seconds=30))
        dialling = asyncio.create_task(host.dial())
        await asyncio.sleep(0)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
