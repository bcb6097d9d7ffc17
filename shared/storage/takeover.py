"""Take a run from a worker that died, froze, or is in doubt about its commit.

First the run's own database connections are ended and we wait until they have gone; only then the run is read under a
lock and judged. A worker that comes back finds its connections closed and its token void. Nothing is assumed.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.domain.failures import StorageUnavailable, WorkerLost
from shared.domain.names import shown
from shared.domain.receipt import FileFacts, Receipt
from shared.domain.run import Reason, RunState
from shared.observe.failpoints import reach
from shared.storage import ending, outbox, runs, staging
from shared.storage.database import Database, Record, Tx

GONE_SECONDS = 10.0
_LOOK_SECONDS = 0.1


async def end_connections(database: Database, account_id: UUID, run_id: UUID, token: int) -> None:
    """End the run's connections under that token or an earlier one, and wait until they have gone.

    Whoever took the run over since keeps its own. Raises StorageUnavailable when they do not go.
    """
    deadline = asyncio.get_running_loop().time() + GONE_SECONDS
    while True:
        async with database.account(account_id) as tx:
            if await runs.end_backends(tx, run_id, token) == 0:
                return
        if asyncio.get_running_loop().time() > deadline:
            raise StorageUnavailable("a lost worker's connections do not end")
        await asyncio.sleep(_LOOK_SECONDS)


async def take_over(database: Database, account_id: UUID, run_id: UUID, token: int, attempts: int) -> str:
    """Put a lost run back into the queue, cancel it where a person asked for that, or fail it after so many attempts.

    What a worker left behind that died after the end of its run is cleared away. What was done, for the metrics.
    """
    await end_connections(database, account_id, run_id, token)
    reach("takeover.cut_off")
    async with database.account(account_id) as tx:
        run = await runs.lock(tx, run_id)
        is_running = run is not None and run["state"] == RunState.RUNNING
        if run is None or (is_running and run["token"] != token):
            return "was_finished"
        # Between our look and the lock the worker may have recorded a connection; after the lock it cannot.
        if await runs.end_backends(tx, run_id, token):
            return "is_alive"
        await runs.forget_worker(tx, run_id)
        await staging.drop_all_of(tx, run_id)
        if not is_running:
            return "was_finished"
        if run["is_cancelled"]:
            await _end(tx, run, RunState.CANCELLED, ending.CANCELLED)
            return "cancelled"
        if run["attempt"] >= attempts:
            await _end(tx, run, RunState.FAILED, _lost_too_often(run["attempt"]))
            return "given_up"
        await runs.requeue(tx, run_id, forget_attempts=False)
        await outbox.ring_run(tx, run_id, run["kind"])
        reach("takeover.requeued")
        return "requeued"


async def _end(tx: Tx, run: Record, state: RunState, reason: Reason) -> None:
    """End a run that nobody carries out any more, with all that follows from it."""
    run_id = run["run_id"]
    facts = await runs.get(tx, run_id)
    assert facts is not None
    receipt = Receipt(
        run_id=run_id,
        goal_id=facts["goal_id"],
        goal_version=facts["goal_version"],
        replay=facts["replay"],
        state=state,
        reason=reason,
        file=_file(facts),
        queued_at=facts["queued_at"],
        started_at=facts["started_at"],
        finished_at=datetime.now(UTC),
    )
    receipt = await ending.told_at_end(tx, run["arrival_id"], receipt)
    await runs.end_without_worker(tx, run_id, state, receipt)
    await ending.raise_if_failed(tx, receipt, facts["connection_id"])
    await outbox.tell_run(tx, run_id)
    await ending.ring_what_may_go_on(tx, run)


def _file(facts: dict[str, Any]) -> FileFacts | None:
    """The file, where somebody has looked: what a request names has no size before."""
    if facts["size_bytes"] is None:
        return None
    return FileFacts(name=shown(facts["path"]), size_bytes=facts["size_bytes"])


def _lost_too_often(attempts: int) -> Reason:
    return Reason(
        code=WorkerLost.code,
        detail=f"{WorkerLost().sentence} {attempts} attempts were made.",
        what_to_do=WorkerLost.what_to_do,
    )
