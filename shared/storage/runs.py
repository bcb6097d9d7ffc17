"""The ledger's runs: made, kept, finished, put aside, taken over; claims.py begins them, run_watch.py watches them all.

Writes `runs`, `run_leases`, `run_backends`.

A claim gives a token: every later change of the run is fenced by it. Nothing here commits: the caller opens the
transaction, so that its extent can be seen where the flow is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.domain.failures import LeaseLost, StorageUnavailable
from shared.domain.receipt import Receipt
from shared.domain.run import ClaimedRun, Reason, RunState, Waiting
from shared.storage.database import Record, Tx

LEASE_SECONDS = 30.0
"""Where an operator says nothing else."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: the step, and rows and bytes done in it."""

    step: str | None = None
    rows_done: int = 0
    bytes_done: int = 0
    bytes_total: int = 0


BY_NAME_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""`order_at` of runs whose goal takes files by name alone: the same for all, so that the name decides."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """What makes a run: the goal and exactly one of an arrival, a request and a time."""

    kind: str
    goal_id: UUID
    order_at: datetime
    order_name: str
    arrival_id: UUID | None = None
    request_id: UUID | None = None
    due_at: datetime | None = None
    traceparent: str | None = None
    replay: int = 0
    """Which one it is of the runs that were asked for again of the same arrival; 0 is the first of all."""


async def create(tx: Tx, new: NewRun) -> UUID | None:
    """Add a run of the goal's present version; None when the same arrival, request or time has one already."""
    [run_id] = await create_all(tx, [new])
    return run_id


async def create_all(tx: Tx, news: Sequence[NewRun]) -> list[UUID | None]:
    """Add many runs as `create` does; what became of each, in their order."""
    if not news:
        return []
    run_ids = [uuid4() for _ in news]
    rows = await tx.fetch(
        "runs.insert",
        tx.account_id,
        run_ids,
        [new.goal_id for new in news],
        [new.kind for new in news],
        [new.arrival_id for new in news],
        [new.request_id for new in news],
        [new.order_at for new in news],
        [new.order_name for new in news],
        [new.traceparent for new in news],
        [new.due_at for new in news],
        [new.replay for new in news],
    )
    made = {row["run_id"] for row in rows}
    return [run_id if run_id in made else None for run_id in run_ids]


async def is_queued(tx: Tx, goal_id: UUID) -> bool:
    """Whether a run of the goal waits to be carried out; it is held, so that it sees what this transaction commits."""
    return await tx.row("runs.hold_queued", tx.account_id, goal_id) is not None


async def heartbeat(tx: Tx, run: ClaimedRun, progress: Progress, lease_seconds: float = LEASE_SECONDS) -> bool:
    """Keep the lease; whether somebody asked to cancel. Raises LeaseLost when another has taken over."""
    row = await tx.row(
        "runs.heartbeat",
        run.account_id,
        run.id,
        run.token,
        lease_seconds,
        progress.step,
        progress.rows_done,
        progress.bytes_done,
        progress.bytes_total,
    )
    if row is None:
        raise LeaseLost
    return bool(row["is_cancelled"])


async def record_backend(tx: Tx, run: ClaimedRun, pid: int) -> None:
    """Note a connection of the run before its first write.

    Raises LeaseLost when the run is no longer ours, and StorageUnavailable when the connection has ended.
    """
    await hold(tx, run)
    if await tx.row("runs.record_backend", run.account_id, run.id, run.token, pid) is None:
        raise StorageUnavailable("the run's connection has ended")


async def hold(tx: Tx, run: ClaimedRun) -> bool:
    """Keep everybody from deciding about the run while this transaction lasts; whether somebody asked to cancel it.

    Raises LeaseLost where another has taken over.
    """
    row = await tx.row("runs.hold", run.account_id, run.id, run.token)
    if row is None:
        raise LeaseLost
    return bool(row["is_cancelled"])


