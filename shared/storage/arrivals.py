"""The ledger's arrivals: every file that was ever seen, and what became of it. Writes `arrivals`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.domain.arrival import ArrivalState, FileStamp
from shared.storage.database import Session, Tx


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a file that lies in a drop folder, or left it since a look began."""

    id: UUID
    file: FileStamp
    state: ArrivalState
    upload_id: UUID | None
    seen_at: datetime
    stamped_at: datetime
    vanished_at: datetime | None
    reason_code: str | None


@dataclass(frozen=True, slots=True)
class Explained:
    """A state with its reason."""

    state: ArrivalState
    code: str | None = None
    detail: str | None = None


async def clock(tx: Tx) -> datetime:
    """The database's time."""
    now: datetime = await tx.value("arrivals.clock")
    return now


async def lock_connection(tx: Tx, connection_id: UUID) -> None:
    """Write arrivals of one connection one at a time."""
    await tx.row("arrivals.lock_connection", tx.account_id, connection_id)


async def present(tx: Tx, connection_id: UUID, looked_at: datetime, path: str | None = None) -> list[Known]:
    """What is known to lie there, of all paths or of one, and what has gone since `looked_at`."""
    rows = await tx.fetch("arrivals.present", tx.account_id, connection_id, looked_at, path)
    return [
        Known(
            id=row["arrival_id"],
            file=FileStamp(path=row["path"], size_bytes=row["size_bytes"], modified_at=row["modified_at"]),
            state=ArrivalState(row["state"]),
            upload_id=row["upload_id"],
            seen_at=row["seen_at"],
            stamped_at=row["stamped_at"],
            vanished_at=row["vanished_at"],
            reason_code=row["reason_code"],
        )
        for row in rows
    ]


async def insert(tx: Tx, connection_id: UUID, file: FileStamp, upload_id: UUID | None, as_: Explained) -> UUID | None:
    """A new sighting of a file; None where the upload has its arrival already.

    The caller holds the connection by `lock_connection`.
    """
    arrival_id: UUID | None = await tx.value(
        "arrivals.insert",
        tx.account_id,
        connection_id,
        file.path,
        file.size_bytes,
        file.modified_at,
        upload_id,
        as_.state.value,
        as_.code,
        as_.detail,
    )
    return arrival_id


async def restamp(tx: Tx, arrival_id: UUID, file: FileStamp, upload_id: UUID | None, as_: Explained) -> None:
    """A file that was not accepted yet changed; it waits anew."""
    await tx.execute(
        "arrivals.restamp",
        tx.account_id,
        arrival_id,
        file.size_bytes,
        file.modified_at,
        upload_id,
        as_.state.value,
        as_.code,
        as_.detail,
    )


async def explain(tx: Tx, arrival_id: UUID, as_: Explained) -> None:
    """Why a file still waits, or that no goal takes it."""
    await tx.execute("arrivals.explain", tx.account_id, arrival_id, as_.state.value, as_.code, as_.detail)


async def accept(tx: Tx, arrival_id: UUID) -> None:
    """The file is complete; the caller makes its runs in the same transaction."""
    await tx.execute("arrivals.accept", tx.account_id, arrival_id)


async def vanish(tx: Tx, arrival_ids: list[UUID]) -> None:
    """The files lie there no longer, or others lie under their names."""
    await tx.execute("arrivals.vanish", tx.account_id, arrival_ids)


async def get(tx: Tx, arrival_id: UUID) -> dict[str, Any] | None:
    """One arrival as a mapping; `is_latest_upload` says whether no later upload took its path."""
    row = await tx.row("arrivals.get", tx.account_id, arrival_id)
    return None if row is None else dict(row)


async def set_sha256(tx: Tx, arrival_id: UUID, sha256: str) -> None:
    """Note what the file's bytes were."""
    await tx.execute("arrivals.set_sha256", tx.account_id, arrival_id, sha256)


async def runs_of(tx: Tx, arrival_id: UUID) -> list[dict[str, Any]]:
    """The runs of an arrival: run_id, goal_id, goal_version, state."""
    return [dict(row) for row in await tx.fetch("arrivals.runs_of", tx.account_id, arrival_id)]


async def begin_settling(tx: Tx, arrival_id: UUID, lease_seconds: float) -> bool:
    """Take the marking of the file; False while a run is open, when it is done, or when another does it."""
    await tx.row("arrivals.lock", tx.account_id, arrival_id)
    return await tx.row("arrivals.begin_settling", tx.account_id, arrival_id, lease_seconds) is not None


async def settle(tx: Tx, arrival_id: UUID, as_: str, path: str | None, *, is_gone: bool) -> None:
    """The file was marked as `as_`, and lies at `path` now where that is known."""
    await tx.execute("arrivals.settle", tx.account_id, arrival_id, as_, path, is_gone)


async def reopen(tx: Tx, arrival_id: UUID) -> None:
    """A run of it is retried: the file is marked, or marked again, when that run has ended.

    The settled path stays: there the file lies now, and is read from.
    """
    await tx.execute("arrivals.reopen", tx.account_id, arrival_id)


async def postpone_settling(tx: Tx, arrival_id: UUID, seconds: float) -> None:
    """It did not work; the sweeper rings again after so long."""
    await tx.execute("arrivals.stop_settling", tx.account_id, arrival_id, seconds)


async def unsettled(watch: Session, seconds: float) -> list[tuple[UUID, UUID]]:
    """(account, arrival) whose runs ended longer ago than that and whose file is not marked."""
    return [(row["account_id"], row["arrival_id"]) for row in await watch.fetch("arrivals.unsettled", seconds)]


async def leave_behind(tx: Tx, connection_id: UUID) -> None:
    """The connection is taken away: its files are left where they lie, and nobody waits for them any more."""
    await tx.execute("arrivals.leave_unmarked", tx.account_id, connection_id)
    await tx.execute("arrivals.leave_unread", tx.account_id, connection_id)


@dataclass(frozen=True, slots=True)
class ArrivalFilter:
    """Which arrivals a list shows; None is any. `before` is the (seen_at, id) of the last one seen."""

    connection_id: UUID | None = None
    state: str | None = None
    path_prefix: str | None = None
    path: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None


async def page(tx: Tx, chosen: ArrivalFilter, limit: int) -> list[dict[str, Any]]:
    """Arrivals, newest first."""
    seen_at, arrival_id = chosen.before or (None, None)
    rows = await tx.fetch(
        "arrivals.page",
        tx.account_id,
        chosen.connection_id,
        chosen.state,
        chosen.path_prefix,
        chosen.path,
        chosen.since,
        chosen.until,
        seen_at,
        arrival_id,
        limit,
    )
    return [dict(row) for row in rows]
