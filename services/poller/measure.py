"""Reads the ledger as a whole for the gauges. Part of the sweep, so one process does it at a time."""

import time

import structlog

from services.poller.tools import Tools
from shared.bus.topology import QUEUES
from shared.domain.failures import BusUnavailable
from shared.observe.ledger_gauges import LedgerReading
from shared.storage import connections, openpgp_keys, outbox, run_watch

log = structlog.get_logger()


async def measure(tools: Tools) -> None:
    """Show what the ledger says now. Raises StorageUnavailable."""
    async with tools.database.watching() as watch:
        totals = await run_watch.totals(watch)
        succeeded_at = await run_watch.successes(watch)
        stopped = await connections.stopped(watch)
        keys = await openpgp_keys.states(watch)
        messages, age_seconds = await outbox.depth(watch)
    tools.metrics.ledger.show(
        LedgerReading(
            runs_open={(kind, state): count for kind, state, count, _ in totals},
            queued_seconds={kind: seconds for kind, state, _, seconds in totals if state == "queued"},
            succeeded_at=succeeded_at,
            connections_stopped=stopped,
            outbox_messages=messages,
            outbox_age_seconds=age_seconds,
            parked_messages=await _parked(tools),
            measured_at=time.time(),
            openpgp_keys=keys,
        )
    )


async def _parked(tools: Tools) -> dict[str, int]:
    """By queue; empty while the broker is away, for an unknown number is not none."""
    try:
        return {queue.name: await tools.bus.depth(queue.parked) for queue in QUEUES}
    except BusUnavailable as failure:
        log.info("bus.not_measured", code=failure.code)
        return {}
