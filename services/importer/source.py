"""Where a run's file is read from: a drop folder, where the gateway keeps what clients send to it, or the server that a
one-shot import names.

Whoever fetches wants a file's size and time, and its bytes. Nothing here lists, writes or marks.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.importer.one_shot import open_server
from services.importer.order import Order
from services.importer.tools import Tools
from shared.domain.arrival import FileStamp
from shared.domain.failures import KeptFileGone
from shared.domain.place import BuiltInPlace
from shared.runtime.desk import Desk
from shared.runtime.first_keys import pinning
from shared.storage import kept_files
from shared.storage.database import Database
from shared.transfer.open_folder import open_folder


class Source(Protocol):
    """Where a file is read. What a Folder raises, and KeptFileGone."""

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a file."""

    def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """Its bytes in chunks, none of them empty. Close it where it is not read to its end."""


def open_source(order: Order, tools: Tools, desk: Desk) -> AbstractAsyncContextManager[Source]:
    """Where the order's file is, for as long as the block lasts. Raises what opening a folder raises."""
    place, account_id = order.place, desk.run.account_id
    if order.one_shot is not None:
        return open_server(order.one_shot, tools, account_id)
    if isinstance(place, BuiltInPlace):
        return _open_kept(order, tools.database, account_id)
    pin = pinning(tools.database, desk)
    return open_folder(place, order.login, tools.places, account_id=account_id, makes_root=False, on_first_key=pin)


@asynccontextmanager
async def _open_kept(order: Order, database: Database, account_id: UUID) -> AsyncIterator[Source]:
    if order.kept_file_id is None:
        raise KeptFileGone
    yield _Kept(database, account_id, order.kept_file_id, order.file)


@dataclass(frozen=True, slots=True)
class _Kept:
    """One file that a client sent. It has one content for good, and the time of its arrival."""

    database: Database
    account_id: UUID
    file_id: UUID
    file: FileStamp

    async def stat(self, path: str) -> FileStamp:
        """What the ledger says of it. Raises KeptFileGone where it is kept no longer."""
        async with self.database.account(self.account_id, read_only=True) as tx:
            kept = await kept_files.get(tx, self.file_id)
        return FileStamp(path=path, size_bytes=kept.size_bytes, modified_at=self.file.modified_at)

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """Raises KeptFileGone."""
        async with self.database.account(self.account_id, read_only=True) as tx:
            kept = await kept_files.get(tx, self.file_id)
        async with aclosing(kept_files.read(self.database, self.account_id, kept)) as chunks:
            async for chunk in chunks:
                yield chunk
