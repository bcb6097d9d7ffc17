"""The ledger's arrivals: every file that was ever seen, and what became of it. Writes `arrivals`."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from shared.domain.arrival import ArrivalState, FileStamp
from shared.storage.database import Record, Session, Tx

UNTOUCHED = (ArrivalState.WAITING, ArrivalState.UNMATCHED)
"""States of files that have not been taken."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A state with its reason."""

    state: ArrivalState
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a file that lies in a drop folder, or left it since a look began."""

    id: UUID
    file: FileStamp
    upload_id: UUID | None
    seen_at: datetime
    stamped_at: datetime
    vanished_at: datetime | None
    explained: Explained
    overdue_at: datetime | None = None

    @property
    def state(self) -> ArrivalState:
        """How it stands."""
        return self.explained.state


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as it was seen, and what that makes of it; on a hosted folder with its upload."""

    file: FileStamp
    as_: Explained
    upload_id: UUID | None = None


async def clock(tx: Tx) -> datetime:
    """The database's time."""
    now: datetime = await tx.value("arrivals.clock")
    return now


async def lock_connection(tx: Tx, connection_id: UUID) -> None:
    """Write arrivals of one connection one at a time."""
    await tx.row("arrivals.lock_connection", tx.account_id, connection_id)


async def present(tx: Tx, connection_id: UUID, looked_at: datetime, paths: Sequence[str]) -> list[Known]:
    """What is known to lie under these paths, and what has gone since `looked_at`."""
    told: dict[Explained, Explained] = {}
    known = []
    # Not the same reason thousands of times.
    for row in await tx.fetch("arrivals.present", tx.account_id, connection_id, looked_at, paths):
        why = Explained(ArrivalState(row["state"]), row["reason_code"], row["reason_detail"])
        known.append(
            Known(
                id=row["arrival_id"],
                file=FileStamp(path=row["path"], size_bytes=row["size_bytes"], modified_at=row["modified_at"]),
                upload_id=row["upload_id"],
                seen_at=row["seen_at"],
                stamped_at=row["stamped_at"],
                vanished_at=row["vanished_at"],
                explained=told.setdefault(why, why),
                overdue_at=row["overdue_at"],
            )
        )
    return known


async def plan_anew(tx: Tx) -> None:
    """Have what the transaction asks from now on planned by how much there is now: it asks for thousands of files."""
    await tx.execute("arrivals.plan_anew")


async def put_away(tx: Tx, connection_id: UUID, paths: Sequence[str]) -> set[FileStamp]:
    """What lies under these paths where arrivals of the connection were put away there, and are as they came."""
    rows = await tx.fetch("arrivals.put_away", tx.account_id, connection_id, paths) if paths else []
    return {file for row in rows for file in _as_it_came(row, row["settled_path"])}


async def being_marked(tx: Tx, connection_id: UUID, paths: Sequence[str]) -> set[FileStamp]:
    """What came under these paths and is being put away: it may lie elsewhere, and nobody has written down where."""
    rows = await tx.fetch("arrivals.being_marked", tx.account_id, connection_id, paths) if paths else []
    return {file for row in rows for file in _as_it_came(row, row["path"])}


def _as_it_came(row: Record, path: str) -> Iterator[FileStamp]:
    """Of a file that was uploaded also with the time that its client has set since."""
    for modified_at in (row["modified_at"], row["uploaded_modified_at"]):
        if modified_at is not None:
            yield FileStamp(path=path, size_bytes=row["size_bytes"], modified_at=modified_at)


async def lying(tx: Tx, connection_id: UUID, seen_before: datetime) -> AsyncIterator[tuple[UUID, str]]:
    """Id and path of all that is known to lie there and was seen before; a folder may hold 200,000 files."""
    async for row in tx.stream("arrivals.lying", tx.account_id, connection_id, seen_before):
        yield row["arrival_id"], row["path"]


