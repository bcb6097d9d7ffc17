"""Both buses behind one door: a test asks for an open bus with limits of its own and does not see which it has."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import aio_pika
import pytest

from shared.bus.bus import Bus
from shared.bus.in_process import InProcessBus
from shared.bus.limits import Limits
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import EXCHANGE, PARKING_EXCHANGE, Queue
from tests.integration.bus.messages import QUEUES, SWIFT
from tests.real.rabbitmq import RabbitServer

OpenBus = Callable[..., AbstractAsyncContextManager[Bus]]


def new_prefix() -> str:
    """A prefix for one test's exchanges and queues on the shared broker."""
    return f"{uuid4().hex[:8]}."


@pytest.fixture(params=["in_process", "rabbitmq"])
def open_bus(request: pytest.FixtureRequest) -> OpenBus:
    """A maker of buses of one kind, each empty at first."""
    return _in_process if request.param == "in_process" else request.getfixturevalue("open_rabbit_bus")


@pytest.fixture
def open_rabbit_bus(rabbitmq: RabbitServer) -> OpenBus:
    """A maker of buses on the real broker; on leaving, what it declared is gone."""

    @asynccontextmanager
    async def on_rabbitmq(
        *, limits: Limits = SWIFT, queues: Sequence[Queue] = QUEUES, prefix: str = ""
    ) -> AsyncIterator[RabbitBus]:
        prefix = prefix or new_prefix()
        try:
            async with RabbitBus.open(rabbitmq.url, prefix=prefix, queues=queues, limits=limits) as bus:
                await bus.wait_until_ready(20)
                yield bus
        finally:
            await _delete(rabbitmq.url, prefix, queues)

    return on_rabbitmq


@asynccontextmanager
async def _in_process(*, limits: Limits = SWIFT, queues: Sequence[Queue] = QUEUES) -> AsyncIterator[InProcessBus]:
    yield InProcessBus(queues=queues, limits=limits)


async def _delete(url: str, prefix: str, queues: Sequence[Queue]) -> None:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        for queue in queues:
            for name in (queue.name, queue.parked):
                # Quorum queues know neither condition, and refuse even to hear of them.
                await channel.queue_delete(prefix + name, if_unused=False, if_empty=False)
        for exchange in (EXCHANGE, PARKING_EXCHANGE):
            await channel.exchange_delete(prefix + exchange)
