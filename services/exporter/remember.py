"""Exports that go by what the one before told: since when this one tells, and what the next one goes by.

What is remembered is found out in the export's own snapshot and kept locally, and becomes the goal's memory in the
transaction that ends the run: an export that was not delivered has told nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from shared.domain.export_goal import AboutProfiles, ExportGoal
from shared.domain.run import ClaimedRun, Reason
from shared.runtime.workspace import has_room
from shared.storage import export_marks
from shared.storage.database import Tx
from shared.storage.export_marks import Mark, Moment
from shared.storage.selections.news import Since
from shared.storage.selections.of_goal import told_of_by
from shared.storage.selections.selection import Selection

_WHY = {
    "first": "It is the goal's first export.",
    "version": "The goal has been changed since its last export.",
    "cluster": "The database was moved to another cluster, whose changes cannot be told from those of the former.",
}


@dataclass(frozen=True, slots=True)
class Memory:
    """What the goal goes by, and what it is to remember."""

    since: Since | None
    """None where it tells everything."""
    told: Selection | None
    """Of whom it tells; None where it goes by the moment alone."""
    full_because: Reason | None
    """Why it tells everything, where it should tell the changes alone."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The moment that one export told of, and whom, as a finished file in the workspace."""

    moment: Moment
    path: Path | None


async def recall(tx: Tx, run: ClaimedRun, goal: ExportGoal) -> Memory | None:
    """What the run goes by; None where its goal goes by nothing. Raises InvalidCondition."""
    if not goal.remembers:
        return None
    mark = await export_marks.last(tx, run.goal_id)
    why = _why_everything(mark, run, await export_marks.present(tx))
    told = await told_of_by(tx, goal, run.goal_id, now=run.queued_at)
    if mark is not None and why is None:
        parts = await export_marks.parts(tx, run.goal_id)
        return Memory(Since(run.goal_id, mark.moment.snapshot, mark.requested_at, parts), told, None)
    nobody = ", and nobody can be said to have left" if isinstance(goal, AboutProfiles) and goal.tells_leavers else ""
    detail = f"{_WHY[why or 'first']} Everything was exported{nobody}."
    return Memory(None, told, Reason(code="full_export", detail=detail))


async def note(tx: Tx, memory: Memory, path: Path) -> Remembered:
    """Write down locally what the export's snapshot tells. `tx` is that snapshot. Raises DiskFull."""
    moment = await export_marks.present(tx)
    if memory.told is None:
        return Remembered(moment, None)
    # Told here, as where files are spooled: to the database's side a failing disk is a failing connection.
    with has_room():
        await export_marks.spool_told(tx, memory.told, path)
    return Remembered(moment, path)


def _why_everything(mark: Mark | None, run: ClaimedRun, here: Moment) -> str | None:
    if mark is None:
        return "first"
    if mark.moment.system_identifier != here.system_identifier:
        return "cluster"
    return "version" if mark.goal_version != run.goal_version else None
