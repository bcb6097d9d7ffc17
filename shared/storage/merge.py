"""Merge staged rows into profiles: set-based, in the caller's transaction, with counts that add up.

The file's rows are folded to one for each profile, joined with what is stored, and only what differs is written
("split"): changed profiles in the order of the disk, new ones in the order of their keys. Nothing is locked that
is not written; a profile that another transaction changed between look and write is noticed by its version, and
an identifier that another transaction took by its index: both are a TransactionConflict, and the caller repeats
the whole transaction.

Rows of a profile that is new in this file are folded in every mode: under `create_only` the first creates and
the others fold into it. A row that is too wide to be staged is rejected alone; where a profile would be too wide
with what its rows say together, all of them are. Rows that are rejected so late stay in the database, because one
profile's sum may reject a million. Nothing here commits, decides about a receipt, or reads the file.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.goal import ImportGoal
from shared.domain.merge import Mode
from shared.domain.property import Property
from shared.domain.reject import RejectCode
from shared.domain.run import ClaimedRun
from shared.storage import consent, merge_counts, merge_first, merge_profiles, resolve
from shared.storage.consent import Unsubscribed
from shared.storage.database import Tx
from shared.storage.errors import TransactionConflict, identifiers_guarded
from shared.storage.merge_counts import Outcome
from shared.storage.merge_work import Work
from shared.storage.named_rejects import profiles_named
from shared.storage.staging import LATE, Staged
from shared.storage.statements import statement

PART_ROWS = 5_000
"""Late rejects that are held in memory at a time."""


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
    late_rejects_by_code: dict[str, int] = field(default_factory=dict)
    """Rows that `late_rejects` tells of."""
    profiles_affected: int = 0
    """Profiles created and profiles changed."""
    opt_ins_withheld: dict[str, int] = field(default_factory=dict)
    """Profiles that the file opts in and that stay suppressed, by what suppresses them."""
    opt_outs_of_rejects: int = 0
    """Profiles that only a row opts out which was rejected."""
    events_affected: int = 0
    """Events created and events changed, where the rows tell of events."""
    items_affected: int = 0
    """The items of these that the rows tell of."""
    suppressed: dict[str, int] = field(default_factory=dict)
    """Profiles that these events suppressed, by why."""
    nameless_rejects: int = 0
    """Rows that were rejected without telling of which event they were, where events have items."""
    members: tuple[Outcome, ...] = ()
    """The same rows by the archive's files, where there are several: see `Staged.member_starts`."""


async def merge(
    tx: Tx,
    run: ClaimedRun,
    staged: Staged,
    goal: ImportGoal,
    properties: Sequence[Property],
    domain_group: int,
    *,
    heard_at: datetime | None = None,
) -> Merged:
    """Merge what the run has staged under its token into the profiles of a domain group.

    `heard_at` is the time of words about consent that state none; None is when the run began. Raises
    TransactionConflict when another transaction was in the way: roll back and repeat from the start.
    """
    said = (goal.opt_in.source or goal.name, heard_at or run.started_at)
    work = Work(tx, run.id, staged, goal.mode, domain_group, tuple(properties), said)
    await work.run("merge.prepare")
    aside = await put_aside(work)
    rows_staged = (await work.fetch("merge.count"))[0]["count"] + aside
    is_first = await merge_first.may_load(work, rows_staged)
    totals = await (_first(work, rows_staged) if is_first else _split(work))
    late = await late_counts(work)
    members = await merge_counts.by_member(work, is_planned=not is_first, has_late=bool(late))
    if goal.puts_on_lists or goal.judges_absent:
        await merge_profiles.note(work, is_planned=not is_first)
    await merge_profiles.note_exchanged(work, is_planned=not is_first)
    unsubscribed = await _hear_rejects(work) if goal.opt_in.says_no else Unsubscribed(0, 0)
    await work.run("merge.drop")
    await resolve.clear(work)
    return replace(_counted(goal.mode, rows_staged, totals, late, unsubscribed), members=members)


async def late_rejects(tx: Tx, staged: Staged) -> AsyncGenerator[list[LateReject], None]:
    """What the merge rejected in this transaction, in the order of the file, part by part; where it did at all."""
    text = statement("merge.late_page").replace("{late}", staged.table(LATE))
    after = 0
    while rows := await tx.connection.fetch(text, after, PART_ROWS):
        yield [
            LateReject(row["record_number"], row["line_number"], RejectCode(row["code"]), row["field"]) for row in rows
        ]
        after = rows[-1]["record_number"]


@dataclass(frozen=True, slots=True)
class _Totals:
    new_profiles: int = 0
    new_rows: int = 0
    changed_profiles: int = 0
    changed_rows: int = 0
    opt_ins_withheld: dict[str, int] = field(default_factory=dict)


async def _first(work: Work, rows_staged: int) -> _Totals:
    """Everything is new: no profile is looked for. A single row's sum always fits, so only folded ones are judged."""
    while True:
        is_folded = await _fold(work)
        unfit = await _reject_out_of_range(work, "{folded}") if is_folded else 0
        if not unfit and not await _reject_too_wide(work, is_folded=is_folded):
            break
    await _reject_conflicts(work)
    profiles = await merge_first.load(work, is_folded=is_folded)
    return _Totals(new_profiles=profiles, new_rows=rows_staged - sum((await late_counts(work)).values()))


