"""One consumer of one RabbitMQ queue: takes messages, has them handled, tells the broker what became of them.

Handlers run in tasks of their own and not in the driver's, which cancels its tasks when a channel closes: an outage
of the broker must not break off an import. What such a handler finishes then comes a second time.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from aio_pika.abc import AbstractIncomingMessage

from shared.bus.bus import Envelope, Handler
from shared.bus.fate import Fate, Judgement, judge
from shared.bus.rabbit_session import Session, connected, keep_open, translated
from shared.bus.rabbit_topology import Deployment
from shared.domain.failures import BusUnavailable
from shared.observe.cancellation import heed_cancellation

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message in hand, and the session it came by: only that one can acknowledge it."""

    message: AbstractIncomingMessage
    session: Session


@dataclass(slots=True, kw_only=True)
class RabbitConsumer:
    """What one consumer needs to know. `parks` is false for a parked queue, where messages end."""

    url: str
    deployment: Deployment
    queue: str
    queue_on_broker: str
    parks: bool
    handler: Handler
    prefetch: int
    inbox: asyncio.Queue[_Delivery] = field(default_factory=asyncio.Queue)

    def work(self) -> list[Coroutine[object, object, None]]:
        """What must run for as long as messages are wanted: the connection and `prefetch` workers."""
        keeper = keep_open(self._receiving, self.deployment.limits, self.queue)
        return [keeper, *(self._work() for _ in range(self.prefetch))]

    @asynccontextmanager
    async def _receiving(self) -> AsyncIterator[Session]:
        """A session by which messages come into the inbox. It is lost when the broker deletes the queue, too."""
        async with connected(self.url, self.deployment.limits) as session:
            with translated(f"Consuming {self.queue}"):
                async with asyncio.timeout(self.deployment.limits.connect_timeout_seconds):
                    channel = await session.channel()
                    await self.deployment.declare(channel)
                    await channel.set_qos(prefetch_count=self.prefetch)
                    driver = await channel.get_underlay_channel()
                    driver.on_consumer_cancel_callbacks.add(session.lose)
                    source = await channel.get_queue(self.queue_on_broker, ensure=False)

                    async def receive(message: AbstractIncomingMessage) -> None:
                        self.inbox.put_nowait(_Delivery(message, session))

                    await source.consume(receive)
            yield session

    async def _work(self) -> None:
        while True:
            heed_cancellation()
            delivery = await self.inbox.get()
            if not delivery.session.lost.is_set():  # else it comes again by another session
                await self._handle(delivery)

    async def _handle(self, delivery: _Delivery) -> None:
        message = delivery.message
        failures = _failures(message)
        may_come_again = not self.parks or failures + 1 < self.deployment.limits.deliveries
        envelope = Envelope(message.type or message.routing_key or "", message.message_id or "", message.body)
        judgement = await judge(self.handler, envelope, may_come_again=may_come_again)
        facts = {
            "queue": self.queue,
            "message": envelope.name,
            "message_id": envelope.message_id,
            "failures": failures + 1,
            "error": judgement.error,
        }
        if judgement.fate is Fate.PARKED and self.parks:
            log.error("bus.message_parked", **facts)
        elif judgement.fate is not Fate.DONE:
            log.warning("bus.message_returned", **facts)
            await asyncio.sleep(self.deployment.limits.pause_seconds(failures + 1))
        await self._tell(delivery, judgement)

    async def _tell(self, delivery: _Delivery, judgement: Judgement) -> None:
        """Acknowledge, return or park. Where the session was lost meanwhile the message comes again."""
        try:
            with translated(f"Acknowledging a message of {self.queue}"):
                async with asyncio.timeout(self.deployment.limits.publish_timeout_seconds):
                    if judgement.fate is Fate.DONE:
                        await delivery.message.ack()
                    else:
                        # Reject and not nack: since RabbitMQ 4.3 only a reject counts towards the delivery limit.
                        again = judgement.fate is Fate.AGAIN or not self.parks
                        await delivery.message.reject(requeue=again)
        except BusUnavailable as failure:
            delivery.session.lose()
            log.warning("bus.acknowledgement_lost", queue=self.queue, detail=failure.detail)


def _failures(message: AbstractIncomingMessage) -> int:
    """How often the message was delivered before in vain, by the broker's count."""
    count = message.headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0
