"""The end of a run: its receipt, the news of it, and who may go on. Writes through `runs` and `outbox`.

Nothing here commits. The run's own update is the transaction's last statement and is fenced.
"""

from uuid import UUID

from shared.contracts.runs import ArrivalEnded
from shared.domain.receipt import Receipt
from shared.domain.run import ClaimedRun, Reason, Waiting
from shared.observe.failpoints import reach
from shared.storage import outbox, runs
from shared.storage.database import Database, Record, Tx

CANCELLED = Reason(
    code="cancelled", detail="A person cancelled the run.", what_to_do="Retry the run if it shall be carried out."
)


async def end(tx: Tx, run: ClaimedRun, kind: str, receipt: Receipt) -> None:
    """End a run with its receipt; ring its goal's next one, tell people, and have its file marked.

    Raises LeaseLost, which rolls back.
    """
    await ring_next(tx, run.goal_id, run.id, kind)
    if run.arrival_id is not None:
        await outbox.put(tx, ArrivalEnded(**outbox.heading(tx, run.traceparent), arrival_id=run.arrival_id))
    await outbox.tell_run(tx, run.id, run.traceparent)
    reach(f"{kind}er.told")
    await runs.finish(tx, run, receipt)


async def ring_next(tx: Tx, goal_id: UUID, run_id: UUID, kind: str) -> None:
    """Ring the run that may go on when this one no longer stands in its way."""
    later = await runs.next_of_goal(tx, goal_id, run_id)
    if later is not None:
        await outbox.ring_run(tx, later, kind)


async def ring_what_may_go_on(tx: Tx, run: Record) -> None:
    """After the end of a run that nobody carries out: its goal's next one, and the marking of its file."""
    await ring_next(tx, run["goal_id"], run["run_id"], run["kind"])
    if run["arrival_id"] is not None:
        await outbox.put(tx, ArrivalEnded(**outbox.heading(tx), arrival_id=run["arrival_id"]))


async def put_aside_for_person(tx: Tx, run: ClaimedRun, kind: str, receipt: Receipt) -> None:
    """Let the run wait for approval: people are told, later runs go on. Raises LeaseLost."""
    await outbox.tell_run(tx, run.id, run.traceparent)
    await ring_next(tx, run.goal_id, run.id, kind)
    await runs.put_aside(tx, run, receipt, Waiting.APPROVAL)
    reach(f"{kind}er.putting_aside")


async def ring(tx: Tx, run: ClaimedRun, kind: str) -> None:
    """Ring for a run that was handed back."""
    await outbox.ring_run(tx, run.id, kind, run.traceparent)


async def release(database: Database, run: ClaimedRun) -> None:
    """After the end: nobody holds the run any more."""
    async with database.account(run.account_id) as tx:
        await runs.release(tx, run)
