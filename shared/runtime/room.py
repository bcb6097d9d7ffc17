"""The room of a hosted folder as the ledger counts it, measured from the disk where it seems to be full."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from shared.domain.failures import PlaceFull
from shared.storage import drop_usage
from shared.storage.database import Database, Tx
from shared.storage.drop_usage import Measuring
from shared.transfer.room import measured
from shared.transfer.tree import RootMissing, Tree

STALE_SECONDS = 5.0
"""How old a measure is at which nobody is refused without another."""


@dataclass(frozen=True, slots=True)
class RoomInTransaction:
    """The room of one folder, for who is in a transaction already: another connection might not be to be had."""

    tx: Tx
    drop_folder_id: UUID

    async def take(self, least: int, wished: int, files: int = 0) -> int:
        """Set aside as many bytes as are wished for, at least so many, and so many files. Raises PlaceFull."""
        granted = await drop_usage.take(self.tx, self.drop_folder_id, least, wished, files)
        if granted is None:
            raise PlaceFull("The quota of the folder is used up.")
        return granted

    async def change(self, bytes_: int, files: int = 0) -> None:
        """So many more, or fewer, are used than was counted."""
        await drop_usage.change(self.tx, self.drop_folder_id, bytes_, files)


@dataclass(frozen=True, slots=True)
class LedgerRoom:
    """The room of one folder."""

    database: Database
    account_id: UUID
    drop_folder_id: UUID
    root: Path

    async def take(self, least: int, wished: int, files: int = 0) -> int:
        """Set aside as many bytes as are wished for, at least so many, and so many files. Raises PlaceFull."""
        for is_last in (False, True):
            async with self.database.account(self.account_id) as tx:
                granted = await drop_usage.take(tx, self.drop_folder_id, least, wished, files)
            if granted is not None:
                return granted
            if is_last or not await self.measure():
                break
        raise PlaceFull("The quota of the folder is used up.")

    async def change(self, bytes_: int, files: int = 0) -> None:
        """So many more, or fewer, are used than was counted."""
        if bytes_ or files:
            async with self.database.account(self.account_id) as tx:
                await drop_usage.change(tx, self.drop_folder_id, bytes_, files)

    async def measure(self, older_than_seconds: float = STALE_SECONDS) -> bool:
        """Look at the disk, unless somebody just did; whether it was looked at."""
        async with self.database.account(self.account_id) as tx:
            begun = await drop_usage.begin_measuring(tx, self.drop_folder_id, older_than_seconds)
        if begun is None:
            return False
        used = await asyncio.to_thread(self._used, begun)
        async with self.database.account(self.account_id) as tx:
            await drop_usage.end_measuring(tx, self.drop_folder_id, begun, *used)
        return True

    def _used(self, begun: Measuring) -> tuple[int, int]:
        """Bytes and files on disk and set aside; what was counted before where the volume is away."""
        try:
            found = measured(Tree(self.root), begun.under_way)
        except RootMissing:
            return begun.used_bytes, begun.used_files
        aside = sum(max(0, counted - found.sizes.get(path, 0)) for path, counted in begun.under_way.items())
        return found.bytes + aside, found.files
