"""What people decide about runs: approve, cancel, retry, run now. Writes no table of its own.

Each holds the run by `runs.lock`, so that a decision and a worker's last word cannot cross. Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.domain.blackout import Blackout, blackout_until
from shared.domain.export_goal import ExportGoal
from shared.domain.failures import (
    Conflict,
    GoalInactive,
    InBlackout,
    NotFound,
    OlderThanCompleted,
    PasswordForgotten,
)
from shared.domain.names import shown
from shared.domain.receipt import FileFacts, Receipt
from shared.domain.run import ABSENT_OVER_GUARD, RunState, Waiting
from shared.observe import tracing
from shared.observe.failpoints import reach
from shared.storage import arrivals, connections, ending, goals, manual_imports, one_shots, outbox, runs, turns
from shared.storage.connections import StoredConnection
from shared.storage.database import Record, Tx


@dataclass(frozen=True, slots=True)
class Asked:
    """What running a goal now led to: a run, or a look at its drop folder that makes runs of what lies there."""

    run_id: UUID | None


async def approve(tx: Tx, run_id: UUID) -> None:
    """Let a run go on that waits for approval. Raises NotFound, Conflict, KeptFileGone.

    What a guard asked is approved as the plan of one version of the goal. Where the goal has changed since, the run is
    carried out by what it says now, so that it is judged again and what was approved no longer counts.
    """
    run = await _held(tx, run_id)
    if run["waits_for"] != Waiting.APPROVAL:
        raise Conflict(f"Found the run {run['state']}, expected it to wait for approval.")
    await _keep_file(tx, run)
    await runs.requeue(tx, run_id, forget_attempts=True, approve=True)
    if run["reason_code"] == ABSENT_OVER_GUARD:
        await runs.adopt_version(tx, run_id)
    await outbox.ring_run(tx, run_id, run["kind"])
    reach("api.approving")


async def cancel(tx: Tx, run_id: UUID) -> bool:
    """End a run that has not begun, or ask the worker to stop. Whether it has ended. Raises NotFound, Conflict.

    The file of a cancelled import is dealt with when all runs of its arrival have ended.
    """
    run = await _held(tx, run_id)
    if run["state"] == RunState.RUNNING:
        await runs.request_cancel(tx, run_id)
        return False
    if run["state"] not in (RunState.QUEUED, RunState.WAITING):
        raise Conflict(f"Found the run {run['state']}; only one that has not ended can be cancelled.")
    receipt = await ending.told_at_end(tx, run["arrival_id"], _cancelled(await _facts(tx, run_id)))
    await runs.end_without_worker(tx, run_id, RunState.CANCELLED, receipt)
    await outbox.tell_run(tx, run_id)
    await ending.ring_what_may_go_on(tx, run)
    reach("api.cancelling")
    return True


async def retry(tx: Tx, run_id: UUID, *, out_of_order: bool = False) -> None:
    """Queue a failed or cancelled run again, by what its goal says now.

    Raises NotFound, Conflict, GoalInactive, KeptFileGone, PasswordForgotten for a one-shot import, and
    OlderThanCompleted where a later run of the goal has completed and `out_of_order` does not say that this one shall
    be carried out nevertheless.
    """
    run = await _held(tx, run_id)
    if run["state"] not in (RunState.FAILED, RunState.CANCELLED):
        raise Conflict(f"Found the run {run['state']}; only a failed or cancelled one can be retried.")
    if await one_shots.is_one(tx, run["arrival_id"]):
        raise PasswordForgotten
    await _active_goal(tx, run["goal_id"])
    if not out_of_order and await runs.is_older_than_completed(tx, run_id):
        raise OlderThanCompleted
    await _keep_file(tx, run)
    await runs.adopt_version(tx, run_id)
    await runs.requeue(tx, run_id, forget_attempts=True)
    # A file that is run again stays where its first run has put it.
    if run["arrival_id"] is not None and not run["replay"]:
        await arrivals.reopen(tx, run["arrival_id"])
    await outbox.ring_run(tx, run_id, run["kind"])
    reach("api.retrying")


async def run_now(tx: Tx, goal_id: UUID) -> Asked:
    """Carry a goal out now: an export gets a run; an import's drop folder is looked at at once.

    Raises NotFound, GoalInactive, InBlackout, and Conflict for an import whose connection is stopped, or a manual one.
    """
    stored = await _active_goal(tx, goal_id)
    connection = await connections.get(tx, stored.connection_id)
    _require_open((*stored.goal.blackouts, *connection.settings.blackouts))
    if isinstance(stored.goal, ExportGoal):
        return Asked(await _export(tx, goal_id, stored.goal))
    connection.require_settable()
    _require_going(connection)
    await turns.open_(tx, stored.connection_id, goal_id)
    return Asked(None)


async def run_round(tx: Tx, connection_id: UUID) -> list[UUID]:
    """Carry all active goals of a connection out now, each once the one before has ended; the run that has begun.

    Raises NotFound, InBlackout, GoalInactive where nothing is switched on, and Conflict where it is stopped.
    """
    connection = await connections.get(tx, connection_id)
    connection.require_settable()
    active = [each.id for each in await goals.of_connection(tx, connection_id) if each.goal.active]
    if not active or not connection.settings.active:
        raise GoalInactive("Found no active goal of an active connection.")
    _require_going(connection)
    _require_open(connection.settings.blackouts)
    await turns.ask_round(tx, connection_id, active)
    run_id = await turns.move_on(tx, connection_id, datetime.now(UTC))
    return [] if run_id is None else [run_id]


def _require_open(windows: Sequence[Blackout]) -> None:
    until = blackout_until(windows, datetime.now(UTC))
    if until is not None:
        raise InBlackout(f"Nothing is begun until {until:%Y-%m-%dT%H:%M:%SZ}.")


def _require_going(connection: StoredConnection) -> None:
    if connection.stopped_code is not None:
        raise Conflict(f"The connection is stopped ({connection.stopped_code}); see what it says, then look again.")


async def _export(tx: Tx, goal_id: UUID, goal: ExportGoal) -> UUID:
    trace = tracing.traceparent()
    new = runs.NewRun(
        kind="export",
        goal_id=goal_id,
        order_at=datetime.now(UTC),
        order_name=goal.name,
        request_id=uuid4(),
        traceparent=trace,
    )
    run_id = await runs.create(tx, new)
    assert run_id is not None, "a request's identity is new"
    await outbox.ring_run(tx, run_id, "export", trace)
    reach("api.requesting")
    return run_id


async def _active_goal(tx: Tx, goal_id: UUID) -> goals.StoredGoal:
    stored = await goals.get(tx, goal_id, even_deleted=True)
    connection = await connections.get(tx, stored.connection_id, even_deleted=True)
    if stored.deleted_at is not None or not (stored.goal.active and connection.settings.active):
        raise GoalInactive
    return stored


async def _held(tx: Tx, run_id: UUID) -> Record:
    run = await runs.lock(tx, run_id)
    if run is None:
        raise NotFound
    return run


async def _keep_file(tx: Tx, run: Record) -> None:
    """What a client sent must still be there, and is kept for longer. Raises KeptFileGone."""
    if run["arrival_id"] is not None:
        await manual_imports.keep_file_of(tx, run["arrival_id"])


async def _facts(tx: Tx, run_id: UUID) -> dict[str, Any]:
    facts = await runs.get(tx, run_id)
    assert facts is not None
    return facts


def _cancelled(facts: dict[str, Any]) -> Receipt:
    """The receipt of a run that was cancelled before it changed anything."""
    file = None
    if facts["size_bytes"] is not None:
        file = FileFacts(name=shown(facts["path"]), size_bytes=facts["size_bytes"], sha256=facts["sha256"])
    return Receipt(
        run_id=facts["run_id"],
        goal_id=facts["goal_id"],
        goal_version=facts["goal_version"],
        replay=facts["replay"],
        state=RunState.CANCELLED,
        reason=ending.CANCELLED,
        file=file,
        queued_at=facts["queued_at"],
        started_at=facts["started_at"],
        finished_at=datetime.now(UTC),
    )
