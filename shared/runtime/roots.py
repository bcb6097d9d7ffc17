"""Whether the directory of a hosted folder may be made where it is missing: one rule for all who would make it.

So a new folder can be watched, logged into and written to before anybody has made it. But where anything is known to
lie in it its volume is away: an empty directory in its place would mean to looks that all files have gone, and what is
put into it would be hidden when the volume is back.
"""

import asyncio
import os
from pathlib import Path
from uuid import UUID

from shared.domain.failures import DropFolderMissing, ServerFailed
from shared.storage import arrivals
from shared.storage.database import Database


async def is_to_be_made(database: Database, account_id: UUID, drop_folder_id: UUID, root: Path) -> bool:
    """Whether it is missing and may be made. The ledger is asked where it is missing alone.

    Raises DropFolderMissing where it may not, StorageUnavailable.
    """
    if await asyncio.to_thread(os.path.isdir, root):
        return False
    async with database.account(account_id, read_only=True) as tx:
        if await arrivals.lies_anything(tx, drop_folder_id):
            raise DropFolderMissing
    return True


async def make_root(database: Database, account_id: UUID, drop_folder_id: UUID, root: Path) -> None:
    """Make it where it is missing.

    Raises DropFolderMissing where it may not be made, ServerFailed where it cannot, StorageUnavailable.
    """
    if not await is_to_be_made(database, account_id, drop_folder_id, root):
        return
    try:
        await asyncio.to_thread(root.mkdir, mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        # Where nothing is mounted, often nobody may write.
        raise ServerFailed(f"The disk answered: {os.strerror(error.errno or 0)}.") from error
