"""The small protocol behind which RabbitMQ and the in-process bus look the same.

A bus carries envelopes from the outbox to the queues of the services. It keeps the promises that both can keep:
what was confirmed is delivered at least once to every bound queue, in no particular order; what a consumer
fails on is delivered again, at most `Limits.deliveries` times in all, and is then parked, never dropped. Queues
are named as in `topology`; a queue's parked queue can be consumed and measured like any other.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on the wire: the routing key and the JSON body."""

    name: str
    message_id: str
    body: bytes


Handler = Callable[[Envelope], Awaitable[None]]
"""Returns when the message is done with (it is acknowledged then); raises when it should come again."""


class Park(Exception):
    """Raised by a handler for a message that no repetition can help: it is parked at once."""


class Bus(Protocol):
    """Sends envelopes and hands them to consumers."""

    async def publish(self, envelope: Envelope) -> None:
        """Send and wait for the broker's word that the message is safe in every bound queue.

        Raises BusUnavailable when it was not confirmed in time, when a bound queue is full, and when no queue is
        bound to the envelope's name; it may have arrived nevertheless.
        """
        ...

    def consume(self, queue: str, handler: Handler, *, prefetch: int = 8) -> AbstractAsyncContextManager[None]:
        """While inside, hand the queue's messages to the handler, at most `prefetch` at a time.

        Survives outages of the broker: consumption goes on when it returns. On leaving, running handlers are
        cancelled, and what they had in hand goes back to the queue. Raises ValueError for a queue that the topology
        does not know.
        """
        ...

    async def depth(self, queue: str) -> int:
        """How many messages are ready in a queue: neither in a handler's hands nor parked. Raises BusUnavailable."""
        ...

    def is_ready(self) -> bool:
        """Whether messages can be sent just now."""
        ...