async def lies_anything(tx: Tx, drop_folder_id: UUID) -> bool:
    """Whether anything is known to lie in a hosted folder, whether or not a connection watches it."""
    lies_anything: bool = await tx.value("arrivals.lies_anything", tx.account_id, drop_folder_id)
    return lies_anything


async def has_left(tx: Tx, upload_id: UUID) -> bool:
    """Whether the file of an upload was an arrival and lies there no longer."""
    has_left: bool = await tx.value("arrivals.has_left", tx.account_id, upload_id)
    return has_left


async def insert(tx: Tx, connection_id: UUID, sightings: Sequence[Sighting]) -> list[UUID | None]:
    """New sightings of files, in their order; None for an upload that has its arrival already.

    The caller holds the connection by `lock_connection`.
    """
    if not sightings:
        return []
    arrival_ids = [uuid4() for _ in sightings]
    rows = await tx.fetch(
        "arrivals.insert",
        tx.account_id,
        connection_id,
        arrival_ids,
        [each.file.path for each in sightings],
        *_stamps(sightings),
        *_reasons([each.as_ for each in sightings]),
    )
    made = {row["arrival_id"] for row in rows}
    return [arrival_id if arrival_id in made else None for arrival_id in arrival_ids]


async def insert_kept(tx: Tx, connection_id: UUID, file: FileStamp, kept_file_id: UUID, sha256: str) -> UUID:
    """A file that a client sent whole: accepted at once, and read from where it is kept.

    The caller holds the connection.
    """
    arrival_id: UUID = await tx.value(
        "arrivals.insert_kept",
        tx.account_id,
        connection_id,
        file.path,
        file.size_bytes,
        file.modified_at,
        kept_file_id,
        sha256,
    )
    return arrival_id


async def insert_named(tx: Tx, connection_id: UUID, path: str) -> tuple[UUID, datetime]:
    """A file that a request names and that nobody has looked at; its identity, and when that was.

    The caller holds the connection.
    """
    row = await tx.row("arrivals.insert_named", tx.account_id, connection_id, path)
    assert row is not None
    return row["arrival_id"], row["modified_at"]


async def stamp(tx: Tx, arrival_id: UUID, file: FileStamp) -> None:
    """What a file that a request named is, once somebody looked."""
    await tx.execute("arrivals.stamp", tx.account_id, arrival_id, file.size_bytes, file.modified_at)


async def restamp(tx: Tx, changed: Mapping[UUID, Sighting]) -> None:
    """Files that were not accepted yet changed; they wait anew."""
    if changed:
        sightings = list(changed.values())
        reasons = _reasons([each.as_ for each in sightings])
        await tx.execute("arrivals.restamp", tx.account_id, list(changed), *_stamps(sightings), *reasons)


async def tell_uploads(tx: Tx, uploads: Mapping[UUID, UUID]) -> None:
    """By which uploads files came that were accepted before these were told."""
    await tx.execute("arrivals.tell_uploads", tx.account_id, list(uploads), list(uploads.values()))


async def explain(tx: Tx, explained: Mapping[UUID, Explained]) -> None:
    """Why files still wait, or that no goal takes them."""
    if explained:
        reasons = _reasons(list(explained.values()))
        await tx.execute("arrivals.explain", tx.account_id, list(explained), *reasons)


async def wait_all(tx: Tx, connection_id: UUID, why: Explained) -> None:
    """All files of a connection that wait do so for this now."""
    await tx.execute("arrivals.wait_all", tx.account_id, connection_id, why.code, why.detail)


def _stamps(sightings: Sequence[Sighting]) -> tuple[list[int], list[datetime], list[UUID | None]]:
    return (
        [each.file.size_bytes for each in sightings],
        [each.file.modified_at for each in sightings],
        [each.upload_id for each in sightings],
    )


def _reasons(explained: Sequence[Explained]) -> tuple[list[str], list[str | None], list[str | None]]:
    return (
        [each.state.value for each in explained],
        [each.code for each in explained],
        [each.detail for each in explained],
    )


