"""The end of a run: its receipt, the news of it, and who may go on. Writes through `runs`, `notifications`, `outbox`.

With the end of a one-shot import goes the password that it was asked for with.

Nothing here commits. The run's own update is the transaction's last statement and is fenced.
"""

from datetime import UTC, datetime
from uuid import UUID

from shared.contracts.runs import ArrivalEnded
from shared.domain.goal import AnyImport
from shared.domain.one_shot import retold
from shared.domain.receipt import Receipt
from shared.domain.run import ClaimedRun, Reason, RunState, Waiting
from shared.observe.failpoints import reach
from shared.storage import dues, expectations, goals, notifications, one_shots, outbox, returns, runs
from shared.storage.database import Database, Record, Tx

_COMPLETED = (RunState.COMPLETED, RunState.COMPLETED_WITH_REJECTS)
CANCELLED = Reason(
    code="cancelled", detail="A person cancelled the run.", what_to_do="Retry the run if it shall be carried out."
)


async def end(tx: Tx, run: ClaimedRun, kind: str, receipt: Receipt) -> None:
    """End a run with its receipt; ring its goal's next one, tell people and its sender, and have its file marked.

    Raises LeaseLost, which rolls back.
    """
    await ring_next(tx, run.goal_id, run.id, kind)
    if run.arrival_id is not None:
        receipt = await told_at_end(tx, run.arrival_id, receipt)
        await outbox.put(tx, ArrivalEnded(**outbox.heading(tx, run.traceparent), arrival_id=run.arrival_id))
        await returns.ask(tx, run.id, run.traceparent)
        await expectations.hasten(tx, [run.goal_id])
    if receipt.state in _COMPLETED:
        await dues.ask_followers(tx, run.goal_id, run.id)
    await raise_if_failed(tx, receipt, run.connection_id)
    await outbox.tell_run(tx, run.id, run.traceparent)
    reach(f"{kind}er.told")
    await runs.finish(tx, run, receipt)


async def told_at_end(tx: Tx, arrival_id: UUID | None, receipt: Receipt) -> Receipt:
    """The receipt as it goes for a run that ends now; of a one-shot import the password is deleted."""
    is_one_shot = arrival_id is not None and await one_shots.forget_password(tx, arrival_id)
    return retold(receipt) if is_one_shot else receipt


async def raise_if_failed(tx: Tx, receipt: Receipt, connection_id: UUID) -> None:
    """Put it before people that a run has failed. By mail the receipt alone tells it, to whom the goal wants told."""
    if receipt.state is not RunState.FAILED:
        return
    reason = receipt.reason
    news = notifications.News(
        code="run_failed",
        title="A run has failed",
        detail="" if reason is None else f"{reason.code}: {reason.detail}",
        what_to_do="" if reason is None else reason.what_to_do,
        connection_id=connection_id,
        goal_id=receipt.goal_id,
        run_id=receipt.run_id,
    )
    await notifications.raise_(tx, news, is_mailed=False)


async def ring_next(tx: Tx, goal_id: UUID, run_id: UUID, kind: str) -> None:
    """Ring the run that may go on when this one no longer stands in its way."""
    later = await runs.next_of_goal(tx, goal_id, run_id)
    if later is not None:
        await outbox.ring_run(tx, later, kind)


async def ring_what_may_go_on(tx: Tx, run: Record) -> None:
    """After the end of a run that nobody carries out: its goal's next one, the marking of its file, its rejects."""
    await ring_next(tx, run["goal_id"], run["run_id"], run["kind"])
    if run["arrival_id"] is not None:
        await outbox.put(tx, ArrivalEnded(**outbox.heading(tx), arrival_id=run["arrival_id"]))
        await returns.ask(tx, run["run_id"])


async def put_aside_for_person(tx: Tx, run: ClaimedRun, kind: str, receipt: Receipt) -> RunState:
    """Let the run wait for approval: people are told, later runs go on. What it became; raises LeaseLost."""
    if await _is_cancelled(tx, run, kind, receipt):
        return RunState.CANCELLED
    await outbox.tell_run(tx, run.id, run.traceparent)
    await ring_next(tx, run.goal_id, run.id, kind)
    await runs.put_aside(tx, run, receipt, Waiting.APPROVAL)
    reach(f"{kind}er.putting_aside")
    return RunState.WAITING


async def retry_later(
    tx: Tx, run: ClaimedRun, kind: str, receipt: Receipt, retry_in_seconds: float, *, is_attempt: bool = True
) -> RunState:
    """Let the run wait for its next attempt, and its goal's later runs with it. What it became; raises LeaseLost.

    It is none where the run was not even let to begin: then it may wait as often as it has to.
    How long the later ones wait is read here: a run may fail before its flow has learned what its goal says.
    """
    if await _is_cancelled(tx, run, kind, receipt):
        return RunState.CANCELLED
    goal = await goals.version(tx, run.goal_id, run.goal_version)
    hold_seconds = goal.hold_order_for_seconds if isinstance(goal, AnyImport) else 0
    await runs.put_aside(
        tx,
        run,
        receipt,
        Waiting.RETRY,
        retry_in_seconds=retry_in_seconds,
        hold_seconds=hold_seconds,
        is_attempt=is_attempt,
    )
    return RunState.WAITING


async def hand_back(tx: Tx, run: ClaimedRun, kind: str, receipt: Receipt) -> RunState:
    """Give the run back at shutdown, and ring for it. What it became; raises LeaseLost."""
    if await _is_cancelled(tx, run, kind, receipt):
        return RunState.CANCELLED
    await runs.hand_back(tx, run)
    await outbox.ring_run(tx, run.id, kind, run.traceparent)
    return RunState.QUEUED


async def _is_cancelled(tx: Tx, run: ClaimedRun, kind: str, receipt: Receipt) -> bool:
    """End the run where a person asked to cancel it: put aside, it would be carried out later after all."""
    if not await runs.hold(tx, run):
        return False
    told = {"state": RunState.CANCELLED, "reason": CANCELLED, "finished_at": datetime.now(UTC)}
    await end(tx, run, kind, receipt.model_copy(update=told))
    await runs.release(tx, run)
    return True


async def release(database: Database, run: ClaimedRun) -> None:
    """After the end: nobody holds the run any more."""
    async with database.account(run.account_id) as tx:
        await runs.release(tx, run)
