"""What only a broker can do to us: die, freeze, forget its queues, be absent; and processes that die on a message."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aio_pika
import pytest

from shared.bus.bus import Envelope
from shared.bus.rabbitmq import RabbitBus
from shared.domain.failures import BusUnavailable
from tests.eventually import eventually
from tests.integration.bus.conftest import OpenRabbitBus, new_prefix, on_broker
from tests.integration.bus.messages import IMPORTER, QUEUES, SWIFT, Listener, file_arrived
from tests.real.rabbitmq import REMEMBERS_QUEUES_AFTER_SECONDS, RabbitServer, private_rabbitmq


@pytest.fixture(scope="module")
def server() -> Iterator[RabbitServer]:
    """A broker that these tests may ill-treat without harm to others."""
    with private_rabbitmq() as one:
        yield one


@pytest.fixture
def open_rabbit_bus(server: RabbitServer) -> OpenRabbitBus:
    """A maker of buses on that broker."""
    return on_broker(server)


@asynccontextmanager
async def doomed_consumer(url: str, prefix: str) -> AsyncIterator[str]:
    """A consumer in another process that has a message in hand; on leaving it is killed with SIGKILL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.bus.doomed_consumer", url, prefix, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        while b" " in (line := await asyncio.wait_for(process.stdout.readline(), 30)):
            continue  # a line of the log, not an id
        yield line.decode().strip()
    finally:
        process.kill()
        await asyncio.wait_for(process.communicate(), 10)


