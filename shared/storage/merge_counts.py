"""What a merge did to rows: to all of the run's, and to those of each file of an archive.

Every row takes its profile's outcome. A file's rows are known by their numbers, which go on from file to file: so they
need no column of their own, and a run of one file pays for none of it.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from shared.domain.merge import Mode
from shared.storage.merge_work import Work

EXISTING = "existing"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows by what became of them; those that were rejected before are none of them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped_by_reason: dict[str, int] = field(default_factory=dict)
    late_rejects_by_code: dict[str, int] = field(default_factory=dict)


def outcome(mode: Mode, judged: int, new: int, changed: int, late: dict[str, int]) -> Outcome:
    """What became of rows that were not rejected, of which so many are new profiles', and changed ones'."""
    skipped: dict[str, int] = {}
    match mode:
        case Mode.UPSERT | Mode.ALWAYS_CREATE:
            pass
        case Mode.CREATE_ONLY:
            skipped = {EXISTING: judged - new - changed}
        case Mode.UPDATE_ONLY:
            skipped, new = {UNKNOWN: new}, 0
    skipped = {reason: rows for reason, rows in skipped.items() if rows}
    return Outcome(new, changed, judged - new - changed - sum(skipped.values()), skipped, late)


async def by_member(work: Work, *, is_planned: bool, has_late: bool) -> tuple[Outcome, ...]:
    """What became of the rows of each file, in the order of `Staged.member_starts`; to be asked before {plan} goes.

    `is_planned`: whether there is a plan; else all rows made profiles. Nothing where there are not several files.
    """
    starts = list(work.staged.member_starts)
    if not starts:
        return ()
    rows = await work.fetch(f"merge_counts.{'planned_rows' if is_planned else 'rows'}", starts)
    found = {row["member"]: (row["rows"], row["new_rows"], row["changed_rows"]) for row in rows}
    late = await late_by_member(work) if has_late else {}
    return tuple(
        outcome(work.mode, *found.get(number, (0, 0, 0)), late.get(number, {})) for number in range(1, len(starts) + 1)
    )


async def late_by_member(work: Work) -> dict[int, dict[str, int]]:
    """The rows of each file that the merge rejected, by code; files are counted from 1. Only where it rejected any."""
    late: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for row in await work.fetch("merge_counts.late_rows", list(work.staged.member_starts)):
        late[row["member"]][row["code"]] = row["rows"]
    return late
