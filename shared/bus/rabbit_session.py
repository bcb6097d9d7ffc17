"""Connections to RabbitMQ: opened, watched, opened again; and the room where the driver's errors end.

The driver's own reconnection is not used: it restores what it remembers, while a broker that lost its queues wants
the topology declared anew, and a publisher must know at once that there is nobody to confirm.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.bus.limits import Limits
from shared.domain.failures import BusUnavailable

log = structlog.stdlib.get_logger()

CLOSE_TIMEOUT_SECONDS = 3.0


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn whatever the driver raises into BusUnavailable.

    The driver also cancels futures of its own when a connection breaks; that arrives as CancelledError in a task
    which nobody asked to stop, and is told apart by that.
    """
    task = asyncio.current_task()
    asked_before = task.cancelling() if task else 0
    try:
        yield
    except TimeoutError as error:
        raise BusUnavailable(f"{doing}: no answer in time.") from error
    except CONNECTION_EXCEPTIONS as error:
        raise BusUnavailable(f"{doing}: {type(error).__name__} {str(error)[:200]}".strip()) from error
    except asyncio.CancelledError as error:
        if task and task.cancelling() > asked_before:
            raise
        raise BusUnavailable(f"{doing}: the connection broke.") from error


@dataclass(slots=True)
class Session:
    """One connection for as long as it lasts."""

    connection: AbstractConnection
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def channel(self, *, confirms: bool = False) -> AbstractChannel:
        """A channel whose end is the session's end."""
        channel = self.connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        await channel.initialize()
        channel.close_callbacks.add(self.lose)
        return channel

    def lose(self, *_: object) -> None:
        """Say that the session is of no use any more; its keeper opens another one."""
        self.lost.set()


@asynccontextmanager
async def connected(url: str, limits: Limits) -> AsyncIterator[Session]:
    """Connect, and close on leaving whatever state the connection is in. Raises BusUnavailable."""
    with translated("Connecting to the broker"):
        async with asyncio.timeout(limits.connect_timeout_seconds):
            connection = await aio_pika.connect(url, heartbeat=limits.heartbeat_seconds)
    session = Session(connection)
    connection.close_callbacks.add(session.lose)
    try:
        yield session
    finally:
        await _close(connection)


async def _close(connection: AbstractConnection) -> None:
    """Say goodbye, but not for ever: a frozen broker never answers."""
    try:
        with translated("Closing the connection"):
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await connection.close()
    except BusUnavailable as failure:
        log.debug("bus.close_unanswered", detail=failure.detail)


async def keep_open(session: Callable[[], AbstractAsyncContextManager[Session]], limits: Limits, role: str) -> None:
    """Open a session, wait until it is lost, open the next one; for ever, until cancelled."""
    last_detail = ""
    while True:
        try:
            async with session() as current:
                log.info("bus.connected", role=role)
                last_detail = ""
                await current.lost.wait()
            log.warning("bus.connection_lost", role=role)
        except BusUnavailable as failure:
            if failure.detail != last_detail:  # once a reason, not once a second
                log.warning("bus.not_connected", role=role, code=failure.code, detail=failure.detail)
            last_detail = failure.detail
        # Spread, so that a returning broker does not meet every service in the same instant.
        await asyncio.sleep(limits.reconnect_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
