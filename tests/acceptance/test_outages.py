"""The broker dies in the middle of a stream of files and comes back: everything is imported, exactly once."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import make_operator_key, own_system
from tests.acceptance.shop import content_of, open_shop, people
from tests.acceptance.system import SERVICES, System
from tests.real.postgres import PrivatePostgres
from tests.real.rabbitmq import REMEMBERS_QUEUES_AFTER_SECONDS, RabbitServer, private_rabbitmq

FILES = 12
PEOPLE = 50


@pytest.fixture
def broker() -> Iterator[RabbitServer]:
    """A broker to ill-treat."""
    with private_rabbitmq() as server:
        yield server


@pytest.fixture
def doomed(postgres_server: PrivatePostgres, template_database: str, broker: RabbitServer) -> Iterator[System]:
    """A system on that broker, which remembers its queues."""
    with own_system(postgres_server, template_database, broker) as system:
        system.start(*SERVICES, "importer")
        time.sleep(REMEMBERS_QUEUES_AFTER_SECONDS)
        yield system


async def test_a_killed_broker_costs_time_and_nothing_else(doomed: System, broker: RabbitServer) -> None:
    async with open_shop(doomed, await make_operator_key(doomed.place)) as shop:
        await shop.add_goal()
        for number in range(FILES):
            await shop.drop(f"contacts_{number:02}.csv", content_of(people(PEOPLE, points=number + 1)))
            if number == FILES // 3:
                broker.kill()
            if number == 2 * FILES // 3:
                await asyncio.to_thread(broker.start)
        for number in range(FILES):
            await shop.await_runs(f"contacts_{number:02}.csv", "completed")
        await shop.await_quiet()
        assert set((await shop.points()).values()) == {FILES * (FILES + 1) // 2}
        assert await shop.names() == [f"contacts_{number:02}.csv.done" for number in range(FILES)]
