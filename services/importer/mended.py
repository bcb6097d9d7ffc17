"""Whether a file hands rejects of an earlier run back, and of which: told by the columns that we wrote ourselves.

What a partner writes into them is believed only as far as the ledger bears it out: a run of the same goal that has
ended. Rows are imported whatever it says; the link alone depends on it.
"""

from dataclasses import dataclass, field
from uuid import UUID

import polars as pl

from services.importer.tools import Tools
from shared.domain.reject import OWN_COLUMNS, RUN_COLUMNS, RejectCode, as_run_id, ends_as_ours, hands_back
from shared.domain.trimmed import folded
from shared.processing.file_columns import FileColumns
from shared.runtime.desk import Desk
from shared.storage import runs

MOST_NAMED = 100
"""Different runs named that are looked at; a file of rejects has one."""

_CODES = [code.value for code in RejectCode]


@dataclass(slots=True)
class Mended:
    """What the rows of a file say of the runs whose rejects they are."""

    column: str | None
    """The column of the frame that names the run; None where there is none."""
    has_header: bool
    is_mending: bool
    """Whether rejects come back with this file. Of one without a header its rows tell."""
    named: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, columns: FileColumns, *, has_header: bool) -> "Mended":
        """Before the first row of a file with these columns."""
        if not has_header:
            can_be = len(columns.columns) > len(OWN_COLUMNS)
            return cls(columns.columns[-1].key if can_be else None, has_header=False, is_mending=False)
        if not hands_back(each.name for each in columns.columns):
            return cls(None, has_header=True, is_mending=False)
        # A person may have put a second set of these columns behind the first: the last one was written last.
        keys = [each.key for each in columns.columns if folded(each.name or "") in RUN_COLUMNS]
        return cls(keys[-1], has_header=True, is_mending=True)

    def see(self, frame: pl.DataFrame) -> None:
        """Rows of the file, before anything is made of them."""
        if self.column is None or not frame.height:
            return
        if not self.has_header and not self.is_mending:
            tail = frame[:, -len(OWN_COLUMNS) - 1 :]
            likely = tail.filter(pl.nth(2).is_in(_CODES), pl.nth(5).str.contains("^[0-9a-f-]{36}$"))
            self.is_mending = any(ends_as_ours(row) for row in likely.iter_rows())
        if self.is_mending and len(self.named) <= MOST_NAMED:
            self.named.update(frame[self.column].unique().head(MOST_NAMED + 1))


async def parent_of(mended: Mended, *, is_idempotent: bool, tools: Tools, desk: Desk) -> UUID | None:
    """The one run whose rejects the file hands back; told where that cannot be said. Raises StorageUnavailable."""
    if not mended.is_mending:
        return None
    named = {found for found in map(as_run_id, mended.named) if found is not None}
    async with tools.database.account(desk.run.account_id) as tx:
        known = await runs.mendable(tx, desk.run, sorted(named))
    if len(known) > 1:
        detail = f"The file hands back rejects of {len(known)} runs, and is linked to none of them."
        desk.warn("mends_several_runs", detail, "Nothing; to link them, drop the rejects of each run as one file.")
    elif not known:
        detail = "The file hands rejects back, but its last column names no run of this goal that has ended."
        desk.warn("mends_unknown_run", detail, "Nothing; to have runs linked, leave that column as it was written.")
    elif not is_idempotent and any(known.values()):
        detail = "Rejects of the same run had come back before: what stands in both files was added twice."
        desk.warn("mended_before", detail, "See mended_by of the run, and mend from its latest rejects.csv.")
    return next(iter(known)) if len(known) == 1 else None
