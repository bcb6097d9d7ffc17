"""The bus of the all-in-one process: queues in memory, with the promises and the refusals of the real one.

It deliberately keeps nothing across a restart: the ledger and the outbox do, and ring again. It lives in one event
loop and must not be shared between threads.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from shared.bus.alongside import alongside
from shared.bus.bus import Envelope, Handler
from shared.bus.fate import Fate, judge
from shared.bus.limits import Limits
from shared.bus.topology import QUEUES, Queue, queue_named
from shared.domain.failures import BusUnavailable
from shared.observe.cancellation import heed_cancellation

log = structlog.stdlib.get_logger()


@dataclass(slots=True)
class _Copy:
    """One queue's copy of an envelope, and how often a handler failed on it."""

    envelope: Envelope
    failures: int = 0


@dataclass(slots=True)
class _Line:
    """The copies that wait in one queue. The semaphore counts them, so that takers can wait."""

    waiting: deque[_Copy] = field(default_factory=deque)
    count: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def put(self, copy: _Copy) -> None:
        self.waiting.append(copy)
        self.count.release()

    async def take(self) -> _Copy:
        await self.count.acquire()
        return self.waiting.popleft()


class InProcessBus:
    """A bus without a broker. Ready from the moment it is made."""

    def __init__(self, *, queues: Sequence[Queue] = QUEUES, limits: Limits | None = None) -> None:
        self._queues = tuple(queues)
        self._limits = limits or Limits()
        self._lines = {name: _Line() for queue in self._queues for name in (queue.name, queue.parked)}

    async def publish(self, envelope: Envelope) -> None:
        """Put a copy into every bound queue, or into none. Raises BusUnavailable when one is full or there is none."""
        lines = [self._lines[queue.name] for queue in self._queues if queue.hears(envelope.name)]
        if not lines:
            raise BusUnavailable(f"Found no queue that is bound to {envelope.name}; expected at least one.")
        if any(len(line.waiting) >= self._limits.queue_length for line in lines):
            raise BusUnavailable(f"A queue for {envelope.name} holds {self._limits.queue_length} messages and is full.")
        for line in lines:
            line.put(_Copy(envelope))

    @asynccontextmanager
    async def consume(self, queue: str, handler: Handler, *, prefetch: int = 8) -> AsyncIterator[None]:
        """Hand the queue's messages to the handler while inside, `prefetch` at a time. See `Bus.consume`."""
        line = self._line(queue)
        owner = queue_named(queue, self._queues)
        parking = self._lines[owner.parked] if owner else None
        async with alongside(*(self._work(queue, line, parking, handler) for _ in range(prefetch))):
            yield

    async def depth(self, queue: str) -> int:
        """How many messages are ready in a queue."""
        return len(self._line(queue).waiting)

    def parked(self, queue: Queue) -> tuple[Envelope, ...]:
        """What was parked beside a queue, oldest first."""
        return tuple(copy.envelope for copy in self._lines[queue.parked].waiting)

    def is_ready(self) -> bool:
        """Always: there is nobody to wait for."""
        return True

    def _line(self, queue: str) -> _Line:
        line = self._lines.get(queue)
        if line is None:
            raise ValueError(f"found queue {queue!r}; expected one of {', '.join(sorted(self._lines))}")
        return line

    async def _work(self, queue: str, line: _Line, parking: _Line | None, handler: Handler) -> None:
        """Take one copy after the other. A cancelled worker puts back what it has in hand."""
        while True:
            heed_cancellation()
            copy = await line.take()
            target: _Line | None = line
            try:
                target = await self._handle(queue, copy, line, parking, handler)
            finally:
                if target is not None:
                    target.put(copy)

    async def _handle(
        self, queue: str, copy: _Copy, line: _Line, parking: _Line | None, handler: Handler
    ) -> _Line | None:
        """Hand one copy to the handler and say where it goes afterwards: nowhere, back, or into the parked queue."""
        may_come_again = parking is None or copy.failures + 1 < self._limits.deliveries
        judgement = await judge(handler, copy.envelope, may_come_again=may_come_again)
        if judgement.fate is Fate.DONE:
            return None
        copy.failures += 1
        facts = {
            "queue": queue,
            "message": copy.envelope.name,
            "message_id": copy.envelope.message_id,
            "failures": copy.failures,
            "error": judgement.error,
        }
        if judgement.fate is Fate.PARKED and parking is not None:
            log.error("bus.message_parked", **facts)
            copy.failures = 0
            return parking
        log.warning("bus.message_returned", **facts)
        await asyncio.sleep(self._limits.pause_seconds(copy.failures))
        return line
