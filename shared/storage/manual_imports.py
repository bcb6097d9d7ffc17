"""Manual imports: a file that a client sent becomes an arrival and a run of its goal. Writes no table of its own.

An import is known by its run, its settings by a goal of the built-in connection, one goal a name: the same name again
with other settings is that goal's next version. Nothing here commits.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.domain.arrival import FileStamp
from shared.domain.goal import AnyImport
from shared.observe import tracing
from shared.storage import arrivals, built_in_connections, goals, kept_files, outbox, runs
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.goals import StoredGoal
from shared.storage.kept_files import KeptFile

KEPT_SECONDS = 7 * 86_400.0
"""How long a file is kept after it was sent, after somebody decided about its run, and after its run has ended."""


async def goal_of_name(tx: Tx, connection: StoredConnection, name: str) -> StoredGoal | None:
    """The goal of earlier imports of that name. The caller holds the connection."""
    found = await goals.page(tx, connection.id, goals.GoalFilter(name=name), 1)
    return found[0] if found else None


async def start(
    tx: Tx, connection: StoredConnection, goal: AnyImport, file: KeptFile, *, email: str | None, saved_by: UUID
) -> UUID:
    """Save the settings, and make an arrival and a run of the file; the run. The caller holds the connection.

    Raises KeptFileGone.
    """
    await kept_files.keep_longer(tx, file.id, KEPT_SECONDS)
    known = await goal_of_name(tx, connection, goal.name)
    if known is None:
        stored = await goals.create(tx, connection.id, goal, email=email, saved_by=saved_by)
    else:
        stored = await goals.update(tx, known.id, goal, saved_by=saved_by)
    stamp = FileStamp(path=file.name, size_bytes=file.size_bytes, modified_at=await arrivals.clock(tx))
    arrival_id = await arrivals.insert_kept(tx, connection.id, stamp, file.id, file.sha256)
    with tracing.span("arrival", kind="sends", account_id=str(tx.account_id), arrival_id=str(arrival_id)):
        trace = tracing.traceparent()
    new = runs.NewRun("import", stored.id, stamp.modified_at, stamp.path, arrival_id=arrival_id, traceparent=trace)
    run_id = await runs.create(tx, new)
    assert run_id is not None, "the arrival is new"
    await outbox.ring_run(tx, run_id, "import", trace)
    return run_id


async def keep_file_of(tx: Tx, arrival_id: UUID) -> None:
    """Somebody decided about a run of it, or it has ended: keep its file from now on. Raises KeptFileGone."""
    arrival = await arrivals.get(tx, arrival_id)
    if arrival is not None and arrival["kept_file_id"] is not None:
        await kept_files.keep_longer(tx, arrival["kept_file_id"], KEPT_SECONDS)


async def has_taken(tx: Tx, file_id: UUID) -> bool:
    """Whether an import was made of a kept file. The file is held until the transaction ends, so that none is now."""
    name = await kept_files.hold(tx, file_id)
    connection_id = await built_in_connections.find_manual(tx)
    return await tx.value("manual_imports.of_file", tx.account_id, connection_id, name, file_id) is not None


@dataclass(frozen=True, slots=True)
class ImportFilter:
    """Which manual imports a list shows; None is any. `before` is the (queued_at, id) of the last one seen."""

    name: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None


async def page(tx: Tx, chosen: ImportFilter, limit: int) -> list[dict[str, Any]]:
    """Manual imports, newest first, each with the goals that it leads."""
    connection_id = await built_in_connections.find_manual(tx)
    if connection_id is None:
        return []
    before = chosen.before or (None, None)
    rows = await tx.fetch(
        "manual_imports.page",
        tx.account_id,
        connection_id,
        chosen.name,
        chosen.state,
        chosen.since,
        chosen.until,
        *before,
        limit,
    )
    return await _with_led(tx, [dict(row) for row in rows])


async def get(tx: Tx, import_id: UUID) -> dict[str, Any] | None:
    """One manual import."""
    row = await tx.row("manual_imports.get", tx.account_id, await built_in_connections.find_manual(tx), import_id)
    return None if row is None else (await _with_led(tx, [dict(row)]))[0]


async def _with_led(tx: Tx, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    led = await tx.fetch("leading.led", tx.account_id, [str(each["run_id"]) for each in found])
    return [{**each, "leads": [dict(goal) for goal in led if goal["import_id"] == each["run_id"]]} for each in found]
