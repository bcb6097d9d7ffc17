"""The one door to partners' servers: resolved once, judged, dialled at a judged address."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import asyncssh
import pytest

from services.notifier.sender import SmtpSender, SmtpServer
from shared.domain.connection import Login
from shared.domain.failures import ConnectionLost
from shared.domain.place import FtpsPlace, SftpPlace, WebDavPlace
from shared.transfer.dialling import Reach, find
from shared.transfer.folder import Deadlines
from shared.transfer.ftps.opening import open_ftps
from shared.transfer.keys import make_private_key
from shared.transfer.sftp import open_sftp
from shared.transfer.webdav.opening import open_webdav
from tests.integration.transfer.conftest import LOOPBACK
from tests.real.ports import free_port

NAME = "partner.example"


def _reach(*addresses: str, seconds: float = 2) -> Reach:
    """Knows one name, once."""
    answers = [addresses]

    async def resolver(host: str, port: int) -> tuple[str, ...]:
        return answers.pop()

    return Reach(LOOPBACK, Deadlines(connect_seconds=seconds), resolver)


@contextmanager
def _filtered(address: str = "127.0.0.2", port: int = 0) -> Iterator[int]:
    """A port at which the kernel answers nobody any more: the queue of its listener is full."""
    with socket.create_server((address, port), backlog=0) as listener:
        port = listener.getsockname()[1]
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex((address, port))
        yield port
        for client in clients:
            client.close()


async def test_a_silent_address_does_not_keep_us_from_the_one_behind_it() -> None:
    with _filtered(port=free_port()) as port, socket.create_server(("127.0.0.1", port)) as listener:
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


OnStep = Callable[[str], None]


async def _sftp(port: int, on_step: OnStep, *host_keys: str) -> None:
    place = SftpPlace(
        transport="sftp",
        host=NAME,
        port=port,
        username="user",
        host_keys=host_keys,
        trust_on_first_use=not host_keys,
    )
    async with open_sftp(place, Login(password="x"), _reach("127.0.0.1"), on_step=on_step):
        pass


async def _pinned_sftp(port: int, on_step: OnStep) -> None:
    await _sftp(
        port, on_step, asyncssh.import_private_key(make_private_key()).export_public_key().decode("ascii").strip()
    )


async def _ftps(port: int, on_step: OnStep) -> None:
    place = FtpsPlace(transport="ftps", host=NAME, port=port, username="user", tls="implicit")
    async with open_ftps(place, Login(password="x"), _reach("127.0.0.1"), on_step=on_step):
        pass


async def _webdav(port: int, on_step: OnStep) -> None:
    place = WebDavPlace(transport="webdav", url=f"https://{NAME}:{port}/", username="user")
    async with open_webdav(place, Login(password="x"), _reach("127.0.0.1"), on_step=on_step):
        pass


async def _smtps(port: int, on_step: OnStep) -> None:
    async def resolver(host: str, port: int) -> tuple[str, ...]:
        on_step("certificate")
        return ("127.0.0.1",)

    server = SmtpServer(NAME, port, use_tls=True, start_tls=False)
    await SmtpSender(server, our_name="us.example", policy=LOOPBACK, resolver=resolver).send(EmailMessage())


@contextmanager
def _busy_threads() -> Iterator[Callable[[], object]]:
    """What the loop leaves to threads waits from the moment when the given function is called."""
    released = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        try:
            yield lambda: threads.submit(released.wait)
        finally:
            released.set()


@pytest.mark.parametrize("use", [_sftp, _pinned_sftp, _ftps, _webdav, _smtps])
async def test_who_is_told_to_end_while_a_library_prepares_leaves_no_connection(
    use: Callable[[int, OnStep], Coroutine[Any, Any, None]],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, _busy_threads() as keep_busy:
        listener.setblocking(False)
        is_handing_over = asyncio.Event()

        def on_step(step: str) -> None:
            if step in ("host_key", "certificate"):
                keep_busy()
                is_handing_over.set()

        using = asyncio.create_task(use(listener.getsockname()[1], on_step))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            far, _ = await loop.sock_accept(listener)
            await is_handing_over.wait()
        for _ in range(20):
            await asyncio.sleep(0)  # until it waits for a thread, or for the server's first word
        using.cancel()
        # What was raised keeps the frames, so that nobody closes by collecting garbage.
        with pytest.raises(asyncio.CancelledError) as ended:
            await using
        with far:
            async with asyncio.timeout(5):
                while await loop.sock_recv(far, 65_536):
                    pass
        del ended
