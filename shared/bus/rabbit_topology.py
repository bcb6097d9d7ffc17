"""The topology as RabbitMQ wants it declared; one wording for RabbitMQ 3.10 to 4.

Everything is declared by whoever connects, as often as they connect: declaring what exists is no work, and a queue
that somebody deleted is there again. What exists with other arguments is refused by the broker and never changed
here: an operator moves its messages and deletes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from pamqp.common import FieldTable

from shared.bus.limits import Limits
from shared.bus.topology import EXCHANGE, PARKING_EXCHANGE, Queue

NEVER = 2**31 - 1
"""A delivery limit that is never reached. RabbitMQ 4 drops a message of a queue that states none at the 20th."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Queues and their limits under a prefix, so that several deployments can share one broker."""

    prefix: str
    queues: Sequence[Queue]
    limits: Limits

    @property
    def exchange(self) -> str:
        """The name of the topic exchange on the broker."""
        return self.prefix + EXCHANGE

    @property
    def parking_exchange(self) -> str:
        """The name of the exchange that leads to the parked queues."""
        return self.prefix + PARKING_EXCHANGE

    def on_broker(self, queue: str) -> str:
        """A queue's name on the broker. Raises ValueError for a name that the topology does not know."""
        names = [name for known in self.queues for name in (known.name, known.parked)]
        if queue not in names:
            raise ValueError(f"found queue {queue!r}; expected one of {', '.join(sorted(names))}")
        return self.prefix + queue

    def hears(self, name: str) -> bool:
        """Whether some queue is bound to messages of that name."""
        return any(queue.hears(name) for queue in self.queues)

    async def declare(self, channel: AbstractChannel) -> None:
        """Declare exchanges, queues and bindings. Raises the driver's errors."""
        exchange = await channel.declare_exchange(self.exchange, ExchangeType.TOPIC, durable=True)
        parking = await channel.declare_exchange(self.parking_exchange, ExchangeType.DIRECT, durable=True)
        for queue in self.queues:
            parked = await channel.declare_queue(
                self.on_broker(queue.parked),
                durable=True,
                arguments={"x-queue-type": "quorum", "x-delivery-limit": NEVER},
            )
            await parked.bind(parking, routing_key=parked.name)
            working = await channel.declare_queue(
                self.on_broker(queue.name), durable=True, arguments=self._arguments(queue)
            )
            for message in queue.messages:
                await working.bind(exchange, routing_key=message.name)

    def _arguments(self, queue: Queue) -> FieldTable:
        return {
            "x-queue-type": "quorum",
            # The broker counts repetitions, we count deliveries: the first is no repetition.
            "x-delivery-limit": self.limits.deliveries - 1,
            "x-max-length": self.limits.queue_length,
            # At-least-once dead-lettering demands that a full queue refuses.
            "x-overflow": "reject-publish",
            "x-dead-letter-strategy": "at-least-once",
            "x-dead-letter-exchange": self.parking_exchange,
            "x-dead-letter-routing-key": self.on_broker(queue.parked),
        }
