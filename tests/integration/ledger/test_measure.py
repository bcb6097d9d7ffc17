"""What the gauges say of the ledger, and that only one process says it."""

import time

from services.poller.measure import measure
from services.poller.sweep import sweep_once
from services.poller.tools import Tools
from shared.bus.bus import Envelope, Park
from shared.bus.topology import IMPORTER
from shared.contracts.runs import FileArrived
from shared.domain.run import RunState
from tests.eventually import eventually
from tests.integration.ledger.conftest import Book


def shown(tools: Tools, name: str, **labels: str) -> float | None:
    return tools.metrics.registry.get_sample_value(name, labels)


async def test_the_gauges_say_what_stands_in_the_ledger(book: Book, tools: Tools) -> None:
    await book.arrive(1)
    await book.finish(await book.claim())
    await book.arrive(2)
    await book.arrive(3)
    await book.claim()
    await measure(tools)

    assert shown(tools, "tidegate_runs_open", kind="import", state="queued") == 1
    assert shown(tools, "tidegate_runs_open", kind="import", state="running") == 1
    assert 0 <= (shown(tools, "tidegate_run_queued_seconds", kind="import") or -1) < 60
    assert abs((shown(tools, "tidegate_run_success_timestamp_seconds", kind="import") or 0) - time.time()) < 60
    assert shown(tools, "tidegate_parked_messages", queue="tidegate.importer") == 0
    assert (shown(tools, "tidegate_outbox_messages") or 0) >= 1


async def test_a_failed_run_is_no_success(book: Book, tools: Tools) -> None:
    await book.arrive(1)
    await book.finish(await book.claim(), RunState.FAILED)
    await measure(tools)
    assert shown(tools, "tidegate_run_success_timestamp_seconds", kind="import") is None


async def test_a_stopped_connection_is_counted_by_its_code(book: Book, tools: Tools) -> None:
    async with book.database.account(book.account_id) as tx:
        await tx.connection.execute("UPDATE tidegate.connections SET stopped_code = 'host_key_changed'")
    await measure(tools)
    assert shown(tools, "tidegate_connections_stopped", code="host_key_changed") == 1


async def test_a_message_that_was_given_up_is_counted(book: Book, tools: Tools) -> None:
    async def refuse(envelope: Envelope) -> None:
        raise Park("no")

    async with tools.bus.consume(IMPORTER.name, refuse):
        await tools.bus.publish(Envelope(FileArrived.name, "1", b"{}"))

        async def is_parked() -> bool:
            return await tools.bus.depth(IMPORTER.parked) == 1

        await eventually(is_parked, "the message is parked")
    await measure(tools)
    assert shown(tools, "tidegate_parked_messages", queue="tidegate.importer") == 1


async def test_who_no_longer_measures_shows_nothing(book: Book, tools: Tools) -> None:
    await sweep_once(tools)
    assert b"tidegate_outbox_messages" in tools.metrics.text()
    tools.metrics.ledger.forget()
    assert b"tidegate_outbox_messages" not in tools.metrics.text()