async def end_backends(tx: Tx, run_id: UUID, token: int) -> int:
    """End the run's database connections that still live, those of later tokens left alone; how many there were."""
    return int(await tx.value("runs.end_backends", tx.account_id, run_id, token))


async def finish(tx: Tx, run: ClaimedRun, receipt: Receipt) -> None:
    """End the run. Must be the transaction's last statement: raises LeaseLost, which rolls it back."""
    reason = receipt.reason or Reason(code="")
    row = await tx.row(
        "runs.finish",
        run.account_id,
        run.id,
        run.token,
        receipt.state.value,
        reason.code or None,
        reason.detail or None,
        reason.what_to_do or None,
        receipt.file.sha256 if receipt.file else None,
        receipt.rows_read,
        receipt.created,
        receipt.updated,
        receipt.unchanged,
        receipt.skipped,
        receipt.rejected,
        receipt.model_dump(mode="json"),
        receipt.mends,
    )
    if row is None:
        raise LeaseLost


async def put_aside(
    tx: Tx,
    run: ClaimedRun,
    receipt: Receipt,
    waits_for: Waiting,
    *,
    retry_in_seconds: float = 0.0,
    hold_seconds: float = 0.0,
    is_attempt: bool = True,
) -> None:
    """Let the run wait, with its reason in the receipt. Raises LeaseLost."""
    reason = receipt.reason or Reason(code=waits_for.value)
    row = await tx.row(
        "runs.wait",
        run.account_id,
        run.id,
        run.token,
        waits_for.value,
        reason.code,
        reason.detail,
        reason.what_to_do,
        retry_in_seconds,
        hold_seconds,
        receipt.file.sha256 if receipt.file else None,
        receipt.model_dump(mode="json"),
        is_attempt,
    )
    if row is None:
        raise LeaseLost
    await release(tx, run)


async def hand_back(tx: Tx, run: ClaimedRun) -> None:
    """Give a run back at shutdown; no attempt is counted. Raises LeaseLost."""
    if await tx.row("runs.hand_back", run.account_id, run.id, run.token) is None:
        raise LeaseLost
    await release(tx, run)


async def release(tx: Tx, run: ClaimedRun) -> None:
    """Drop the lease and forget the connections of a run that we carry out no longer."""
    await tx.execute("runs.drop_lease", run.account_id, run.id, run.token)
    await tx.execute("runs.forget_backends", run.account_id, run.id, run.token)


async def forget_worker(tx: Tx, run_id: UUID) -> None:
    """Forget lease and connections of a lost worker. The caller has ended the connections and holds the run."""
    await tx.execute("runs.drop_any_lease", tx.account_id, run_id)
    await tx.execute("runs.forget_all_backends", tx.account_id, run_id)


async def next_of_goal(tx: Tx, goal_id: UUID, run_id: UUID) -> UUID | None:
    """The goal's queued run that may go on once this one has ended."""
    later: UUID | None = await tx.value("runs.next_of_goal", tx.account_id, goal_id, run_id)
    return later


async def has_read(tx: Tx, run: ClaimedRun, sha256: str) -> bool:
    """Whether the goal's latest effective run of the same version read such content; files of rejects stand apart.

    One that came back between a file and its repetition hides neither, and is itself known for good: it holds rows of
    one run, so the same bytes can only be the same file again.
    """
    return bool(await tx.value("runs.has_read", tx.account_id, run.goal_id, run.goal_version, run.id, sha256))


async def has_ever_read(tx: Tx, run: ClaimedRun, sha256: str) -> bool:
    """Whether any effective run of the same version of the goal read such content, however long ago."""
    return bool(await tx.value("runs.has_ever_read", tx.account_id, run.goal_id, run.goal_version, run.id, sha256))


async def columns_seen(tx: Tx, run: ClaimedRun) -> list[str]:
    """The columns of the files that the goal's latest effective runs read."""
    rows = await tx.fetch("runs.columns_seen", tx.account_id, run.goal_id, run.id)
    return [row["name"] for row in rows]


