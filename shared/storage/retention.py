"""What is known of the files of a hosted folder that keeps them for a time only. Writes `drop_folder_usage` (turns).

Whether a file may go is decided by who removes it; nothing here knows the disk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.arrival import ArrivalState
from shared.storage.database import Database, Tx

CLEANED_SECONDS = 3_600.0
"""How often a folder is looked through."""


@dataclass(frozen=True, slots=True)
class Watching:
    """The connection that watches a folder."""

    connection_id: UUID
    looked_at: datetime | None
    """When its last look ended, where that missed nothing."""


@dataclass(frozen=True, slots=True)
class Known:
    """An arrival whose file lies under a path, or may."""

    arrival_id: UUID
    path: str
    settled_path: str | None
    state: ArrivalState
    size_bytes: int
    modified_at: datetime
    seen_at: datetime
    upload_id: UUID | None
    expired_at: datetime | None
    closed_at: datetime | None
    """When the upload was finished, of what was uploaded."""
    uploaded_modified_at: datetime | None
    has_open_runs: bool
    is_present: bool
    """Whether its file lies under its own path still."""

    @property
    def lies_at(self) -> Iterator[str]:
        """Where its file may lie."""
        if self.is_present:
            yield self.path
        if self.settled_path is not None and not (self.is_present and self.settled_path == self.path):
            yield self.settled_path


async def due(database: Database, limit: int) -> list[tuple[UUID, UUID]]:
    """Account and folder of those that are to be looked through."""
    async with database.watching() as watch:
        rows = await watch.fetch("retention.due", CLEANED_SECONDS, limit)
    return [(row["account_id"], row["drop_folder_id"]) for row in rows]


async def begin(tx: Tx, drop_folder_id: UUID) -> int | None:
    """Take the turn to look through a folder: for how many days it keeps files. None where another just did."""
    days: int | None = await tx.value("retention.begin", tx.account_id, drop_folder_id, CLEANED_SECONDS)
    return days


async def again(tx: Tx, drop_folder_id: UUID) -> None:
    """There is more to remove: the folder is looked through in the next round too."""
    await tx.execute("retention.again", tx.account_id, drop_folder_id)


async def watching(tx: Tx, drop_folder_id: UUID) -> Watching | None:
    """The connection that watches a folder: no look and no replay of it is written down until the transaction ends."""
    row = await tx.row("retention.watching", tx.account_id, drop_folder_id)
    return None if row is None else Watching(row["connection_id"], row["looked_at"])


async def known(tx: Tx, connection_id: UUID, paths: Sequence[str]) -> list[Known]:
    """The arrivals of files under these paths, held until the transaction ends."""
    rows = await tx.fetch("retention.known", tx.account_id, connection_id, paths)
    return [Known(**{**dict(row), "state": ArrivalState(row["state"])}) for row in rows]
