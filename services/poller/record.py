"""Write down what a look found: arrivals, their runs and the news of them, in one transaction of the connection."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.poller.spot import Look, New, Seen, Spotted, spot
from shared.domain.goal import ImportGoal
from shared.observe import tracing
from shared.observe.failpoints import reach
from shared.storage import arrivals, goals, outbox, runs
from shared.storage.database import Tx


async def record(
    tx: Tx,
    connection_id: UUID,
    seen: Sequence[Seen],
    began_at: datetime,
    *,
    directories: Collection[str] = (),
    only: str | None = None,
) -> Counter[str]:
    """Compare what was seen with the ledger and write the difference; how many files by what became of them.

    What is missing from the listed `directories` has vanished; a look at `only` one path concludes nothing else.
    """
    await arrivals.lock_connection(tx, connection_id)
    known = await arrivals.present(tx, connection_id, began_at, only)
    active = await active_imports(tx, connection_id)
    look = Look(began_at, await arrivals.clock(tx), frozenset(directories))
    found = spot(seen, known, active, look)
    await _write(tx, connection_id, found)
    outcomes = _outcomes(found)
    if outcomes.total():
        reach("poller.recorded")
    return outcomes


async def active_imports(tx: Tx, connection_id: UUID) -> dict[UUID, ImportGoal]:
    """The import goals of a connection that are switched on, in their order."""
    stored = await goals.of_connection(tx, connection_id)
    return {each.id: each.goal for each in stored if isinstance(each.goal, ImportGoal) and each.goal.active}


async def _write(tx: Tx, connection_id: UUID, found: Spotted) -> None:
    if found.vanished:
        await arrivals.vanish(tx, found.vanished)
    for new in found.new:
        await _add(tx, connection_id, new)
    for known, seen, explained in found.grown:
        await arrivals.restamp(tx, known.id, seen.file, seen.upload_id, explained)
    for known, explained in found.explained:
        await arrivals.explain(tx, known.id, explained)
    for known, seen, takers in found.complete:
        await arrivals.accept(tx, known.id)
        await _make_runs(tx, known.id, seen, takers)


async def _add(tx: Tx, connection_id: UUID, new: New) -> None:
    arrival_id = await arrivals.insert(tx, connection_id, new.seen.file, new.seen.upload_id, new.explained)
    if arrival_id is None:
        # A doorbell that was rung twice, after the file had been imported and marked.
        return
    await _make_runs(tx, arrival_id, new.seen, new.goals)


async def _make_runs(tx: Tx, arrival_id: UUID, seen: Seen, takers: Sequence[UUID]) -> None:
    facts = {"account_id": str(tx.account_id), "arrival_id": str(arrival_id)}
    with tracing.span("arrival", kind="sends", **facts):
        trace = tracing.traceparent()
        for goal_id in takers:
            new = runs.NewRun(
                "import", goal_id, seen.file.modified_at, seen.file.path, arrival_id=arrival_id, traceparent=trace
            )
            run_id = await runs.create(tx, new)
            if run_id is not None:
                await outbox.ring_run(tx, run_id, "import", trace)


def _outcomes(found: Spotted) -> Counter[str]:
    counted: Counter[str] = Counter(new.explained.state.value for new in found.new)
    counted["accepted"] += len(found.complete)
    counted["restarted"] += len(found.grown)
    counted["vanished"] += len(found.vanished)
    return counted