async def is_older_than_completed(tx: Tx, run_id: UUID) -> bool:
    """Whether a run that comes after this one in the goal's order has completed already."""
    return bool(await tx.value("runs.newer_completed", tx.account_id, run_id, BY_NAME_AT))


async def mendable(tx: Tx, run: ClaimedRun, named: Sequence[UUID]) -> dict[UUID, bool]:
    """Those of the named runs whose rejects a file of this one may hand back: ended ones of the same goal.

    Each with whether rows of it have come back before, and were imported.
    """
    rows = await tx.fetch("runs.mendable", tx.account_id, run.goal_id, run.id, list(named))
    return {row["run_id"]: row["was_mended"] for row in rows}


async def lock(tx: Tx, run_id: UUID) -> Record | None:
    """A run, held for a decision about it."""
    return await tx.row("runs.lock", tx.account_id, run_id)


async def requeue(tx: Tx, run_id: UUID, *, forget_attempts: bool, approve: bool = False) -> None:
    """Back into the queue, under a new token that shuts the old worker out."""
    await tx.execute("runs.requeue", tx.account_id, run_id, forget_attempts, approve)


async def adopt_version(tx: Tx, run_id: UUID) -> None:
    """Carry the run out by what its goal says now: a retry after the goal was mended."""
    await tx.execute("runs.adopt_version", tx.account_id, run_id)


async def end_without_worker(tx: Tx, run_id: UUID, state: RunState, receipt: Receipt) -> None:
    """End a run that nobody carries out. The caller holds it by `lock`."""
    reason = receipt.reason or Reason(code=state.value)
    await tx.execute(
        "runs.end_without_worker",
        tx.account_id,
        run_id,
        state.value,
        reason.code,
        reason.detail,
        reason.what_to_do,
        receipt.model_dump(mode="json"),
    )


async def request_cancel(tx: Tx, run_id: UUID) -> None:
    """Ask the worker to stop; it hears with its next heartbeat."""
    await tx.execute("runs.request_cancel", tx.account_id, run_id)


async def name_delivery(tx: Tx, run: ClaimedRun, names: Sequence[str]) -> str:
    """Fix the name that an export is delivered under, once per run; which it is. Raises LeaseLost.

    The first of the names that no other run of the goal has, or the last; runs of a goal go one at a time.
    """
    free = await tx.value("runs.free_name", run.account_id, run.goal_id, run.id, list(names))
    row = await tx.row("runs.set_delivered_name", run.account_id, run.id, run.token, free or names[-1])
    if row is None:
        raise LeaseLost
    return str(row["delivered_name"])


async def get(tx: Tx, run_id: UUID) -> dict[str, Any] | None:
    """One run as a mapping, with its file and its progress."""
    row = await tx.row("runs.get", tx.account_id, run_id)
    return None if row is None else dict(row)


async def progress(tx: Tx, run_id: UUID) -> dict[str, Any] | None:
    """How a run stands and how far it is, without its receipt."""
    row = await tx.row("runs.progress", tx.account_id, run_id)
    return None if row is None else dict(row)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list shows; None is any. `before` is the (queued_at, id) of the last one seen."""

    goal_id: UUID | None = None
    arrival_id: UUID | None = None
    state: str | None = None
    connection_id: UUID | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None


async def page(tx: Tx, chosen: RunFilter, limit: int) -> list[dict[str, Any]]:
    """Runs, newest first."""
    queued_at, run_id = chosen.before or (None, None)
    rows = await tx.fetch(
        "runs.page",
        tx.account_id,
        chosen.goal_id,
        chosen.arrival_id,
        chosen.state,
        chosen.connection_id,
        chosen.kind,
        chosen.since,
        chosen.until,
        queued_at,
        run_id,
        limit,
    )
    return [dict(row) for row in rows]
