"""RabbitMQ unwell: blocked, robbed of its queues and exchanges, closing connections. Files go on by looking."""

import asyncio

import aio_pika
import pytest

from shared.bus.topology import EXCHANGE, PARKING_EXCHANGE, QUEUES
from tests.acceptance.system import System
from tests.eventually import eventually
from tests.faults.outage import Recovery, assert_exactly_once, drop, drop_while, outbox_waits, shop_in
from tests.faults.outage_fixtures import Frail
from tests.faults.report import Table
from tests.real.rabbitmq import USUAL_MEMORY, RabbitServer

AREA = "RabbitMQ"
SEEN = "imported exactly once, every message sent"
FILES = {f"contacts_{number}.csv": 2**number for number in range(3)}


@pytest.fixture
def system(frail: Frail) -> System:
    """The system to ill-treat."""
    return frail.system


async def test_a_memory_alarm_delays_messages_and_no_import(
    system: System, rabbitmq: RabbitServer, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with shop_in(system, request) as shop:
        await asyncio.to_thread(rabbitmq.control, "set_vm_memory_high_watermark", "0")
        try:
            await drop(shop, FILES)
            for name in FILES:
                await shop.await_runs(name, "completed")
            assert await outbox_waits(shop)
        finally:
            usual = ("set_vm_memory_high_watermark", "absolute", USUAL_MEMORY)
            await asyncio.to_thread(rabbitmq.control, *usual)
        seconds = await assert_exactly_once(shop, FILES, Recovery())
    seen = "imported by polling while the outbox waited; every message sent afterwards"
    faults_table.add(
        AREA, "memory alarm", done="memory limit set to 0 until all was imported", seen=seen, seconds=seconds
    )


@pytest.mark.slow
@pytest.mark.parametrize("queue", [each.name for each in QUEUES if each.name != "tidegate.exporter"])
async def test_a_queue_deleted_under_its_consumer_is_there_again(
    system: System, rabbitmq: RabbitServer, queue: str, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with shop_in(system, request) as shop:
        points = await drop_while(shop, _delete(rabbitmq, "queue", system.prefix + queue))
        seconds = await assert_exactly_once(shop, points, Recovery())
        await eventually(lambda: _has_consumer(rabbitmq, system.prefix + queue), "the queue with its consumer")
    faults_table.add(AREA, f"{queue} deleted", done="deleted under its consumer", seen=SEEN, seconds=seconds)


@pytest.mark.slow
async def test_exchanges_that_somebody_deletes_are_there_again(
    system: System, rabbitmq: RabbitServer, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with shop_in(system, request) as shop:
        names = [system.prefix + name for name in (EXCHANGE, PARKING_EXCHANGE)]
        points = await drop_while(shop, _delete(rabbitmq, "exchange", *names))
        seconds = await assert_exactly_once(shop, points, Recovery())
    faults_table.add(AREA, "exchanges deleted", done="both deleted under load", seen=SEEN, seconds=seconds)


@pytest.mark.slow
async def test_connections_that_the_broker_closes_are_opened_again(
    system: System, rabbitmq: RabbitServer, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with shop_in(system, request) as shop:
        points = await drop_while(shop, _close_connections(rabbitmq))
        seconds = await assert_exactly_once(shop, points, Recovery())
    done = "all closed by the broker, three times under load"
    faults_table.add(AREA, "connections closed", done=done, seen=SEEN, seconds=seconds)


async def _delete(rabbitmq: RabbitServer, kind: str, *names: str) -> None:
    async with await aio_pika.connect(rabbitmq.url) as connection:
        channel = await connection.channel()
        for name in names:
            await (channel.queue_delete(name) if kind == "queue" else channel.exchange_delete(name))


async def _close_connections(rabbitmq: RabbitServer) -> None:
    for _ in range(3):
        await asyncio.to_thread(rabbitmq.control, "close_all_connections", "closed by a test")


async def _has_consumer(rabbitmq: RabbitServer, queue: str) -> bool:
    listed = await asyncio.to_thread(rabbitmq.control, "list_queues", "name", "consumers", "--no-table-headers")
    return any(line.split() == [queue, "1"] for line in listed.splitlines())
