"""A consumer in a process of its own, made to be killed: takes one message in hand, says so, and never lets go."""

import asyncio
import sys

from shared.bus.bus import Envelope
from shared.bus.rabbitmq import RabbitBus
from tests.integration.bus.messages import IMPORTER, QUEUES, SWIFT


async def main(url: str, prefix: str) -> None:
    """Hold what comes until somebody kills the process."""

    async def hold(envelope: Envelope) -> None:
        sys.stdout.write(f"{envelope.message_id}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    async with (
        RabbitBus.open(url, prefix=prefix, queues=QUEUES, limits=SWIFT) as bus,
        bus.consume(IMPORTER.name, hold, prefetch=1),
    ):
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
