"""Messages that are lost, doubled or late, and processes that die between the ledger and the bus."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shared.bus.topology import EXCHANGE
from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop, content_of, people
from tests.acceptance.system import System
from tests.eventually import eventually

PEOPLE = 50
COPIES = 2


def numbered(number: int) -> tuple[str, bytes]:
    """A file for the same people whose points tell which files were imported."""
    return f"contacts_{number:02}.csv", content_of(people(PEOPLE, points=2**number))


async def assert_each_imported_once(shop: Shop, files: int) -> None:
    """Every file has one completed run, and everybody the points of each file once."""
    for number in range(files):
        await shop.await_runs(numbered(number)[0], "completed")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {2**files - 1}


@asynccontextmanager
async def doubling(system: System) -> AsyncIterator[list[str]]:
    """While inside, every message on the exchange is published again, twice; the routing keys of those that were."""
    again: list[str] = []
    async with await aio_pika.connect(system.place.bus_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(system.prefix + EXCHANGE)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")

        async def repeat(message: AbstractIncomingMessage) -> None:
            await message.ack()
            if "x-again" in message.headers:
                return
            for _ in range(COPIES):
                copy = aio_pika.Message(
                    message.body,
                    headers={**message.headers, "x-again": True},
                    message_id=message.message_id,
                    type=message.type,
                    content_type=message.content_type,
                    delivery_mode=message.delivery_mode,
                )
                await exchange.publish(copy, message.routing_key or "")
            again.append(message.routing_key or "")

        await queue.consume(repeat)
        yield again


async def parked(system: System) -> int:
    """How many messages were given up."""
    count = 0
    async with await aio_pika.connect(system.place.bus_url) as connection:
        channel = await connection.channel()
        for service in ("poller", "importer", "exporter", "notifier"):
            queue = await channel.get_queue(f"{system.prefix}tidegate.{service}.parked")
            count += queue.declaration_result.message_count or 0
    return count


async def test_every_message_delivered_three_times_does_nothing_twice(
    shop: Shop, system: System, importer: ServiceProcess
) -> None:
    await shop.add_goal()
    async with doubling(system) as again:
        for number in range(5):
            await shop.drop(*numbered(number))
        await assert_each_imported_once(shop, 5)

        def are_told() -> bool:
            return all(again.count(f"{name}.v1") >= 5 for name in ("upload.closed", "file.arrived", "run.finished"))

        await eventually(are_told, "every message said again")
        # A copy that comes when all is done must find nothing to do either.
        await shop.drop(*numbered(5))
        await assert_each_imported_once(shop, 6)
    assert await parked(system) == 0
    for run in await shop.ledger.runs():
        mails = await shop.await_mails(str(run["run_id"]))
        assert len(mails) == 1


async def test_a_poller_killed_before_its_commit_loses_no_file(
    shop: Shop, system: System, importer: ServiceProcess
) -> None:
    await shop.add_goal()
    system.stop(*system.running("poller"))
    doomed = system.start_one("poller", "poller.recorded=kill")
    await shop.drop(*numbered(0))
    assert doomed.await_end() == -signal.SIGKILL
    assert system.was_reached("poller.recorded")
    system.ensure("poller")
    await assert_each_imported_once(shop, 1)


async def test_a_relay_killed_between_the_broker_and_the_ledger_sends_twice_and_nothing_happens_twice(
    shop: Shop, system: System, importer: ServiceProcess
) -> None:
    await shop.add_goal()
    system.stop(*system.running("poller"))
    # It may die of another's message before it says that it is ready.
    doomed = system.launch("poller", "relay.sent=kill")
    # Any service may relay; the poller's own turn comes with one of the first files.
    files = 0
    while doomed.is_running and files < 20:
        await shop.drop(*numbered(files))
        files += 1
        await asyncio.to_thread(_await_end_for_a_moment, doomed)
    assert system.was_reached("relay.sent")
    assert doomed.await_end() == -signal.SIGKILL
    system.ensure("poller")
    await assert_each_imported_once(shop, files)


def _await_end_for_a_moment(process: ServiceProcess) -> None:
    try:
        process.await_end(1)
    except AssertionError:
        return
