"""The ways of an upload: begun, finished, broken off, renamed, given another time; each told before it is answered.

A client gets its OK only when the bytes are on disk and the ledger knows of them. What could not be told has not
happened: the client gets a failure and sends again. No protocol is spoken here: refusals.py has what goes wrong.
"""

import asyncio
import errno
import os
from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import structlog

from services.dropserver import placing
from services.dropserver.refusals import MEANWHILE, QuotaUsedUp, Refusal, on_disk, registered, told
from services.dropserver.renaming import Renaming
from services.dropserver.resuming import Resuming
from services.dropserver.tenant import Begun, Limits, Tenant, Uploads
from services.dropserver.uploads import Register, Upload
from shared.domain.failures import Failure
from shared.observe.failpoints import reach
from shared.transfer.tree import Tree, stamp_of

_REMEMBERED_UPLOADS = 256
_NOT_WHOLE = "The file is not whole: its upload is under way, or was broken off. Upload it to its end."
_UNWRITTEN = "A part of the file could not be written; send the file again."
_CLOSED = "The file is closed."
_STOPPING = "The server is stopping; upload again in a minute."
_REMOVED = "The file was removed or replaced while it was written."
_FULL_REMOVED = "The drop folder is full; what was written of the file is removed."
_FULL_KEPT = "The drop folder is full; the file is kept as far as it was written. Go on with it when there is room."
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

log = structlog.get_logger()


