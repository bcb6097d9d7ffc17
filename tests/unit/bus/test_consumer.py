"""What the consumer tells about messages: enough to find the mistake, nothing of what a partner sent."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

import pytest
import structlog

from shared.bus.bus import Envelope, Park
from shared.bus.consumer import consume_messages
from shared.bus.in_process import InProcessBus
from shared.bus.limits import Limits
from shared.bus.topology import EXPORTER, IMPORTER
from shared.contracts.runs import ArrivalEnded, ExportRequested
from shared.domain.failures import NotFound, StorageUnavailable
from shared.observe.metrics import Metrics
from tests.eventually import eventually

DELIVERIES = 2


async def handled_by(
    handler: Callable[[ExportRequested], Awaitable[None]], *, times: int
) -> tuple[Metrics, list[MutableMapping[str, Any]], ExportRequested]:
    """Metrics and log after a message met the handler that often."""
    bus = InProcessBus(limits=Limits(deliveries=DELIVERIES, first_pause_seconds=0.001))
    message = ExportRequested.model_validate(
        {"message_id": uuid4(), "occurred_at": "2026-01-02T03:04:05Z", "account_id": uuid4(), "run_id": uuid4()}
    )
    await bus.publish(Envelope(message.name, str(message.message_id), message.model_dump_json().encode()))
    metrics = Metrics()
    processors = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=processors) as lines:
        async with consume_messages(bus, EXPORTER, {ExportRequested: handler}, metrics):
            await eventually(lambda: _counted(metrics) >= times, "the message is counted", limit_seconds=20)
    return metrics, lines, message


async def test_a_message_that_was_handled_is_counted_as_done() -> None:
    heard: list[ExportRequested] = []

    async def succeeds(message: ExportRequested) -> None:
        heard.append(message)

    metrics, _, message = await handled_by(succeeds, times=1)
    assert heard == [message]
    assert _count(metrics, "done") == 1


async def test_a_mistake_of_ours_is_logged_with_its_place_but_not_with_its_text() -> None:
    async def fails(_: ExportRequested) -> None:
        raise ValueError("jane@shop.example is no number")

    metrics, lines, message = await handled_by(fails, times=DELIVERIES)
    failed = [line for line in lines if line["event"] == "message.failed"]
    assert _count(metrics, "failed") == DELIVERIES
    assert failed[0]["error"] == "ValueError"
    assert "in fails" in failed[0]["frames"]
    assert failed[0]["run_id"] == str(message.run_id)
    assert "jane" not in str(lines).replace('raise ValueError("jane@shop.example is no number")', "")


async def test_a_failure_is_logged_with_its_code() -> None:
    async def fails(_: ExportRequested) -> None:
        raise NotFound

    metrics, lines, _ = await handled_by(fails, times=DELIVERIES)
    assert _count(metrics, "failed") == DELIVERIES
    assert [line["code"] for line in lines if line["event"] == "message.failed"] == ["not_found"] * DELIVERIES


async def test_an_outage_is_waited_for_with_the_message_in_hand() -> None:
    tries: list[int] = []

    async def fails_a_while(_: ExportRequested) -> None:
        tries.append(1)
        if len(tries) <= DELIVERIES + 1:
            raise StorageUnavailable

    metrics, lines, _ = await handled_by(fails_a_while, times=DELIVERIES + 2)
    assert _count(metrics, "done") == 1, "found it parked after as many tries as a bus makes"
    assert {line["code"] for line in lines if line["event"] == "message.waits"} == {"storage_unavailable"}


async def test_a_message_that_is_given_up_is_counted_once() -> None:
    async def gives_up(_: ExportRequested) -> None:
        raise Park("its run is gone")

    metrics, _, _ = await handled_by(gives_up, times=1)
    assert _count(metrics, "given_up") == 1
    assert _count(metrics, "failed") is None


async def test_what_is_bound_to_a_message_is_unbound_after_it() -> None:
    async def succeeds(_: ExportRequested) -> None:
        assert "run_id" in structlog.contextvars.get_contextvars()

    metrics, _, _ = await handled_by(succeeds, times=1)
    assert _count(metrics, "done") == 1
    assert "run_id" not in structlog.contextvars.get_contextvars()


def test_a_queue_wants_a_handler_for_all_it_hears_and_nothing_else() -> None:
    async def handle(_: object) -> None:
        return None

    with pytest.raises(ValueError, match=r"expects arrival\.ended\.v1, file\.arrived\.v1"):
        consume_messages(InProcessBus(), IMPORTER, {ArrivalEnded: handle}, Metrics())
    with pytest.raises(ValueError, match=r"found handlers for arrival\.ended\.v1, export\.requested\.v1"):
        consume_messages(InProcessBus(), EXPORTER, {ArrivalEnded: handle, ExportRequested: handle}, Metrics())


def _count(metrics: Metrics, outcome: str) -> float | None:
    return metrics.registry.get_sample_value(
        "tidegate_messages_total", {"name": ExportRequested.name, "outcome": outcome}
    )


def _counted(metrics: Metrics) -> float:
    return sum(_count(metrics, outcome) or 0 for outcome in ("done", "failed", "given_up"))
