"""Uploads in progress: the open file, and the register of who writes what in this process.

Two writers of one name would mix their bytes. The newer one wins, because the older one is most often a connection
that died without our having noticed; the older one's next request fails, and it is told as broken.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from services.dropserver.resuming import Resuming
from services.dropserver.tenant import Begun, Tenant

log = structlog.get_logger()


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

    `begun`: None while nothing was written into a whole file that is to be gone on with.
    `has_failed`: a write was refused. Clients close the file all the same, and it is not what they sent.
    """

    begun: Begun | None
    path: str
    size_bytes: int
    appends: bool
    resuming: Resuming | None = None
    is_superseded: bool = False
    is_removed: bool = False
    has_failed: bool = False
    is_full: bool = False
    """It failed for want of room."""
    is_open: bool = True
    """Until its descriptor is closed, which may then be another file's."""
    growing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while it begins late, or sets room aside."""

    @property
    def counted_bytes(self) -> int:
        """How far it may be written without asking for room."""
        return 0 if self.begun is None else self.begun.counted_bytes

    @property
    def is_lost(self) -> bool:
        """Whether nothing can come of it, whatever is written."""
        return self.is_superseded or self.is_removed

    @property
    def is_taken_away(self) -> bool:
        """Whether what there is of it is: it found no room, and is no whole file that it goes on with."""
        return self.is_full and self.resuming is None

    def let_go(self) -> None:
        """Hold the file no longer, which nothing will come of; its name is another's, or nobody's.

        Without this a client could keep any number of nameless files, of which nothing is counted. The number of the
        descriptor stays taken until it is closed, because a call may be using it just now.
        """
        if not self.is_open:
            return
        try:
            nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            # Of descriptors there are none left: it is held until it is closed, which is no reason to end all others.
            log.warning("upload.not_let_go", errno=error.errno)
            return
        try:
            os.dup2(nothing, self.descriptor, inheritable=False)
        finally:
            os.close(nothing)


class Register:
    """Which files are being written, across the sessions of this process."""

    def __init__(self) -> None:
        self._uploads: dict[tuple[UUID, str], Upload] = {}
        self._waiting: set[Upload] = set()
        """Those of whole files that have not begun. They are in nobody's way."""
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def wait(self, upload: Upload) -> None:
        """A whole file is open to be gone on with."""
        self._waiting.add(upload)

    def let_go_removed(self) -> None:
        """Hold no whole file that was removed, or replaced, before anything was written into it."""
        for upload in self._waiting:
            # Where the disk does not say (its volume is away), the first byte finds out, and all others go on.
            with suppress(OSError):
                if upload.is_open and not upload.is_removed and not os.fstat(upload.descriptor).st_nlink:
                    upload.is_removed = True
                    upload.let_go()

    def begin(self, tenant: Tenant, upload: Upload) -> None:
        """An upload begins; one that wrote the same file is superseded."""
        self._waiting.discard(upload)
        before = self._uploads.get((tenant.drop_folder_id, upload.path))
        if before is not None:
            self.supersede(before)
        self._uploads[tenant.drop_folder_id, upload.path] = upload
        self._is_empty.clear()

    def supersede(self, upload: Upload) -> None:
        """Another upload of that name has begun, here or elsewhere."""
        upload.is_superseded = True
        upload.let_go()

    def removed(self, tenant: Tenant, path: str) -> None:
        """The file was deleted: what is still written of it is nobody's."""
        upload = self._uploads.get((tenant.drop_folder_id, path))
        if upload is not None:
            upload.is_removed = True
            upload.let_go()
            self.end(tenant, upload)

    def end(self, tenant: Tenant, upload: Upload) -> None:
        """An upload has ended, one way or the other."""
        self._waiting.discard(upload)
        if self._uploads.get((tenant.drop_folder_id, upload.path)) is upload:
            del self._uploads[tenant.drop_folder_id, upload.path]
        if not self._uploads:
            self._is_empty.set()

    def is_written(self, tenant: Tenant, path: str) -> bool:
        """Whether somebody writes that file now."""
        return (tenant.drop_folder_id, path) in self._uploads

    def under_way(self) -> list[Upload]:
        """All that are, but for those that are about to end."""
        return [each for each in self._uploads.values() if each.is_open and not each.is_lost]

    async def emptied(self) -> None:
        """Wait until no upload runs; give it a limit."""
        await self._is_empty.wait()

    @property
    def count(self) -> int:
        """How many uploads run."""
        return len(self._uploads)
