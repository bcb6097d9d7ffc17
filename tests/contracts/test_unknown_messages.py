"""Two releases on one bus: what only the newer one knows is parked by the older, and what it added is ignored."""

import asyncio
import json
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from shared.bus.bus import Envelope
from shared.bus.consumer import consume_messages
from shared.bus.in_process import InProcessBus
from shared.bus.topology import EXPORTER, Queue
from shared.contracts.message import Message
from shared.contracts.runs import ExportRequested
from shared.observe.metrics import Metrics
from tests.eventually import eventually

EXAMPLE = json.loads((Path(__file__).parent / "examples" / "export.requested.v1.json").read_bytes())


class ExportRequestedOfTomorrow(Message):
    """As a newer release sends it, beside the one that we know."""

    name: ClassVar[str] = "export.requested.v2"
    run_ids: list[UUID]


async def test_an_older_consumer_parks_what_is_too_new_and_goes_on() -> None:
    newer = Queue(EXPORTER.name, (*EXPORTER.messages, ExportRequestedOfTomorrow))
    bus = InProcessBus(queues=(newer,))
    heard: list[ExportRequested] = []

    async def hear(message: ExportRequested) -> None:
        heard.append(message)

    too_new = {**EXAMPLE, "run_ids": [EXAMPLE["run_id"]]}
    grown = {**EXAMPLE, "priority": {"invented": "later"}}
    async with consume_messages(bus, EXPORTER, {ExportRequested: hear}, Metrics()):
        await bus.publish(Envelope(ExportRequestedOfTomorrow.name, "1", json.dumps(too_new).encode()))
        await bus.publish(Envelope(ExportRequested.name, "2", json.dumps(grown).encode()))
        async with asyncio.timeout(30):
            await eventually(lambda: len(heard) == 1, "the known message to be heard")
    assert heard[0].model_dump(mode="json") == EXAMPLE
    assert await bus.depth(EXPORTER.parked) == 1
