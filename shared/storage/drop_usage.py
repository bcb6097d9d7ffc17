"""What is used of hosted folders' quotas, counted for all replicas together. Writes `drop_folder_usage`, and of
`uploads` what is counted for those under way, and which of them give way to others.

Who writes sets room aside first, in blocks, and gives back what it did not need: so a folder never holds more than
its quota, however many write at once, but for what somebody puts there by another way. It is measured anew from the
disk now and then, and before anything is refused: a measure may be wrong by what is changed while it is taken, until
the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.storage.database import Database, Tx

BLOCK_BYTES = 16 * 1024**2
"""What an upload that grows sets aside at a time."""
FIRST_BYTES = 256 * 1024
"""What one sets aside as it begins: most files need no more."""
MEASURED_SECONDS = 3_600.0
"""How often a folder is measured although nothing is refused."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used of a folder. `measured_at`: when the disk was looked at."""

    bytes: int
    files: int
    measured_at: datetime | None


async def get(tx: Tx, drop_folder_id: UUID) -> Usage:
    """What is used of a folder."""
    row = await tx.row("drop_usage.get", tx.account_id, drop_folder_id)
    return Usage(0, 0, None) if row is None else Usage(row["used_bytes"], row["used_files"], row["measured_at"])


async def begin(tx: Tx, drop_folder_id: UUID) -> None:
    """A new folder is empty."""
    await tx.execute("drop_usage.begin", tx.account_id, drop_folder_id)


async def take(tx: Tx, drop_folder_id: UUID, least: int, wished: int, files: int = 0) -> int | None:
    """Set aside as many bytes as are wished for, at least so many, and so many files; None where they are not there.

    Below zero something is freed at the same time. Call it last: it holds the folder's row until the commit.
    """
    granted: int | None = await tx.value("drop_usage.take", tx.account_id, drop_folder_id, least, wished, files)
    return granted


async def has_room(tx: Tx, drop_folder_id: UUID) -> bool:
    """Whether the folder has room for anything more; False also where it was never measured."""
    return await tx.value("drop_usage.has_room", tx.account_id, drop_folder_id) is not None


async def change(tx: Tx, drop_folder_id: UUID, bytes_: int, files: int = 0) -> None:
    """So many more, or fewer, are used. Call it last."""
    if bytes_ or files:
        await tx.execute("drop_usage.change", tx.account_id, drop_folder_id, bytes_, files)


async def count_upload(tx: Tx, upload_id: UUID, counted_bytes: int) -> bool:
    """So much is counted for the file of an upload under way; False where it is that no longer."""
    return await tx.execute("drop_usage.count_upload", tx.account_id, upload_id, counted_bytes) > 0


async def supersede(tx: Tx, drop_folder_id: UUID, path: str) -> int | None:
    """Break off what is under way of a path, at whichever replica; what was counted for it, None where none is."""
    rows = await tx.fetch("drop_usage.supersede", tx.account_id, drop_folder_id, path)
    counted = [row["counted_bytes"] for row in rows if row["is_counted"]]
    return sum(counted) if counted else None


@dataclass(frozen=True, slots=True)
class Measuring:
    """A measure that was begun: what was counted then, in all and for files of uploads under way."""

    used_bytes: int
    used_files: int
    under_way: Mapping[str, int]


async def begin_measuring(tx: Tx, drop_folder_id: UUID, older_than_seconds: float) -> Measuring | None:
    """Take the turn to measure; None where another has it, or the last measure is not that old."""
    row = await tx.row("drop_usage.begin_measuring", tx.account_id, drop_folder_id, older_than_seconds)
    if row is None:
        return None
    under_way = await tx.fetch("drop_usage.under_way", tx.account_id, drop_folder_id)
    return Measuring(row["used_bytes"], row["used_files"], {each["path"]: each["counted_bytes"] for each in under_way})


async def end_measuring(tx: Tx, drop_folder_id: UUID, begun: Measuring, bytes_: int, files: int) -> None:
    """Count what was found, and what was counted meanwhile."""
    await tx.execute(
        "drop_usage.end_measuring", tx.account_id, drop_folder_id, bytes_, files, begun.used_bytes, begun.used_files
    )


async def due(database: Database, limit: int) -> list[tuple[UUID, UUID]]:
    """Account and folder of those that were not measured for long."""
    async with database.watching() as watch:
        rows = await watch.fetch("drop_usage.due", MEASURED_SECONDS, limit)
    return [(row["account_id"], row["drop_folder_id"]) for row in rows]
