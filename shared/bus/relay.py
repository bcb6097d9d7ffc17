"""The outbox relay: sends what transactions have queued, with the broker's confirmation. Runs in every service.

A message is marked sent after its confirmation, so a crash in between sends it twice; nothing is done twice.
"""

import asyncio
import json
from contextlib import suppress

import structlog

from shared.bus.bus import Bus, Envelope
from shared.domain.failures import BusUnavailable, StorageUnavailable
from shared.observe import tracing
from shared.observe.cancellation import heed_cancellation
from shared.observe.failpoints import reach
from shared.observe.metrics import Metrics
from shared.storage import outbox
from shared.storage.database import Database

log = structlog.get_logger()

BATCH = 100
IDLE_SECONDS = 1.0
OUTAGE_SECONDS = 2.0


async def relay(database: Database, bus: Bus, metrics: Metrics) -> None:
    """Send unsent messages until cancelled: at once when this process queued some, else by looking every second."""
    while True:
        heed_cancellation()
        database.rang.clear()
        try:
            sent, refused = await relay_once(database, bus, metrics)
        except StorageUnavailable as failure:
            log.warning("outbox.unreachable", code=failure.code)
            await asyncio.sleep(OUTAGE_SECONDS)
            continue
        if refused:
            await asyncio.sleep(OUTAGE_SECONDS)
        elif sent < BATCH:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await database.rang.wait()


async def relay_once(database: Database, bus: Bus, metrics: Metrics) -> tuple[int, int]:
    """Send one batch: how many were confirmed, and how many were not and stay."""
    async with database.watching() as watch:
        batch = await outbox.unsent(watch, BATCH)
        if not batch:
            return 0, 0
        reach("relay.taken")
        outcomes = await asyncio.gather(
            *(
                _send(bus, Envelope(name, str(message_id), json.dumps(body).encode()), body.get("traceparent"))
                for _, message_id, name, body in batch
            )
        )
        reach("relay.sent")
        sent = [message_id for (_, message_id, _, _), confirmed in zip(batch, outcomes, strict=True) if confirmed]
        await outbox.mark_sent(watch, sent)
        reach("relay.marked")
    reach("relay.committed")
    for (_, _, name, _), confirmed in zip(batch, outcomes, strict=True):
        metrics.messages.labels(name, "sent" if confirmed else "not_confirmed").inc()
    return len(sent), len(batch) - len(sent)


async def _send(bus: Bus, envelope: Envelope, traceparent: str | None) -> bool:
    try:
        with tracing.span(f"{envelope.name} send", parent=traceparent, kind="sends", message_id=envelope.message_id):
            await bus.publish(envelope)
    except BusUnavailable as failure:
        log.warning("message.not_confirmed", message=envelope.name, message_id=envelope.message_id, code=failure.code)
        return False
    return True
