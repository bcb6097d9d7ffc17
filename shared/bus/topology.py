"""Which messages go to which service: one topic exchange, one durable queue a service, a parked queue beside each."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.message import Message
from shared.contracts.places import InquiryAsked, NotificationRaised, UploadClosed
from shared.contracts.runs import ArrivalEnded, ExportRequested, FileArrived, ReturnRequested, RunFinished

EXCHANGE = "tidegate"
PARKING_EXCHANGE = "tidegate.parking"
DELIVERY_LIMIT = 10
QUEUE_LENGTH_LIMIT = 100_000
"""Ready messages a queue; a publish beyond it is refused and stays in the outbox, which has room."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A service's queue and what it is bound to."""

    name: str
    messages: tuple[type[Message], ...]

    @property
    def parked(self) -> str:
        """Where messages go that the service failed on too often."""
        return f"{self.name}.parked"

    def hears(self, name: str) -> bool:
        """Whether messages of that name come here."""
        return any(message.name == name for message in self.messages)


POLLER = Queue("tidegate.poller", (UploadClosed, InquiryAsked))
IMPORTER = Queue("tidegate.importer", (FileArrived, ArrivalEnded, ReturnRequested))
EXPORTER = Queue("tidegate.exporter", (ExportRequested,))
NOTIFIER = Queue("tidegate.notifier", (RunFinished, NotificationRaised))
QUEUES = (POLLER, IMPORTER, EXPORTER, NOTIFIER)


def queue_named(name: str, queues: Sequence[Queue]) -> Queue | None:
    """The queue of that name; nothing for a parked queue, which is where messages end."""
    return next((queue for queue in queues if queue.name == name), None)
