"""Uploads to hosted folders: what clients did there. Writes `uploads`; the dropserver calls, others read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.arrival import FileStamp
from shared.storage.database import Database, Record, Tx


@dataclass(frozen=True, slots=True)
class Upload:
    """The latest upload of one path. `state` is open, closed or broken."""

    id: UUID
    path: str
    state: str
    size_bytes: int | None
    modified_at: datetime | None
    closed_at: datetime | None


async def hold(tx: Tx, drop_folder_id: UUID, path: str) -> None:
    """Keep others from beginning, renaming, deleting or marking a file under that path until this transaction ends.

    Of two that begin at once each would miss the other: neither would be broken off, and the one that is opened first
    could be the one whose file lies there in the end.
    """
    await tx.execute("uploads.hold", drop_folder_id, path)


async def hold_of_arrival(tx: Tx, arrival_id: UUID) -> None:
    """The same for the path of an arrival in a hosted folder; nothing where it came from elsewhere."""
    await tx.execute("uploads.hold_of_arrival", tx.account_id, arrival_id)


async def open_(tx: Tx, drop_folder_id: UUID, path: str) -> UUID:
    """A client opened a file for writing. The caller holds the path, and has broken off what was under way of it."""
    upload_id: UUID = await tx.value("uploads.open", tx.account_id, drop_folder_id, path)
    return upload_id


async def close(tx: Tx, upload_id: UUID, size_bytes: int, modified_at: datetime) -> bool:
    """A client closed what it had opened; False when it was closed or broken already."""
    return await tx.row("uploads.close", tx.account_id, upload_id, size_bytes, modified_at) is not None


async def break_off(tx: Tx, upload_id: UUID) -> bool:
    """The session ended without a CLOSE; False where it was closed or broken already."""
    return await tx.execute("uploads.break", tx.account_id, upload_id) > 0


async def is_under_way(tx: Tx, upload_id: UUID) -> bool:
    """Whether nothing has ended that upload yet."""
    return await tx.value("uploads.is_open", tx.account_id, upload_id) is not None


async def is_whole(tx: Tx, drop_folder_id: UUID, path: str, *, stays: bool = False) -> bool:
    """Whether a file that lies there was uploaded to its end, or has come by no upload at all.

    `stays`: it is not ended otherwise until this transaction is over, and who ends it now is waited for.
    """
    if stays:
        await tx.row("uploads.lock_latest", tx.account_id, drop_folder_id, path)
    found = (await latest(tx, drop_folder_id, [path])).get(path)
    return found is None or found.state == "closed"


async def leave(tx: Tx, drop_folder_id: UUID, path: str) -> None:
    """A client took a file away from there: what lies there next is not of its uploads. The caller holds the path."""
    await tx.execute("uploads.leave", tx.account_id, drop_folder_id, path)


async def arrive(tx: Tx, drop_folder_id: UUID, file: FileStamp) -> UUID:
    """A client gave a whole file that name: an upload, complete at once.

    The caller holds the path, and has broken off what was under way of it.
    """
    upload_id: UUID = await tx.value(
        "uploads.arrive", tx.account_id, drop_folder_id, file.path, file.size_bytes, file.modified_at
    )
    return upload_id


async def retime(tx: Tx, upload_id: UUID, modified_at: datetime) -> bool:
    """A client set the time of a complete file, as some do after the upload; False where it is not complete."""
    return await tx.row("uploads.retime", tx.account_id, upload_id, modified_at) is not None


async def under_way(database: Database, upload_ids: Collection[UUID]) -> set[UUID]:
    """Which of these are under way, whosever they are."""
    async with database.watching() as watch:
        rows = await watch.fetch("uploads.under_way", sorted(upload_ids))
    return {row["upload_id"] for row in rows}


async def get(tx: Tx, upload_id: UUID) -> tuple[Upload | None, UUID | None]:
    """One upload and the connection that watches its folder, if there are such."""
    row = await tx.row("uploads.get", tx.account_id, upload_id)
    return (None, None) if row is None else (_upload(row), row["connection_id"])


async def latest(tx: Tx, drop_folder_id: UUID, paths: Sequence[str]) -> dict[str, Upload]:
    """The latest upload of each of these paths of a folder."""
    rows = await tx.fetch("uploads.latest", tx.account_id, drop_folder_id, paths)
    return {row["path"]: _upload(row) for row in rows}


async def latest_of_connection(tx: Tx, connection_id: UUID, path: str) -> Upload | None:
    """The latest upload of one path of the folder that a connection watches."""
    row = await tx.row("uploads.latest_of_connection", tx.account_id, connection_id, path)
    return None if row is None else _upload(row)


def _upload(row: Record) -> Upload:
    return Upload(row["upload_id"], row["path"], row["state"], row["size_bytes"], row["modified_at"], row["closed_at"])