async def accept(tx: Tx, arrival_ids: Sequence[UUID]) -> None:
    """The files are complete; the caller makes their runs in the same transaction."""
    await tx.execute("arrivals.accept", tx.account_id, arrival_ids)


async def expect(tx: Tx, hashes: Mapping[UUID, str]) -> None:
    """Which SHA-256 files must have that are taken."""
    if hashes:
        await tx.execute("arrivals.expect", tx.account_id, list(hashes), list(hashes.values()))


async def set_overdue(tx: Tx, arrival_ids: Sequence[UUID]) -> None:
    """Files are not complete in time; the caller tells."""
    await tx.execute("arrivals.set_overdue", tx.account_id, arrival_ids)


async def vanish(tx: Tx, arrival_ids: Sequence[UUID]) -> None:
    """The files lie there no longer, or others lie under their names."""
    await tx.execute("arrivals.vanish", tx.account_id, arrival_ids)


async def expire(tx: Tx, arrival_ids: Sequence[UUID], why: str) -> set[UUID]:
    """The files are removed, because their folder has kept them for long enough; of which that was not told before."""
    return {row["arrival_id"] for row in await tx.fetch("arrivals.expire", tx.account_id, arrival_ids, why)}


async def keep(tx: Tx, arrival_ids: Sequence[UUID]) -> None:
    """The files of these are not removed after all."""
    if arrival_ids:
        await tx.execute("arrivals.keep", tx.account_id, arrival_ids)


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


async def keep_settling(tx: Tx, arrival_id: UUID, lease_seconds: float) -> bool:
    """Go on marking the file; False where a run of it was retried meanwhile."""
    return await tx.row("arrivals.keep_settling", tx.account_id, arrival_id, lease_seconds) is not None


async def settle(tx: Tx, arrival_id: UUID, as_: str, path: str | None, *, is_gone: bool) -> None:
    """The file was marked as `as_`, and lies at `path` now where that is known."""
    await tx.execute("arrivals.settle", tx.account_id, arrival_id, as_, path, is_gone)


async def reopen(tx: Tx, arrival_id: UUID) -> None:
    """A run of it is retried: the file is marked, or marked again, when that run has ended.

    The settled path stays: there the file lies now, and is read from.
    """
    await tx.execute("arrivals.reopen", tx.account_id, arrival_id)


async def postpone_settling(tx: Tx, arrival_id: UUID, seconds: float, longest_seconds: float = 0) -> None:
    """It did not work; the sweeper rings again after so long, and after up to the longest where it has waited long."""
    await tx.execute("arrivals.stop_settling", tx.account_id, arrival_id, seconds, longest_seconds)


async def unsettled(
    watch: Session, seconds: float, at_most: int = 200, *, of_one_account: int = 50
) -> list[tuple[UUID, UUID]]:
    """(account, arrival) whose runs ended longer ago than that and whose file is not marked, accounts in turn."""
    found = await watch.fetch("arrivals.unsettled", seconds, at_most, of_one_account)
    return [(row["account_id"], row["arrival_id"]) for row in found]


async def leave_behind(tx: Tx, connection_id: UUID) -> None:
    """The connection is taken away: its files are left where they lie, and nobody waits for them any more."""
    await tx.execute("arrivals.leave_unmarked", tx.account_id, connection_id)
    await tx.execute("arrivals.leave_unread", tx.account_id, connection_id)


@dataclass(frozen=True, slots=True)
class ArrivalFilter:
    """Which arrivals a list shows; None is any. `before` is the (seen_at, id) of the last one seen."""

    connection_id: UUID | None = None
    state: str | None = None
    path_prefixes: Sequence[str] | None = None
    paths: Sequence[str] | None = None
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
        chosen.path_prefixes,
        chosen.paths,
        chosen.since,
        chosen.until,
        seen_at,
        arrival_id,
        limit,
    )
    return [dict(row) for row in rows]
