"""Uploads in progress: the open file, and the register of who writes what in this process.

Two writers of one name would mix their bytes. The newer one wins, because the older one is most often a connection
that died without our having noticed; the older one's next request fails, and it is told as broken.
"""

import asyncio
import os
from dataclasses import dataclass, field
from uuid import UUID

from services.dropserver.tenant import Begun, Tenant


@dataclass(eq=False, slots=True)
class Reading:
    """A file open for reading."""

    descriptor: int

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """What the driver needs to tell a file's holes."""
        return os.lseek(self.descriptor, offset, whence)


@dataclass(eq=False, slots=True)
class Upload(Reading):
    """A file open for writing. `size_bytes` is what it has grown to, or is about to.

    `has_failed`: a write was refused. Clients close the file all the same, and it is not what they sent.
    """

    begun: Begun
    path: str
    size_bytes: int
    appends: bool
    is_superseded: bool = False
    has_failed: bool = False
    is_full: bool = False
    """It failed for want of room: what there is of it is taken away."""
    is_open: bool = True
    """Until its descriptor is closed, which may then be another file's."""
    growing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Register:
    """Which files are being written, across the sessions of this process."""

    def __init__(self) -> None:
        self._uploads: dict[tuple[UUID, str], Upload] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def begin(self, tenant: Tenant, upload: Upload) -> None:
        """An upload begins; one that wrote the same file is superseded."""
        before = self._uploads.get((tenant.drop_folder_id, upload.path))
        if before is not None:
            before.is_superseded = True
        self._uploads[tenant.drop_folder_id, upload.path] = upload
        self._is_empty.clear()

    def end(self, tenant: Tenant, upload: Upload) -> None:
        """An upload has ended, one way or the other."""
        if self._uploads.get((tenant.drop_folder_id, upload.path)) is upload:
            del self._uploads[tenant.drop_folder_id, upload.path]
        if not self._uploads:
            self._is_empty.set()

    def is_written(self, tenant: Tenant, path: str) -> bool:
        """Whether somebody writes that file now."""
        return (tenant.drop_folder_id, path) in self._uploads

    async def emptied(self) -> None:
        """Wait until no upload runs; give it a limit."""
        await self._is_empty.wait()

    @property
    def count(self) -> int:
        """How many uploads run."""
        return len(self._uploads)
