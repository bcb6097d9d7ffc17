"""The end of a file that a client sent or named: nothing is marked. What was sent is kept for a while, and its import
may lead goals; what was named stays where it lies.

Goals that follow the imports of its name get their next version here, once the import is known to have completed.
"""

from uuid import UUID

from shared.domain.failures import KeptFileGone
from shared.domain.goal import ImportGoal
from shared.observe.failpoints import reach
from shared.runtime.judging import judge
from shared.storage import arrivals, connections, leading, manual_imports, one_shots
from shared.storage.database import Tx
from shared.storage.goals import StoredGoal


async def settle_kept(tx: Tx, arrival_id: UUID) -> str | None:
    """What became of a file that a client sent; None where it lies in a drop folder. Raises NotFound."""
    arrival = await arrivals.get(tx, arrival_id)
    assert arrival is not None
    if arrival["kept_file_id"] is None:
        return None
    for run in await arrivals.runs_of(tx, arrival_id):
        await leading.follow(tx, run["goal_id"], run["run_id"], _flaw)
    outcome = "kept" if await _is_kept(tx, arrival_id) else "gone"
    await arrivals.settle(tx, arrival_id, outcome, None, is_gone=outcome == "gone")
    reach("settle.recording")
    return outcome


async def settle_named(tx: Tx, arrival_id: UUID) -> str | None:
    """What became of the file of a one-shot import; None of any other. Its server is not contacted again."""
    if not await one_shots.is_one(tx, arrival_id):
        return None
    await arrivals.settle(tx, arrival_id, "left", None, is_gone=False)
    reach("settle.recording")
    return "left"


async def _flaw(tx: Tx, stored: StoredGoal, goal: ImportGoal) -> str:
    connection = await connections.get(tx, stored.connection_id)
    found = await judge(tx, connection, goal, stored)
    # What the import needed was made for it, and properties stay.
    return f"{found.flaws[0].pointer}: {found.flaws[0].detail}" if found.flaws else ""


async def _is_kept(tx: Tx, arrival_id: UUID) -> bool:
    try:
        await manual_imports.keep_file_of(tx, arrival_id)
    except KeptFileGone:
        return False
    return True
