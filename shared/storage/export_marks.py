"""What exports of changes remember: the moment of the last delivered one, and whom it told of.

A moment is a snapshot and not a time: transactions that were under way then are told by the next export, however long
they take (https://www.postgresql.org/docs/15/functions-info.html, "Transaction ID and Snapshot Information"). Writes
`export_marks` and `export_sets`. Nothing here commits; the transaction is the one that ends the run.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.domain.run import ClaimedRun
from shared.storage.copy_out import copy_out
from shared.storage.database import Tx
from shared.storage.errors import translated
from shared.storage.selections.selection import Selection

_TOLD = ("goal_id", "part", "block", "bits")


@dataclass(frozen=True, slots=True)
class Moment:
    """What one snapshot sees, in which cluster."""

    snapshot: str
    """As `pg_snapshot` is written."""
    system_identifier: int
    """Of the cluster, whose transaction numbers mean nothing in another."""
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """The moment of a goal's last delivered export."""

    moment: Moment
    goal_version: int
    requested_at: datetime
    """When the run was asked for."""


async def last(tx: Tx, goal_id: UUID) -> Mark | None:
    """The goal's mark; None where nothing was delivered yet."""
    row = await tx.row("export_marks.last", goal_id, tx.account_id)
    if row is None:
        return None
    moment = Moment(row["snapshot"], row["system_identifier"], row["taken_at"])
    return Mark(moment, row["goal_version"], row["queued_at"])


async def parts(tx: Tx, goal_id: UUID) -> tuple[str, ...]:
    """What the goal's last delivered export told of anybody: see `selections.news`."""
    return tuple([row["part"] for row in await tx.fetch("export_marks.parts", goal_id)])


async def present(tx: Tx) -> Moment:
    """The moment that the transaction sees. Of one that is no snapshot only the cluster is of use."""
    row = await tx.row("export_marks.present")
    assert row is not None
    return Moment(row["snapshot"], row["system_identifier"], row["taken_at"])


async def spool_told(tx: Tx, told: Selection, path: Path) -> None:
    """Write down locally whom an export tells of, as `keep` takes it. `tx` must be the export's snapshot."""
    with path.open("xb") as file:

        async def write(block: bytes) -> None:
            await asyncio.to_thread(file.write, block)

        await copy_out(tx, told, write)


async def keep(tx: Tx, run: ClaimedRun, moment: Moment, told: Path | None) -> None:
    """The run's files were delivered: move the goal's mark to their moment, and remember whom they told of, if any.

    Of a goal that was deleted meanwhile nothing is remembered.
    """
    await tx.execute(
        "export_marks.put",
        run.goal_id,
        run.goal_version,
        run.id,
        moment.snapshot,
        moment.system_identifier,
        moment.taken_at,
    )
    await tx.execute("export_marks.forget_told", run.goal_id)
    if told is not None:
        with translated():
            await tx.connection.copy_to_table(
                "export_sets", schema_name=tx.schema.strip('"'), source=told, columns=_TOLD, format="text"
            )
    # Asked last, so that who changes the goal waits for the end of this transaction and not for what is written above.
    if not await tx.value("export_marks.hold_goal", tx.account_id, run.goal_id):
        await forget(tx, run.goal_id)


async def forget(tx: Tx, goal_id: UUID) -> None:
    """A goal is taken away: there is no next export that would go by what it told."""
    await tx.execute("export_marks.forget_told", goal_id)
    await tx.execute("export_marks.forget_mark", goal_id)
