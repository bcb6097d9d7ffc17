"""Staging: a file's typed rows in an unlogged table of the account's schema, one table for each run and token.

Created and filled outside the transaction that merges it: staging alone commits as it goes. A table left behind is
dropped by whoever takes the run over. Writes the staging tables only.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from shared.domain.goal import AnyImport
from shared.domain.property import Property
from shared.domain.run import ClaimedRun
from shared.storage import columns, widths
from shared.storage.columns import Layout
from shared.storage.database import Connection, Record, Tx
from shared.storage.errors import translated
from shared.storage.statements import statement

ASIDE = "_w"
"""What the name of the table ends in that takes rows too wide to be staged."""

LATE = "_l"
"""What the name of the table ends in that takes rows which the merge rejects."""

NAMED = "_n"
"""What the name of the table ends in that says whom rejected rows name: see `named_rejects`."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A run's staging table: where it is and what its columns are."""

    schema: str
    name: str
    layout: Layout
    may_repeat: bool = True
    """Whether rows may name one profile twice by its only identifier; False where it is known that none does."""
    names_rejects: bool = False
    """Whether it is kept whom rejected rows name."""
    nameless_rejects: int = 0
    """Rows that were rejected before the merge, with none of the goal's identifiers readable, where names are kept."""
    member_starts: tuple[int, ...] = ()
    """The first record of each file of an archive, ascending, where there are several: rows are counted by file."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the CSV that `load` takes, in order: record_number, line_number, keys, values."""
        return self.layout.names

    @property
    def is_guarded(self) -> bool:
        """Whether a row can be too wide for a page, and is put beside the table then: see `widths`."""
        return widths.may_overflow(column.type for column in self.layout.staged)

    def table(self, suffix: str = "") -> str:
        """The quoted name of the table, or of one that the merge keeps beside it."""
        return f"{self.schema}.{columns.quoted(self.name + suffix)}"


def named(tx: Tx, run: ClaimedRun, layout: Layout) -> Staged:
    """Where a run's rows are staged."""
    return Staged(tx.schema, f"{_prefix(run.id)}{run.token}", layout)


async def create(tx: Tx, run: ClaimedRun, goal: AnyImport, properties: Sequence[Property]) -> Staged:
    """Make the staging table of a run and token. Raises InvalidGoal where the goal and the properties disagree."""
    staged = named(tx, run, columns.layout_of(goal, properties))
    staged = replace(staged, names_rejects=goal.wants_named_rejects and bool(staged.layout.kept))
    text = _text("create", staged).replace("{columns}", columns.definitions(staged.layout.staged))
    await tx.connection.execute(text)
    if staged.names_rejects:
        await tx.connection.execute(_text("name_rejects", staged))
    if staged.is_guarded:
        await tx.connection.execute(_text("guard", staged))
    return staged


async def load(connection: "Connection[Record]", staged: Staged, chunks: AsyncIterator[bytes]) -> int:
    """Copy CSV in UTF-8 into the table, `staged.columns` in order, unquoted nothing as null; how many rows.

    Commits by itself. Raises StorageUnavailable when the database does not answer.
    """
    with translated():
        status = await connection.copy_to_table(
            staged.name,
            source=chunks,
            columns=list(staged.columns),
            schema_name=staged.schema.strip('"'),
            format="csv",
            null="",
            encoding="utf-8",
        )
        if staged.is_guarded:
            return int(await connection.fetchval(_text("count_guarded", staged)))
    return int(status.rsplit(" ", 1)[-1])


async def load_named(connection: "Connection[Record]", staged: Staged, file: Path) -> None:
    """Copy a CSV of whom rejected rows name: record_number, the keys of `layout.kept`, opt_out.

    As `load`. Raises StorageUnavailable.
    """
    with translated():
        await connection.copy_to_table(
            staged.name + NAMED,
            source=file,
            columns=["record_number", *(key.name for key in staged.layout.kept), "opt_out"],
            schema_name=staged.schema.strip('"'),
            format="csv",
            null="",
            encoding="utf-8",
        )


async def analyze(tx: Tx, staged: Staged) -> None:
    """Let the planner know the rows, and the profiles if it knows nothing of them: joins take twice as long without.

    The same of events that rows tell of.

    Where there is no profile yet, nothing is joined and nothing need be known. In a transaction of its own: it would
    hold up another run's.
    """
    if not await tx.value("staging.has_profiles"):
        return
    joined = columns.listed(each.name for each in (*staged.layout.keys, *staged.layout.claimed)) or "record_number"
    await tx.connection.execute(_text("analyze", staged).replace("{joined}", joined))
    if await tx.value("staging.is_unknown", tx.schema.strip('"'), "profiles"):
        await tx.execute("staging.analyze_profiles")
    if staged.layout.told and await tx.value("staging.is_unknown", tx.schema.strip('"'), "events"):
        await tx.execute("staging.analyze_events")


async def drop(tx: Tx, staged: Staged) -> None:
    """Drop the table if it is there."""
    await tx.connection.execute(_text("drop", staged))


async def drop_all_of(tx: Tx, run_id: UUID) -> int:
    """Drop what a run has staged under any token: for takeover and settling; how many tables there were."""
    names = await tx.fetch("staging.tables", tx.schema.strip('"'), _prefix(run_id))
    for row in names:
        await drop(tx, Staged(tx.schema, row["relname"], Layout((), ())))
    return len(names)


def _prefix(run_id: UUID) -> str:
    return f"s_{run_id.hex}_"


def _text(name: str, staged: Staged) -> str:
    text = statement(f"staging.{name}").replace("{schema}", staged.schema)
    keys = columns.definitions(staged.layout.kept)
    named = columns.definitions((*staged.layout.kept, *staged.layout.words[:1]))
    slots = {
        "table": staged.table(),
        "aside": staged.table(ASIDE),
        "named": staged.table(NAMED),
        "keys": keys,
        "and_keys": f", {named}" if staged.names_rejects else "",
    }
    for slot, fragment in slots.items():
        text = text.replace("{" + slot + "}", fragment)
    return text
