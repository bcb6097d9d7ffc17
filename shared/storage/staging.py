"""Staging: a file's typed rows in an unlogged table of the account's schema, one table for each run and token.

Created and filled outside the transaction that merges it: staging alone commits as it goes. A table left behind is
dropped by whoever takes the run over. Writes the staging tables only.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.domain.goal import ImportGoal
from shared.domain.property import Property
from shared.domain.run import ClaimedRun
from shared.storage import columns
from shared.storage.columns import Layout
from shared.storage.database import Connection, Record, Tx
from shared.storage.errors import translated
from shared.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Staged:
    """A run's staging table: where it is and what its columns are."""

    schema: str
    name: str
    layout: Layout

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the CSV that `load` takes, in order: record_number, line_number, keys, values."""
        return self.layout.names

    def table(self, suffix: str = "") -> str:
        """The quoted name of the table, or of one that the merge keeps beside it."""
        return f"{self.schema}.{columns.quoted(self.name + suffix)}"


def named(tx: Tx, run: ClaimedRun, layout: Layout) -> Staged:
    """Where a run's rows are staged."""
    return Staged(tx.schema, f"{_prefix(run.id)}{run.token}", layout)


async def create(tx: Tx, run: ClaimedRun, goal: ImportGoal, properties: Sequence[Property]) -> Staged:
    """Make the staging table of a run and token. Raises InvalidGoal where the goal and the properties disagree."""
    staged = named(tx, run, columns.layout_of(goal, properties))
    text = statement("staging.create").replace("{table}", staged.table())
    await tx.connection.execute(text.replace("{columns}", columns.definitions(staged.layout)))
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
    return int(status.rsplit(" ", 1)[-1])


async def analyze(tx: Tx, staged: Staged) -> None:
    """Let the planner know the rows, and the profiles if it knows nothing of them: joins take twice as long without.

    In a transaction of its own: it would hold up another run's.
    """
    await tx.connection.execute(statement("staging.analyze").replace("{table}", staged.table()))
    if await tx.value("staging.is_unknown", f"{tx.schema}.profiles"):
        await tx.execute("staging.analyze_profiles")


async def drop(tx: Tx, staged: Staged) -> None:
    """Drop the table if it is there."""
    await _drop(tx, staged.table())


async def drop_all_of(tx: Tx, run_id: UUID) -> int:
    """Drop what a run has staged under any token: for takeover and settling; how many tables there were."""
    names = await tx.fetch("staging.tables", tx.schema.strip('"'), _prefix(run_id))
    for row in names:
        await _drop(tx, f"{tx.schema}.{columns.quoted(row['relname'])}")
    return len(names)


def _prefix(run_id: UUID) -> str:
    return f"s_{run_id.hex}_"


async def _drop(tx: Tx, table: str) -> None:
    await tx.connection.execute(statement("staging.drop").replace("{table}", table))
