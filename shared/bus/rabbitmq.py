"""The bus on RabbitMQ, 3.10 to 4: quorum queues, publisher confirms with a timeout, parked queues.

One connection publishes, and each consumer has its own, so that a broker which throttles publishers does not hold
up acknowledgements. No exception of the driver leaves this folder: everything is BusUnavailable.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import PublishError

from shared.bus.alongside import alongside
from shared.bus.bus import Envelope, Handler
from shared.bus.limits import Limits
from shared.bus.rabbit_consumer import RabbitConsumer
from shared.bus.rabbit_session import Session, connected, keep_open, translated
from shared.bus.rabbit_topology import Deployment
from shared.bus.topology import QUEUES, Queue, queue_named
from shared.domain.failures import BusUnavailable


@dataclass(frozen=True, slots=True)
class _Line:
    """The publisher's session and the exchange it publishes to."""

    session: Session
    exchange: AbstractExchange


class RabbitBus:
    """A bus on RabbitMQ. Made by `open`."""

    def __init__(self, url: str, deployment: Deployment) -> None:
        self._url = url
        self._deployment = deployment
        self._line: _Line | None = None
        self._connected = asyncio.Event()
        self._on_the_way: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, prefix: str = "", queues: Sequence[Queue] = QUEUES, limits: Limits | None = None
    ) -> AsyncIterator["RabbitBus"]:
        """A bus that connects in the background, and again whenever the connection is lost.

        Returns at once, whether or not the broker is up; `wait_until_ready` waits. Raises ValueError for an address
        that is none. Another `prefix` is another deployment on the same broker.
        """
        if urlsplit(url).scheme not in ("amqp", "amqps") or not urlsplit(url).hostname:
            raise ValueError("found no broker's address; expected amqp://user:password@host:port/ or amqps://")
        bus = cls(url, Deployment(prefix, tuple(queues), limits or Limits()))
        async with alongside(keep_open(bus._publishing, bus._deployment.limits, "publisher")):
            yield bus

    def is_ready(self) -> bool:
        """Whether the publisher is connected."""
        return self._line is not None

    async def wait_until_ready(self, limit_seconds: float) -> None:
        """Return when the publisher is connected. Raises BusUnavailable when it takes longer than the limit."""
        try:
            async with asyncio.timeout(limit_seconds):
                await self._connected.wait()
        except TimeoutError as error:
            raise BusUnavailable(f"Found no broker within {limit_seconds:g} seconds.") from error

    async def publish(self, envelope: Envelope) -> None:
        """Send a persistent message and wait for the broker's confirmation. See `Bus.publish`."""
        line = self._publisher()
        if envelope.message_id in self._on_the_way:
            # The driver finds the publish that a returned message belongs to by its id alone, and would take the
            # confirmation of one for the other's.
            raise BusUnavailable(f"Message {envelope.message_id} is being sent already.")
        self._on_the_way.add(envelope.message_id)
        try:
            await self._confirmed(line, envelope)
        finally:
            self._on_the_way.discard(envelope.message_id)

    async def depth(self, queue: str) -> int:
        """How many messages are ready in a queue. Raises BusUnavailable, ValueError for an unknown queue."""
        name = self._deployment.on_broker(queue)
        connection = self._publisher().session.connection
        limit_seconds = self._deployment.limits.publish_timeout_seconds
        with translated(f"Measuring {queue}"):
            async with asyncio.timeout(limit_seconds), connection.channel() as channel:
                found = await channel.declare_queue(name, passive=True)
                return found.declaration_result.message_count or 0

    @asynccontextmanager
    async def consume(self, queue: str, handler: Handler, *, prefetch: int = 8) -> AsyncIterator[None]:
        """Hand the queue's messages to the handler while inside, `prefetch` at a time. See `Bus.consume`."""
        consumer = RabbitConsumer(
            url=self._url,
            deployment=self._deployment,
            queue=queue,
            queue_on_broker=self._deployment.on_broker(queue),
            parks=queue_named(queue, self._deployment.queues) is not None,
            handler=handler,
            prefetch=prefetch,
        )
        async with alongside(*consumer.work()):
            yield

    def _publisher(self) -> _Line:
        if self._line is None:
            raise BusUnavailable("Found no connection to the broker.")
        return self._line

    async def _confirmed(self, line: _Line, envelope: Envelope) -> None:
        limit_seconds = self._deployment.limits.publish_timeout_seconds
        try:
            with translated(f"Publishing {envelope.name}"):
                async with asyncio.timeout(limit_seconds):
                    await line.exchange.publish(_message(envelope), routing_key=envelope.name, mandatory=True)
        except BusUnavailable as failure:
            cause = failure.__cause__
            # A broker that stays silent is not waited for by the next publish as well, and a queue that should be
            # there but is not comes back with the next session, which declares it.
            if isinstance(cause, TimeoutError) or (
                isinstance(cause, PublishError) and self._deployment.hears(envelope.name)
            ):
                line.session.lose()
            raise

    @asynccontextmanager
    async def _publishing(self) -> AsyncIterator[Session]:
        async with connected(self._url, self._deployment.limits) as session:
            with translated("Declaring the topology"):
                async with asyncio.timeout(self._deployment.limits.connect_timeout_seconds):
                    channel = await session.channel(confirms=True)
                    await self._deployment.declare(channel)
                    exchange = await channel.get_exchange(self._deployment.exchange, ensure=False)
            self._line = _Line(session, exchange)
            self._connected.set()
            try:
                yield session
            finally:
                self._line = None
                self._connected.clear()


def _message(envelope: Envelope) -> aio_pika.Message:
    return aio_pika.Message(
        envelope.body,
        content_type="application/json",
        message_id=envelope.message_id,
        type=envelope.name,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