async def _split(work: Work) -> _Totals:
    """Join first, then write what is changed and what is new, each in its own order."""
    while True:
        before = await resolve.snapshot(work)
        is_folded = await _fold(work)
        # Each round takes every row out of a profile that is unfit, and so it ends: at the latest with no row left.
        if await _reject_too_wide(work, is_folded=is_folded):
            continue
        await work.run("merge.plan", *work.said_args, **work.plan_slots(is_folded=is_folded))
        if work.is_resolved:
            await resolve.check(work, before)
        totals = dict((await work.fetch("merge.totals", **work.range_slots()))[0])
        if not totals.pop("unfit_profiles"):
            break
        await _reject_out_of_range(work, "{plan}")
    await _reject_conflicts(work)
    planned = _Totals(**totals)
    with identifiers_guarded():
        await _update(work, planned.changed_profiles)
        if work.mode is not Mode.UPDATE_ONLY and planned.new_profiles:
            await work.run("merge.insert", work.run_id, written=work.inserted())
    if work.says and work.mode is not Mode.CREATE_ONLY:
        rows = await work.tx.connection.fetch(work.withheld(is_folded=is_folded))
        return replace(planned, opt_ins_withheld={row["suppression"]: row["profiles"] for row in rows})
    return planned


async def _fold(work: Work) -> bool:
    """Fold the rows of profiles that the file names more than once, and say whether there are any."""
    while True:
        await work.run("merge.drop")
        if work.is_resolved:
            await resolve.resolve(work)
        if not await _names_any_twice(work):
            return False
        if not work.may_overflow or not await _too_wide(work, work.folded_width_slots()):
            await work.run("merge.fold", fold=work.fold())
            return True


async def _names_any_twice(work: Work) -> bool:
    """Whether the file names a profile more than once; the rows of such profiles are in {doubled} then."""
    if not work.may_repeat:
        return False
    may_name = (await work.fetch("merge.names_any_twice"))[0]["names_any_twice"]
    return may_name and await work.run("merge.separate_doubled") > 0


async def put_aside(work: Work) -> int:
    """Reject the rows that were too wide to be staged; how many."""
    return await work.reject("merge.put_aside", RejectCode.ROW_TOO_WIDE) if work.staged.is_guarded else 0


async def _reject_too_wide(work: Work, *, is_folded: bool) -> int:
    return await _too_wide(work, work.merged_width_slots(is_folded=is_folded)) if work.may_overflow else 0


async def _too_wide(work: Work, slots: dict[str, str]) -> int:
    return await work.reject("merge.reject_too_wide", RejectCode.ROW_TOO_WIDE, **slots)


async def _reject_out_of_range(work: Work, judged: str) -> int:
    sums = [column.shown for column in work.layout.sums]
    if not sums:
        return 0
    return await work.reject(
        "merge.reject_out_of_range", RejectCode.OUT_OF_RANGE, sums, **work.range_slots(judged=judged)
    )


async def _reject_conflicts(work: Work) -> None:
    if work.is_resolved:
        await resolve.reject_conflicts(work)


async def _hear_rejects(work: Work) -> Unsubscribed:
    """Unsubscribe whom rejected rows opt out, after all that good rows say: every profile that such a row names."""
    if not work.staged.names_rejects:
        return Unsubscribed(0, 0)
    source, at = work.said
    chosen = work.text("merge.opted_out_by_rejects", whom=profiles_named(work))
    return await consent.unsubscribe(work.tx, chosen, run_id=work.run_id, source=source, at=at)


async def late_counts(work: Work) -> dict[str, int]:
    """How many rows the merge rejected, by code."""
    if not (await work.fetch("merge.has_late", work.staged.table(LATE)))[0]["has_late"]:
        return {}
    return {row["code"]: row["rows"] for row in await work.fetch("merge.late_counts")}


async def _update(work: Work, expected: int) -> None:
    if expected == 0:
        return
    updated = await work.run("merge.update", work.run_id, assigned=work.assigned())
    if updated != expected:
        raise TransactionConflict(f"{expected - updated} profiles were changed by another transaction meanwhile")


def _counted(mode: Mode, rows_staged: int, totals: _Totals, late: dict[str, int], unsubscribed: Unsubscribed) -> Merged:
    rows = merge_counts.outcome(mode, rows_staged - sum(late.values()), totals.new_rows, totals.changed_rows, late)
    return Merged(
        rows_staged=rows_staged,
        created=rows.created,
        updated=rows.updated,
        unchanged=rows.unchanged,
        skipped_by_reason=rows.skipped_by_reason,
        late_rejects_by_code=late,
        profiles_affected=totals.changed_profiles
        + (totals.new_profiles if mode is not Mode.UPDATE_ONLY else 0)
        + unsubscribed.untouched,
        opt_outs_of_rejects=unsubscribed.profiles,
        opt_ins_withheld=totals.opt_ins_withheld,
    )
