"""Hosted drop folders. Writes `drop_folders`. Their files are the dropserver's affair."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.domain.failures import AlreadyExists, NotFound
from shared.storage import credentials, drop_usage
from shared.storage.database import Record, Tx

QUOTA_FILES = 100_000
"""Of a folder, directories included, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class DropFolder:
    """A folder that Tidegate hosts."""

    id: UUID
    name: str
    quota_bytes: int
    quota_files: int
    retention_days: int | None
    """For how long files are kept that are no longer needed; None: for ever."""
    version: int
    created_at: datetime


async def create(
    tx: Tx, name: str, quota_bytes: int, quota_files: int = QUOTA_FILES, retention_days: int | None = None
) -> DropFolder:
    """Add a hosted folder. Raises AlreadyExists."""
    row = await tx.row("drop_folders.insert", tx.account_id, name, quota_bytes, quota_files, retention_days)
    if row is None:
        raise AlreadyExists("A drop folder of that name exists already.")
    await drop_usage.begin(tx, row["drop_folder_id"])
    return _folder(row)


async def get(tx: Tx, drop_folder_id: UUID) -> DropFolder:
    """One hosted folder. Raises NotFound."""
    row = await tx.row("drop_folders.get", tx.account_id, drop_folder_id)
    if row is None:
        raise NotFound
    return _folder(row)


async def lock(tx: Tx, drop_folder_id: UUID) -> DropFolder:
    """One hosted folder, held until the transaction ends. Raises NotFound."""
    row = await tx.row("drop_folders.lock", tx.account_id, drop_folder_id)
    if row is None:
        raise NotFound
    return _folder(row)


async def update(tx: Tx, wanted: DropFolder) -> DropFolder:
    """Give a folder the name, quotas and retention of `wanted`: a new version. Raises AlreadyExists, NotFound."""
    facts = (wanted.name, wanted.quota_bytes, wanted.quota_files, wanted.retention_days)
    try:
        await tx.execute("drop_folders.update", tx.account_id, wanted.id, *facts)
    except asyncpg.UniqueViolationError as error:
        raise AlreadyExists("A drop folder of that name exists already.") from error
    return await get(tx, wanted.id)


async def delete(tx: Tx, drop_folder_id: UUID) -> None:
    """Take a folder away, and every login of it; what was uploaded stays on its disk and in the ledger.

    The caller holds it by `lock`, and knows that no connection watches it.
    """
    await credentials.revoke_all(tx, drop_folder_id)
    await tx.execute("drop_folders.delete", tx.account_id, drop_folder_id)


async def page(tx: Tx, after: tuple[datetime, UUID] | None, limit: int, *, name: str | None = None) -> list[DropFolder]:
    """The account's hosted folders, oldest first; `after` is (created_at, id) of the last one seen."""
    created_at, folder_id = after or (None, None)
    rows = await tx.fetch("drop_folders.page", tx.account_id, name, created_at, folder_id, limit)
    return [_folder(row) for row in rows]


def _folder(row: Record) -> DropFolder:
    facts = dict(row)
    return DropFolder(id=facts.pop("drop_folder_id"), **facts)
