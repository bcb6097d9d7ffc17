"""Queues, envelopes and a listener for tests of the buses."""

import asyncio
from collections import Counter
from typing import ClassVar
from uuid import uuid4

from shared.bus.bus import Envelope
from shared.bus.limits import Limits
from shared.bus.topology import Queue
from shared.contracts.message import Message
from shared.contracts.runs import ArrivalEnded, FileArrived


class FileArrivedNext(Message):
    """A version of tomorrow, which today's catalogue does not know."""

    name: ClassVar[str] = "file.arrived.v9"


IMPORTER = Queue("tidegate.importer", (FileArrived, ArrivalEnded, FileArrivedNext))
AUDITOR = Queue("tidegate.auditor", (FileArrived,))
QUEUES = (IMPORTER, AUDITOR)

SWIFT = Limits(
    deliveries=3,
    first_pause_seconds=0.01,
    longest_pause_seconds=0.05,
    publish_timeout_seconds=5,
    connect_timeout_seconds=3,
    reconnect_seconds=0.2,
)


def file_arrived() -> Envelope:
    """An envelope as the outbox relay makes it."""
    message = FileArrived.model_validate(
        {"message_id": uuid4(), "occurred_at": "2026-01-02T03:04:05Z", "account_id": uuid4(), "run_id": uuid4()}
    )
    return Envelope(message.name, str(message.message_id), message.model_dump_json().encode())


class Listener:
    """A handler that keeps what it was given. It fails while `failing`, and holds messages while `gate` is shut."""

    def __init__(self, *, failing: bool = False, holding: bool = False) -> None:
        self.heard: list[Envelope] = []
        self.failing = failing
        self.gate = asyncio.Event()
        if not holding:
            self.gate.set()
        self.inside = 0
        self.most_inside = 0
        self.was_cancelled = False

    async def __call__(self, envelope: Envelope) -> None:
        self.heard.append(envelope)
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        finally:
            self.inside -= 1
        if self.failing:
            raise RuntimeError("this handler fails on purpose")

    @property
    def ids(self) -> Counter[str]:
        """How often each message was heard."""
        return Counter(envelope.message_id for envelope in self.heard)
