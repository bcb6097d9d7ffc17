"""What every bus promises, asked of both: RabbitMQ for real, and the one in memory."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
import structlog

from shared.bus.bus import Bus, Envelope, Park
from shared.bus.consumer import consume_messages
from shared.domain.failures import BusUnavailable
from shared.observe.metrics import Metrics
from tests.eventually import eventually
from tests.integration.bus.conftest import OpenBus
from tests.integration.bus.messages import AUDITOR, IMPORTER, SWIFT, FileArrivedNext, Listener, file_arrived


async def test_a_confirmed_message_is_in_every_bound_queue_with_its_body_intact(open_bus: OpenBus) -> None:
    importer, auditor = Listener(), Listener()
    envelope = file_arrived()
    async with open_bus() as bus:
        await bus.publish(envelope)
        async with bus.consume(IMPORTER.name, importer), bus.consume(AUDITOR.name, auditor):
            await eventually(lambda: bool(importer.heard and auditor.heard), "both queues hear the message")
    assert importer.heard == [envelope]
    assert auditor.heard == [envelope]


async def test_a_message_goes_only_where_its_name_is_bound(open_bus: OpenBus) -> None:
    ended = Envelope("arrival.ended.v1", "1", b"{}")
    async with open_bus() as bus:
        await bus.publish(ended)
        await eventually(lambda: _has_depth(bus, IMPORTER.name, 1), "the importer's queue has it")
        assert await bus.depth(AUDITOR.name) == 0


async def test_a_doubled_message_is_delivered_twice_and_both_are_done_with(open_bus: OpenBus) -> None:
    envelope, next_one, later = file_arrived(), file_arrived(), file_arrived()
    first, second = Listener(), Listener()
    async with open_bus() as bus:
        await bus.publish(envelope)
        await bus.publish(envelope)
        await bus.publish(next_one)
        async with bus.consume(IMPORTER.name, first, prefetch=1):
            # Who has the next one in hand is done with those before it; that one may come again.
            await eventually(lambda: len(first.heard) == 3, "it comes twice, and the next one")
        await bus.publish(later)
        async with bus.consume(IMPORTER.name, second):
            await eventually(lambda: later in second.heard, "the last one comes")
    assert first.heard == [envelope, envelope, next_one]
    assert envelope not in second.heard


async def test_many_handlers_at_once_get_all_messages_in_whatever_order(open_bus: OpenBus) -> None:
    envelopes = [file_arrived() for _ in range(200)]
    listener = Listener()
    async with open_bus() as bus:
        await asyncio.gather(*(bus.publish(envelope) for envelope in envelopes))
        async with bus.consume(IMPORTER.name, listener, prefetch=20), bus.consume(IMPORTER.name, listener, prefetch=20):
            await eventually(lambda: len(listener.heard) >= 200, "all arrive")
    assert listener.ids == Counter(envelope.message_id for envelope in envelopes)


async def test_a_consumer_has_no_more_in_hand_than_its_prefetch(open_bus: OpenBus) -> None:
    listener = Listener(holding=True)
    async with open_bus() as bus:
        for _ in range(6):
            await bus.publish(file_arrived())
        async with bus.consume(IMPORTER.name, listener, prefetch=2):
            await eventually(lambda: listener.inside == 2, "two are in hand")
            await eventually(lambda: _has_depth(bus, IMPORTER.name, 4), "the others wait")
            listener.gate.set()
            await eventually(lambda: len(listener.heard) == 6, "all are handled")
    assert listener.most_inside == 2


async def test_a_message_whose_handler_failed_comes_again(open_bus: OpenBus) -> None:
    envelope = file_arrived()
    listener = Listener(failing=True)

    async def fails_once(heard: Envelope) -> None:
        try:
            await listener(heard)
        finally:
            listener.failing = False

    async with open_bus() as bus:
        await bus.publish(envelope)
        async with bus.consume(IMPORTER.name, fails_once):
            await eventually(lambda: len(listener.heard) == 2, "it comes again")
        assert await bus.depth(IMPORTER.parked) == 0
    assert listener.heard == [envelope, envelope]


async def test_a_message_that_fails_every_time_is_parked_after_the_limit_with_its_body_intact(
    open_bus: OpenBus,
) -> None:
    envelope = file_arrived()
    failing, parked = Listener(failing=True), Listener()
    async with open_bus() as bus:
        await bus.publish(envelope)
        async with bus.consume(IMPORTER.name, failing):
            await eventually(lambda: _has_depth(bus, IMPORTER.parked, 1), "it is parked")
        assert await bus.depth(IMPORTER.name) == 0
        async with bus.consume(IMPORTER.parked, parked):
            await eventually(lambda: bool(parked.heard), "the parked queue hands it out")
    assert len(failing.heard) == SWIFT.deliveries
    assert parked.heard == [envelope]


async def test_a_failing_message_does_not_hold_up_the_others(open_bus: OpenBus) -> None:
    bad, good = file_arrived(), [file_arrived() for _ in range(5)]
    done: list[Envelope] = []

    async def fails_on_the_bad_one(heard: Envelope) -> None:
        if heard == bad:
            raise RuntimeError("this handler fails on purpose")
        done.append(heard)

    async with open_bus() as bus:
        for envelope in (bad, *good):
            await bus.publish(envelope)
        async with bus.consume(IMPORTER.name, fails_on_the_bad_one, prefetch=2):
            await eventually(lambda: _has_depth(bus, IMPORTER.parked, 1), "the bad one is parked")
            await eventually(lambda: len(done) == 5, "the good ones are done")
    assert {one.message_id for one in done} == {one.message_id for one in good}


async def test_a_handler_can_park_a_message_at_once(open_bus: OpenBus) -> None:
    heard: list[Envelope] = []

    async def parks(envelope: Envelope) -> None:
        heard.append(envelope)
        raise Park("no repetition can help")

    async with open_bus() as bus:
        await bus.publish(file_arrived())
        async with bus.consume(IMPORTER.name, parks):
            await eventually(lambda: _has_depth(bus, IMPORTER.parked, 1), "it is parked")
    assert len(heard) == 1


async def test_a_parked_message_stays_however_often_handling_it_fails(open_bus: OpenBus) -> None:
    envelope = file_arrived()
    parked = Listener(failing=True)

    async def parks(_: Envelope) -> None:
        raise Park("no repetition can help")

    async with open_bus() as bus:
        await bus.publish(envelope)
        async with bus.consume(IMPORTER.name, parks):
            await eventually(lambda: _has_depth(bus, IMPORTER.parked, 1), "it is parked")
        async with bus.consume(IMPORTER.parked, parked):
            await eventually(lambda: len(parked.heard) > 2 * SWIFT.deliveries, "it fails again and again")
        await eventually(lambda: _has_depth(bus, IMPORTER.parked, 1), "it is still there")
    assert set(parked.heard) == {envelope}


async def test_what_a_cancelled_consumer_had_in_hand_comes_again(open_bus: OpenBus) -> None:
    envelopes = [file_arrived() for _ in range(3)]
    cancelled, successor = Listener(holding=True), Listener()
    async with open_bus() as bus:
        for envelope in envelopes:
            await bus.publish(envelope)
        async with bus.consume(IMPORTER.name, cancelled, prefetch=2):
            await eventually(lambda: cancelled.inside == 2, "two are in hand")
        assert cancelled.was_cancelled
        assert cancelled.inside == 0
        async with bus.consume(IMPORTER.name, successor):
            await eventually(lambda: len(successor.heard) == 3, "the successor gets all three")
    assert successor.ids == Counter(envelope.message_id for envelope in envelopes)


async def test_an_error_in_a_consumers_block_leaves_it_as_itself(open_bus: OpenBus) -> None:
    async with open_bus() as bus:
        with pytest.raises(LookupError, match="the service stops"):
            async with bus.consume(IMPORTER.name, Listener()):
                raise LookupError("the service stops")


async def test_a_full_queue_refuses_and_takes_again_when_it_was_emptied(open_bus: OpenBus) -> None:
    listener = Listener()
    confirmed: list[str] = []
    async with open_bus(limits=replace(SWIFT, queue_length=5), queues=(IMPORTER,)) as bus:
        with pytest.raises(BusUnavailable):
            await _publish_until_refused(bus, confirmed)
        assert len(confirmed) >= 5
        async with bus.consume(IMPORTER.name, listener):
            await eventually(lambda: set(confirmed) <= set(listener.ids), "everything confirmed arrives")
            await eventually(lambda: _takes(bus), "it takes messages again")


async def test_a_full_queue_takes_back_what_failed_in_a_handler(open_bus: OpenBus) -> None:
    envelope = file_arrived()
    listener = Listener(failing=True, holding=True)
    async with open_bus(limits=replace(SWIFT, queue_length=2), queues=(IMPORTER,)) as bus:
        await bus.publish(envelope)
        async with bus.consume(IMPORTER.name, listener, prefetch=1):
            await eventually(lambda: listener.inside == 1, "one is in hand")
            with pytest.raises(BusUnavailable):
                await _publish_until_refused(bus, [])
            listener.gate.set()
            await eventually(lambda: listener.ids[envelope.message_id] == SWIFT.deliveries, "it comes again")


async def test_a_message_that_no_queue_is_bound_to_is_refused(open_bus: OpenBus) -> None:
    async with open_bus() as bus:
        with pytest.raises(BusUnavailable):
            await bus.publish(Envelope("nobody.listens.v1", "1", b"{}"))
        await bus.publish(file_arrived())  # and that leaves the bus as it was


async def test_an_unknown_queue_is_a_mistake_and_says_so(open_bus: OpenBus) -> None:
    async with open_bus() as bus:
        with pytest.raises(ValueError, match=r"tidegate\.importer"):
            await bus.depth("tidegate.imprter")
        with pytest.raises(ValueError, match=r"tidegate\.importer"):
            async with bus.consume("tidegate.imprter", Listener()):
                pass


async def test_an_unknown_version_and_an_unreadable_body_are_parked_at_once(open_bus: OpenBus) -> None:
    known = file_arrived()
    next_version = Envelope(FileArrivedNext.name, "2", b"{}")
    unreadable = Envelope(known.name, "3", b'{"secret": "jane@shop.example"')
    handled: list[object] = []
    parked = Listener()
    metrics = Metrics()

    async def handle(message: object) -> None:
        handled.append(message)

    async with open_bus(queues=(IMPORTER,)) as bus:
        for envelope in (next_version, unreadable, known):
            await bus.publish(envelope)
        handlers = dict.fromkeys(IMPORTER.messages, handle)
        with structlog.testing.capture_logs() as lines:
            async with consume_messages(bus, IMPORTER, handlers, metrics):
                await eventually(lambda: _has_depth(bus, IMPORTER.parked, 2), "both are parked")
                await eventually(lambda: len(handled) == 1, "the readable one is handled")
        async with bus.consume(IMPORTER.parked, parked):
            await eventually(lambda: len(parked.heard) == 2, "both are kept")
    assert {one.message_id: one for one in parked.heard} == {"2": next_version, "3": unreadable}
    assert "jane" not in str(lines)
    assert metrics.registry.get_sample_value(
        "tidegate_messages_total", {"name": "unknown", "outcome": "unreadable"}
    ) == pytest.approx(1)


async def _publish_until_refused(bus: Bus, confirmed: list[str]) -> None:
    for _ in range(500):  # RabbitMQ notices a little late that a queue is full
        envelope = file_arrived()
        await bus.publish(envelope)
        confirmed.append(envelope.message_id)


async def _has_depth(bus: Bus, queue: str, depth: int) -> bool:
    return await bus.depth(queue) == depth


async def _takes(bus: Bus) -> bool:
    try:
        await bus.publish(file_arrived())
    except BusUnavailable:
        return False
    return True
