"""Merge staged rows into profiles: set-based, in the caller's transaction, with counts that add up.

The file's rows are folded to one for each profile, joined with what is stored, and only what differs is written
("split"): changed profiles in the order of the disk, new ones in the order of their keys. Nothing is locked that
is not written; a profile that another transaction changed between look and write is noticed by its version, and
an identifier that another transaction took by its index: both are a TransactionConflict, and the caller repeats
the whole transaction.

Rows of a profile that is new in this file are folded in every mode: under `create_only` the first creates and
the others fold into it. Nothing here commits, decides about a receipt, or reads the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.goal import ImportGoal
from shared.domain.merge import Mode
from shared.domain.property import Property
from shared.domain.reject import RejectCode
from shared.domain.run import ClaimedRun
from shared.storage import columns
from shared.storage.database import Tx
from shared.storage.errors import TransactionConflict, identifiers_guarded
from shared.storage.merge_work import Work
from shared.storage.staging import Staged

EXISTING = "existing"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LateReject:
    """A row that only the merge could tell to be unfit."""

    record_number: int
    line_number: int
    code: RejectCode
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows by outcome: rows_staged = created + updated + unchanged + skipped + late rejects, always."""

    rows_staged: int
    created: int
    updated: int
    unchanged: int
    skipped_by_reason: dict[str, int] = field(default_factory=dict)
    late_rejects: tuple[LateReject, ...] = ()
    profiles_affected: int = 0
    """Profiles created and profiles changed."""


async def merge(
    tx: Tx, run: ClaimedRun, staged: Staged, goal: ImportGoal, properties: Sequence[Property], domain_group: int
) -> Merged:
    """Merge what the run has staged under its token into the profiles of a domain group.

    Raises TransactionConflict when another transaction was in the way: roll back and repeat from the start.
    """
    work = Work(tx, run.id, staged, goal.mode, domain_group)
    await work.run("merge.prepare")
    rows_staged = (await work.fetch("merge.count"))[0]["count"]
    rejects = await _plan(work)
    totals = (await work.fetch("merge.totals"))[0]
    with identifiers_guarded():
        await _update(work, totals["changed_profiles"])
        if goal.mode is not Mode.UPDATE_ONLY:
            await work.run("merge.insert", run.id, written=", ".join(map(columns.written, staged.layout.written)))
    await work.run("merge.drop")
    return _counted(goal.mode, rows_staged, totals, rejects)


async def _plan(work: Work) -> list[LateReject]:
    """Decide what will be written, without the rows whose sums cannot be stored; those rows."""
    rejects: list[LateReject] = []
    while True:
        await work.run("merge.drop")
        is_folded = await work.run("merge.separate_doubled") > 0
        if is_folded:
            await work.run("merge.fold", **work.fold_slots())
        await work.run("merge.plan", **work.plan_slots(is_folded=is_folded))
        # Each round takes every row out that feeds an unfit sum, and so it ends: at the latest with no row left.
        unfit = await _reject_out_of_range(work)
        if not unfit:
            return rejects
        rejects += unfit


async def _reject_out_of_range(work: Work) -> list[LateReject]:
    sums = work.layout.sums
    if not sums:
        return []
    rows = await work.fetch("merge.reject_out_of_range", **work.range_slots())
    return [
        LateReject(row["record_number"], row["line_number"], RejectCode.OUT_OF_RANGE, sums[row["field"]].shown)
        for row in rows
    ]


async def _update(work: Work, expected: int) -> None:
    if expected == 0:
        return
    updated = await work.run("merge.update", work.run_id, assigned=columns.assigned(work.mapped))
    if updated != expected:
        raise TransactionConflict(f"{expected - updated} profiles were changed by another transaction meanwhile.")


def _counted(mode: Mode, rows_staged: int, totals: Any, rejects: list[LateReject]) -> Merged:
    judged = rows_staged - len(rejects)
    new, changed = totals["new_rows"], totals["changed_rows"]
    match mode:
        case Mode.UPSERT:
            skipped: dict[str, int] = {}
        case Mode.CREATE_ONLY:
            skipped = {EXISTING: judged - new}
        case Mode.UPDATE_ONLY:
            skipped, new = {UNKNOWN: new}, 0
    skipped = {reason: rows for reason, rows in skipped.items() if rows}
    return Merged(
        rows_staged=rows_staged,
        created=new,
        updated=changed,
        unchanged=judged - new - changed - sum(skipped.values()),
        skipped_by_reason=skipped,
        late_rejects=tuple(sorted(rejects, key=lambda reject: reject.record_number)),
        profiles_affected=totals["changed_profiles"] + (totals["new_profiles"] if mode is not Mode.UPDATE_ONLY else 0),
    )