async def test_what_a_killed_process_had_in_hand_comes_again(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    envelope, prefix, successor = file_arrived(), new_prefix(), Listener()
    async with open_rabbit_bus(prefix=prefix) as bus:
        await bus.publish(envelope)
        async with doomed_consumer(server.url, prefix) as message_id:
            assert message_id == envelope.message_id
        async with bus.consume(IMPORTER.name, successor):
            await eventually(lambda: bool(successor.heard), "the successor gets it")
    assert successor.heard == [envelope]


async def test_a_message_that_kills_its_consumers_is_parked_by_the_broker(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    prefix = new_prefix()
    async with open_rabbit_bus(prefix=prefix) as bus:
        await bus.publish(file_arrived())
        for _ in range(SWIFT.deliveries):
            async with doomed_consumer(server.url, prefix):
                pass
        await eventually(lambda: _has_depth(bus, IMPORTER.parked, 1), "the broker parks it")
        assert await bus.depth(IMPORTER.name) == 0


async def test_confirmed_messages_survive_kill_9_and_consumption_goes_on(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    confirmed: set[str] = set()
    listener = Listener(holding=True)
    clock = asyncio.get_running_loop()
    async with open_rabbit_bus() as bus, bus.consume(IMPORTER.name, listener, prefetch=4):
        declared_at = clock.time()
        publishers = [asyncio.create_task(_publish_until_refused(bus, confirmed)) for _ in range(10)]
        await eventually(
            lambda: len(confirmed) > 200 and clock.time() - declared_at > REMEMBERS_QUEUES_AFTER_SECONDS,
            "publishing is under way on queues that the broker remembers",
        )
        await asyncio.to_thread(server.kill)
        try:
            await asyncio.wait_for(asyncio.gather(*publishers), 30)
            assert not bus.is_ready()
            with pytest.raises(BusUnavailable):
                await bus.publish(file_arrived())
            assert not listener.was_cancelled  # an outage breaks off no handler
        finally:
            await asyncio.to_thread(server.start)
        await bus.wait_until_ready(30)
        after = file_arrived()
        await bus.publish(after)
        listener.gate.set()
        await eventually(lambda: confirmed | {after.message_id} <= set(listener.ids), "all that was confirmed arrives")
    assert listener.most_inside <= 4


async def test_a_broker_that_stops_in_good_order_is_waited_for(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    envelope, listener = file_arrived(), Listener()
    async with open_rabbit_bus() as bus:
        await bus.publish(envelope)
        await asyncio.to_thread(server.stop)
        try:
            await eventually(lambda: not bus.is_ready(), "the bus notices")
            with pytest.raises(BusUnavailable):
                await bus.depth(IMPORTER.name)
            async with bus.consume(IMPORTER.name, listener):  # a consumer that begins during the outage
                await asyncio.to_thread(server.start)
                await eventually(lambda: listener.heard == [envelope], "it is served when the broker is back")
        finally:
            if not await asyncio.to_thread(server.is_running):
                await asyncio.to_thread(server.start)


async def test_a_bus_opens_before_its_broker_is_up() -> None:
    async with RabbitBus.open("amqp://guest:guest@127.0.0.1:1/", queues=QUEUES, limits=SWIFT) as bus:
        assert not bus.is_ready()
        with pytest.raises(BusUnavailable):
            await bus.publish(file_arrived())
        with pytest.raises(BusUnavailable, match=r"within 0\.1 seconds"):
            await bus.wait_until_ready(0.1)


async def test_a_frozen_broker_does_not_hold_a_publish_for_ever(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    clock = asyncio.get_running_loop()
    async with open_rabbit_bus(limits=replace(SWIFT, publish_timeout_seconds=1)) as bus:
        server.freeze()
        try:
            began_at = clock.time()
            with pytest.raises(BusUnavailable, match="no answer in time"):
                await bus.publish(file_arrived())
            assert clock.time() - began_at < 5
            await eventually(lambda: not bus.is_ready(), "the bus gives the silent connection up")
        finally:
            server.thaw()
        await eventually(lambda: _publishes(bus, file_arrived()), "it publishes again")


async def test_a_deleted_queue_is_declared_again_and_consumed(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    listener, prefix = Listener(), new_prefix()
    async with open_rabbit_bus(prefix=prefix) as bus, bus.consume(IMPORTER.name, listener):
        await bus.publish(file_arrived())
        await eventually(lambda: len(listener.heard) == 1, "the consumer is at work")
        await _delete_queue(server.url, prefix + IMPORTER.name)
        await eventually(lambda: _reaches(bus, listener, 2), "a message reaches the consumer of the new queue")


async def test_a_publisher_brings_a_deleted_queue_back_by_itself(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    prefix = new_prefix()
    ended = Envelope("arrival.ended.v1", "1", b"{}")
    async with open_rabbit_bus(prefix=prefix) as bus:
        await _delete_queue(server.url, prefix + IMPORTER.name)
        with pytest.raises(BusUnavailable):
            await bus.publish(ended)
        await eventually(lambda: _publishes(bus, ended), "the queue is there again")
        await eventually(lambda: _has_depth(bus, IMPORTER.name, 1), "and has the message")


async def test_a_queue_that_exists_otherwise_is_left_alone_and_keeps_the_bus_from_being_ready(
    open_rabbit_bus: OpenRabbitBus, server: RabbitServer
) -> None:
    prefix = new_prefix()
    async with open_rabbit_bus(prefix=prefix):
        other = replace(SWIFT, queue_length=7)
        async with RabbitBus.open(server.url, prefix=prefix, queues=QUEUES, limits=other) as bus:
            with pytest.raises(BusUnavailable):
                await bus.wait_until_ready(1)


async def test_the_same_message_twice_at_once_is_not_confirmed_by_mistake(open_rabbit_bus: OpenRabbitBus) -> None:
    envelope = file_arrived()
    async with open_rabbit_bus() as bus:
        answers = await asyncio.gather(bus.publish(envelope), bus.publish(envelope), return_exceptions=True)
    assert answers[0] is None
    assert isinstance(answers[1], BusUnavailable)


@pytest.mark.parametrize("url", ["", "http://broker/", "amqp:///", "broker:5672"])
async def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="found no broker's address"):
        async with RabbitBus.open(url):
            pass


async def _publish_until_refused(bus: RabbitBus, confirmed: set[str]) -> None:
    """Publish at a measured pace, so that reading everything back afterwards takes no longer than the kill."""
    while True:
        envelope = file_arrived()
        try:
            await bus.publish(envelope)
        except BusUnavailable:
            return
        confirmed.add(envelope.message_id)
        await asyncio.sleep(0.02)


async def _delete_queue(url: str, name: str) -> None:
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        await channel.queue_delete(name, if_unused=False, if_empty=False)


async def _publishes(bus: RabbitBus, envelope: Envelope) -> bool:
    try:
        await bus.publish(envelope)
    except BusUnavailable:
        return False
    return True


async def _reaches(bus: RabbitBus, listener: Listener, count: int) -> bool:
    return await _publishes(bus, file_arrived()) and len(listener.heard) >= count


async def _has_depth(bus: RabbitBus, queue: str, depth: int) -> bool:
    return await bus.depth(queue) == depth
