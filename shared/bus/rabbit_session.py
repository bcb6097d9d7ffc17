"""Connections to RabbitMQ: opened, watched, opened again; and the room where the driver's errors end.

The driver's own reconnection is not used: it restores what it remembers, while a broker that lost its queues wants
the topology declared anew, and a publisher must know at once that there is nobody to confirm.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.bus.limits import Limits
from shared.domain.failures import BusUnavailable
from shared.observe.cancellation import heed_cancellation

log = structlog.stdlib.get_logger()

CLOSE_TIMEOUT_SECONDS = 3.0


class translated:
    """While inside, whatever the driver raises becomes BusUnavailable. Everything else passes through."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._task = asyncio.current_task()
        self._asked_before = self._task.cancelling() if self._task else 0

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TimeoutError):
            raise BusUnavailable(f"{self._doing}: no answer in time.") from error
        # Where a connection breaks in the middle of a frame the driver raises the class Exception itself.
        if isinstance(error, CONNECTION_EXCEPTIONS) or kind is Exception:
            raise BusUnavailable(f"{self._doing}: {type(error).__name__} {str(error)[:200]}".strip()) from error
        if isinstance(error, asyncio.CancelledError) and not self._was_asked_to_stop():
            raise BusUnavailable(f"{self._doing}: the connection broke.") from error

    def _was_asked_to_stop(self) -> bool:
        """Whether somebody cancels this task. The driver cancels futures of its own when a connection breaks, which
        looks the same but for this.
        """
        return self._task is not None and self._task.cancelling() > self._asked_before


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
                heed_cancellation()
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