class Host(Protocol):
    """What a session needs of the house it is in."""

    limits: Limits
    uploads: Uploads
    register: Register
    is_closing: bool

    def carry_on(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Do something to its end, whatever becomes of the connection."""


class Writing:
    """What one session does to the files of its folder. Raises Refusal and OSError, for the client."""

    def __init__(self, house: Host, tenant: Tenant, tree: Tree) -> None:
        self._house = house
        self._tenant = tenant
        self._tree = tree
        self._closed: dict[str, UUID] = {}
        """Uploads of this session that were finished, so that a time set afterwards is told under the same id."""

    async def begin(self, path: str, flags: int) -> Upload:
        """Begin an upload, told before the old file is touched. `flags` are the operating system's, as for os.open.

        One that begins anew gets a file of its own: who still reads or writes the old one, here or at another replica,
        goes on with that. One that goes on with a whole file begins when it is written, and not before.
        """
        if self._house.is_closing:
            raise Refusal(_STOPPING)
        with told():
            placing.require_place(self._tree, path, flags)
        appends = bool(flags & os.O_APPEND)
        whole = await Resuming.open(self._house.uploads, self._tenant, self._tree, path, flags)
        if whole is not None:
            waiting = Upload(whole.descriptor, None, path, whole.size_bytes, appends, resuming=whole)
            self._house.register.wait(waiting)
            return waiting

        def look() -> int | None:
            with on_disk():
                placing.require_place(self._tree, path, flags)
                return placing.size(self._tree, path)

        with registered():
            begun = await self._house.uploads.opened(self._tenant, path, look, cuts=bool(flags & os.O_TRUNC))
        try:
            descriptor = await self._opened(path, flags, begun)
        except (OSError, Refusal):
            left = placing.left(self._tree, path, begun.counted_bytes)
            await self._tell_broken(begun, self._house.uploads.broken(self._tenant, begun, left))
            raise
        size = os.fstat(descriptor).st_size
        upload = Upload(descriptor=descriptor, begun=begun, path=path, size_bytes=size, appends=appends)
        self._house.register.begin(self._tenant, upload)
        return upload

    def write(self, upload: Upload, offset: int, data: bytes) -> None:
        """Write into an upload what it has room for; what is not written whole marks it as failed."""
        try:
            if upload.is_superseded:
                raise Refusal(MEANWHILE)
            if upload.is_removed:
                raise FileNotFoundError(errno.ENOENT, _REMOVED)
            if not upload.is_open:
                raise Refusal(_CLOSED)
            view = memoryview(data)
            with told():
                while view:
                    done = os.pwrite(upload.descriptor, view, offset)
                    offset, view = offset + done, view[done:]
        except (OSError, Refusal) as error:
            upload.has_failed = True
            upload.is_full = upload.is_full or (isinstance(error, OSError) and error.errno in _NO_ROOM)
            raise
        reach("dropserver.writing")

    async def finish(self, upload: Upload) -> None:
        """Bring the file to disk, tell it, and only then let the client have its answer.

        Nothing where nothing was written into a whole file, unless it is empty: that is one that was sent once more.
        The caller takes it off the register.
        """
        upload.is_open = False
        begun = upload.begun
        try:
            if begun is None and not upload.size_bytes:
                async with upload.growing:
                    begun = upload.begun = await self._begun_late(upload, 0)
            if begun is None:
                if upload.has_failed:
                    raise Refusal(_UNWRITTEN)
                return
            if upload.is_superseded:
                raise Refusal(MEANWHILE)
            if upload.is_removed:
                raise FileNotFoundError(errno.ENOENT, _REMOVED)
            if upload.is_full:
                raise QuotaUsedUp(_FULL_REMOVED if upload.is_taken_away else _FULL_KEPT)
            if upload.has_failed:
                raise Refusal(_UNWRITTEN)
            with told():
                await asyncio.to_thread(self._flush, upload)
            reach("dropserver.flushed")
            file = stamp_of(upload.path, os.fstat(upload.descriptor))
            with registered():
                facts = (file.path, file.size_bytes, file.modified_at)
                await self._house.uploads.closed(self._tenant, begun, *facts)
        except (OSError, Refusal):
            await self._give_up(upload)
            raise
        finally:
            os.close(upload.descriptor)
        self._remember(upload.path, begun.id)

    async def break_off(self, upload: Upload) -> None:
        """The upload ended without its end; nothing where it has ended already, or was never begun."""
        if not upload.is_open:
            return
        upload.is_open = False
        # One that is just beginning begins first, and is broken off then.
        async with upload.growing:
            self._house.register.end(self._tenant, upload)
            try:
                await self._give_up(upload)
            finally:
                os.close(upload.descriptor)

    async def open_whole(self, path: str) -> int:
        """A descriptor of a file that is whole, to be read; a half one would become whole under another name."""
        with told():
            descriptor = self._tree.open(path, os.O_RDONLY)
        try:
            with registered():
                is_whole = await self._house.uploads.is_whole(self._tenant, path)
            if not is_whole or self._house.register.is_written(self._tenant, path):
                raise Refusal(_NOT_WHOLE)
            with told():
                if not os.path.samestat(self._tree.stat(path), os.fstat(descriptor)):
                    raise Refusal("The file was replaced just now; try again.")
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    async def set_time(self, path: str, accessed: float, modified: float) -> None:
        """Set a file's times, in seconds since 1970.

        Many clients do so after they have closed it: then the upload is told again, with its new time.
        """
        with told():
            self._tree.stat(path)
            self._tree.set_times(path, accessed, modified)
            file = stamp_of(path, self._tree.stat(path))
        upload_id = self._closed.get(path)
        if upload_id is None or self._house.register.is_written(self._tenant, path):
            return
        with registered():
            await self._house.uploads.retimed(self._tenant, upload_id, path, file.modified_at)

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a finished file another name, and tell it."""
        renaming = Renaming(self._tree, source, target, replace)
        with told():
            self._tree.stat(source)
        if source == target and replace:
            # Nothing happens then (POSIX, rename): it is no new file that rings.
            return
        if any(self._house.register.is_written(self._tenant, path) for path in (source, target)):
            raise Refusal("The file is still being written; close it first.")
        try:
            with registered():
                told_as = await self._house.uploads.renamed(self._tenant, source, target, renaming)
        except Refusal:
            # What the client is told did not happen must not have happened.
            renaming.undo()
            raise
        if told_as is None:
            raise Refusal(_NOT_WHOLE)
        renaming.conclude()
        # What was still written of it is in nobody's place.
        self._house.register.removed(self._tenant, target)
        self._closed.pop(source, None)
        self._remember(target, told_as)

    async def remove(self, path: str) -> None:
        """Delete a file, and give its room back."""
        is_gone = False

        def remove() -> int:
            nonlocal is_gone
            with on_disk():
                before = self._tree.stat(path).st_size
                self._tree.remove(path)
            is_gone = True
            self._closed.pop(path, None)
            self._house.register.removed(self._tenant, path)
            return before

        with told():
            self._tree.stat(path)
        try:
            with registered():
                await self._house.uploads.removed(self._tenant, path, remove)
        except Refusal:
            # What was deleted is, whether or not it could be written down: the next measure finds its room.
            if not is_gone:
                raise

    async def make_directory(self, path: str) -> None:
        """Create a directory, which counts as a file."""
        with registered():
            await self._house.uploads.changed(self._tenant, 0, 1)
        try:
            with told():
                self._tree.make_directory(path)
        except (OSError, Refusal):
            await self._changed(0, -1)
            raise

    async def remove_directory(self, path: str) -> None:
        """Delete an empty directory."""
        with told():
            self._tree.remove_directory(path)
        await self._changed(0, -1)

    async def make_room(self, upload: Upload, end: int) -> None:
        """Have room for the file to be as large as that, and begin where it has not. Raises QuotaUsedUp."""
        async with upload.growing:
            if upload.begun is None:
                if not upload.is_open:
                    raise Refusal(_CLOSED)
                upload.begun = await self._begun_late(upload, end)
            if end <= upload.begun.counted_bytes:
                return
            try:
                with registered():
                    upload.begun = await self._house.uploads.grown(self._tenant, upload.begun, end)
            except QuotaUsedUp:
                upload.is_full = True
                raise

    async def _begun_late(self, upload: Upload, end: int) -> Begun:
        """Begin to write into a whole file, up to there at first. Nothing happens to it where that is refused."""
        whole, uploads = upload.resuming, self._house.uploads
        assert whole is not None
        if self._house.is_closing or upload.has_failed:
            raise Refusal(_UNWRITTEN if upload.has_failed else _STOPPING)
        with registered():
            facts = (self._tenant, upload.path, whole.size)
            begun = await uploads.opened(*facts, cuts=False, after=whole.latest, end_bytes=end)
        try:
            with registered():
                await uploads.placed(self._tenant, begun, upload.path, whole.stay)
        except (OSError, Refusal):
            left = placing.left(self._tree, upload.path, whole.size_bytes)
            await self._tell_broken(begun, uploads.broken(self._tenant, begun, left))
            raise
        self._house.register.begin(self._tenant, upload)
        return begun

    async def _changed(self, bytes_: int, files: int) -> None:
        """Room was given back; where that cannot be told, the next measure finds it."""
        try:
            await self._house.uploads.changed(self._tenant, bytes_, files)
        except Failure as failure:
            log.warning("room.untold", code=failure.code)

    async def _give_up(self, upload: Upload) -> None:
        """Tell an upload as broken, where it has begun; what there is of it is taken away where it found no room.

        But not a whole file that it was to go on with: of that more was told as uploaded than what found no room.
        That as its name is given: another one may have begun to go on with the very file, or be about to replace it.
        """
        uploads, begun = self._house.uploads, upload.begun
        if begun is None:
            return
        if upload.is_taken_away:
            telling = uploads.discarded(self._tenant, begun, upload.path, partial(self._left, upload))
        else:
            telling = uploads.broken(self._tenant, begun, self._left(upload))
        await self._tell_broken(begun, telling)

    def _left(self, upload: Upload) -> int | None:
        """What lies there of an upload that was not finished; nothing where there was no room for it.

        What another upload has put into its place, where there is such. Of one that is gone its own size: who took it
        away by another way than ours has given its room back, as of that size.
        """
        if upload.is_lost:
            return placing.left(self._tree, upload.path, 0) or 0
        try:
            lies_there = self._tree.stat(upload.path)
            if not os.path.samestat(lies_there, os.fstat(upload.descriptor)):
                return lies_there.st_size
            if upload.is_taken_away:
                self._tree.remove(upload.path)
                return None
        except OSError as error:
            log.info("upload.not_there", upload_id=str(upload.begun and upload.begun.id), errno=error.errno)
        try:
            return os.fstat(upload.descriptor).st_size
        except OSError:
            return upload.counted_bytes

    async def _opened(self, path: str, flags: int, begun: Begun) -> int:
        """A descriptor of the upload's file, which is made only while the ledger says that nobody else's is."""
        opened: list[int] = []

        def place() -> None:
            with on_disk():
                is_anew = flags & os.O_TRUNC and not flags & os.O_EXCL
                opened.append(placing.anew(self._tree, path, flags) if is_anew else self._tree.open(path, flags))

        try:
            with registered():
                await self._house.uploads.placed(self._tenant, begun, path, place)
        except BaseException:
            for each in opened:
                os.close(each)
            raise
        return opened[0]

    def _flush(self, upload: Upload) -> None:
        """Data and name on disk, and the name still that of this file."""
        os.fsync(upload.descriptor)
        self._tree.flush_name(upload.path)
        if not os.path.samestat(self._tree.stat(upload.path), os.fstat(upload.descriptor)):
            raise FileNotFoundError(errno.ENOENT, _REMOVED)

    async def _tell_broken(self, begun: Begun, telling: Awaitable[None]) -> None:
        """Tell it as broken; where even that fails it stays open in the ledger, and never becomes an arrival."""
        try:
            await telling
        except Failure as failure:
            log.warning("upload.broken_untold", upload_id=str(begun.id), code=failure.code)

    def _remember(self, path: str, upload_id: UUID) -> None:
        self._closed[path] = upload_id
        if len(self._closed) > _REMEMBERED_UPLOADS:
            del self._closed[next(iter(self._closed))]
