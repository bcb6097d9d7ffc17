"""Both buses behind one door: a test asks for an open bus with limits of its own and does not see which it has."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import pytest

from shared.bus.bus import Bus
from shared.bus.in_process import InProcessBus
from shared.bus.limits import Limits
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import Queue
from tests.integration.bus.messages import QUEUES, SWIFT
from tests.real.rabbitmq import RabbitServer

OpenBus = Callable[..., AbstractAsyncContextManager[Bus]]
OpenRabbitBus = Callable[..., AbstractAsyncContextManager[RabbitBus]]


@pytest.fixture(params=["in_process", "rabbitmq"])
def open_bus(request: pytest.FixtureRequest) -> OpenBus:
    """A maker of buses of one kind, each empty at first."""
    if request.param == "in_process":
        return _in_process
    return on_broker(request.getfixturevalue("rabbitmq"))


def new_prefix() -> str:
    """A prefix for one test's exchanges and queues on a shared broker."""
    return f"{uuid4().hex[:8]}."


def on_broker(server: RabbitServer) -> OpenRabbitBus:
    """A maker of buses on a real broker, under a new prefix unless one is given.

    What they declare is left behind: RabbitMQ 3.10.8 may go down as a whole when a quorum queue is deleted in the
    moment in which its dead-lettering starts, and the broker is gone after the tests anyway.
    """

    @asynccontextmanager
    async def open_one(
        *, limits: Limits = SWIFT, queues: Sequence[Queue] = QUEUES, prefix: str = ""
    ) -> AsyncIterator[RabbitBus]:
        async with RabbitBus.open(server.url, prefix=prefix or new_prefix(), queues=queues, limits=limits) as bus:
            await bus.wait_until_ready(20)
            yield bus

    return open_one


@asynccontextmanager
async def _in_process(*, limits: Limits = SWIFT, queues: Sequence[Queue] = QUEUES) -> AsyncIterator[InProcessBus]:
    yield InProcessBus(queues=queues, limits=limits)
