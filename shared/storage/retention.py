"""What is known of the files of a hosted folder that keeps them for a time only. Writes `drop_folder_usage` (turns).

Whether a file may go is decided by who removes it; nothing here knows the disk.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.arrival import ArrivalState, FileStamp
from shared.storage.database import Database, Tx

CLEANED_SECONDS = 3_600.0
"""How often a folder is looked through."""


@dataclass(frozen=True, slots=True)
class Turn:
    """For how many days a folder keeps files, and what is older than that now."""

    days: int
    before: datetime


@dataclass(frozen=True, slots=True)
class Watching:
    """The connection that watches a folder."""

    connection_id: UUID
    looked_at: datetime | None
    """When its last look ended, where that missed nothing."""
    has_paused_goals: bool = False
    """Whether an import of it rests, and may take more than is taken now."""
    goals_changed_at: datetime | None = None
    """When an import of it was last saved or deleted."""


@dataclass(frozen=True, slots=True)
class Known:
    """An arrival whose file lies under a path, or may."""

    arrival_id: UUID
    path: str
    settled_path: str | None
    state: ArrivalState
    size_bytes: int
    modified_at: datetime
    upload_id: UUID | None
    expired_at: datetime | None
    uploaded_modified_at: datetime | None
    last_at: datetime
    """The last that is known to have happened to it: its upload, what was told of it, the end of its runs."""
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

    def is_of(self, stamp: FileStamp) -> bool:
        """Whether a file that lies where its own may is that."""
        is_as_large = self.size_bytes == stamp.size_bytes
        return is_as_large and stamp.modified_at in (self.modified_at, self.uploaded_modified_at)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file that a run says to have put there, and when it was about it."""

    path: str
    size_bytes: int | None
    """None where that was not written down."""
    began_at: datetime
    ended_at: datetime


async def due(database: Database, limit: int) -> list[tuple[UUID, UUID]]:
    """Account and folder of those that are to be looked through."""
    async with database.watching() as watch:
        rows = await watch.fetch("retention.due", CLEANED_SECONDS, limit)
    return [(row["account_id"], row["drop_folder_id"]) for row in rows]


async def begin(tx: Tx, drop_folder_id: UUID) -> Turn | None:
    """Take the turn to look through a folder. None where another just did, or it is not to be done now."""
    row = await tx.row("retention.begin", tx.account_id, drop_folder_id, CLEANED_SECONDS)
    return None if row is None else Turn(row["days"], row["before"])


async def again(tx: Tx, drop_folder_id: UUID) -> None:
    """There is more to remove: the folder is looked through in the next round too."""
    await tx.execute("retention.again", tx.account_id, drop_folder_id, CLEANED_SECONDS)


async def watching(tx: Tx, drop_folder_id: UUID) -> Watching | None:
    """The connection that watches a folder: no look and no replay of it is written down until the transaction ends."""
    held = await tx.row("retention.hold", tx.account_id, drop_folder_id)
    if held is None:
        return None
    # A statement of its own: it sees what was written while the connection was waited for.
    row = await tx.row("retention.watching", tx.account_id, held["connection_id"])
    assert row is not None
    return Watching(**row)


async def known(tx: Tx, connection_id: UUID, paths: Sequence[str]) -> list[Known]:
    """The arrivals of files under these paths, held until the transaction ends."""
    rows = await tx.fetch("retention.known", tx.account_id, connection_id, paths)
    return [Known(**{**dict(row), "state": ArrivalState(row["state"])}) for row in rows]


async def told_of(tx: Tx, connection_id: UUID, drop_folder_id: UUID, paths: Sequence[str]) -> set[str]:
    """Of which of these paths anybody ever told that a file came there."""
    rows = await tx.fetch("retention.told_of", tx.account_id, connection_id, drop_folder_id, paths)
    return {row["path"] for row in rows}


async def delivered(tx: Tx, connection_id: UUID, before: datetime, paths: Collection[str]) -> list[Delivered]:
    """What runs that ended before then say to have put under these paths."""
    if not paths:
        return []
    rows = await tx.fetch("retention.delivered", tx.account_id, connection_id, before, list(paths))
    return [Delivered(**row) for row in rows]
