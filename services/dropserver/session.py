"""One client's SFTP session in its directory: every request that touches a file passes here.

Confinement is tree.py's business: paths are normalised as if the client's directory were `/`, checked, and walked
without following symbolic links. Links, owners, permissions and file system facts are not on offer.

Blocking reads and writes of a few hundred kilobytes stay on the loop, where they cost less than a thread's hand-over;
what may take long (fsync, measuring, listing) does not.
"""

import asyncio
import os
import posixpath
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, NoReturn

import asyncssh
from asyncssh import FXF_APPEND, FXF_READ, FXF_WRITE

from services.dropserver.discreet import discreet
from services.dropserver.sftp_words import accessed, answer_of, answered, open_flags
from services.dropserver.tenant import Tenant
from services.dropserver.uploads import Reading, Upload
from services.dropserver.writing import Host, Writing
from shared.domain.hosted_login import Right
from shared.domain.names import checked_path, joined
from shared.transfer.tree import Tree


@discreet
class DropSession(asyncssh.SFTPServer):
    """A client's view of its directory."""

    def __init__(
        self, channel: "asyncssh.SSHServerChannel[bytes]", house: Host, tenant: Tenant, on_use: Callable[[], None]
    ) -> None:
        super().__init__(channel)
        self.is_resting = False
        """The account has paused hosted folders: uploads under way are finished, and none begins."""
        self._house = house
        self._tenant = tenant
        self._on_use = on_use
        self._tree = Tree(tenant.root)
        self._writing = Writing(house, tenant, self._tree)
        self._open: set[Reading] = set()
        self._ending: set[Upload] = set()

    def allow(self, tenant: Tenant) -> None:
        """The login was changed: from now on it allows this."""
        self._tenant = tenant

    @property
    def has_uploads(self) -> bool:
        """Whether uploads are under way."""
        return bool(self._ending) or any(isinstance(each, Upload) and each.begun for each in self._open)

    # Opening, reading, writing, closing.

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file; for writing this begins an upload, unless it goes on with a whole file."""
        writes = bool(pflags & (FXF_WRITE | FXF_APPEND))
        if writes:
            self._require(Right.WRITE)
        if pflags & FXF_READ or not writes:
            self._require(Right.READ)
        self._require_awake()
        name = self._path(path)
        if len(self._open) >= self._house.limits.open_files_per_session:
            raise asyncssh.SFTPFailure("Too many open files in this session; close some first.")
        if not writes:
            with answered():
                reading = Reading(self._tree.open(name, os.O_RDONLY))
            self._open.add(reading)
            return reading
        upload = await answer_of(self._writing.begin(name, open_flags(pflags)))
        self._open.add(upload)
        return upload

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Bytes of an open file."""
        self._require(Right.READ)
        with answered():
            return os.pread(_reading(file_obj).descriptor, size, offset)

    def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
        """Write into an upload, as far as the quota goes."""
        upload = _upload(file_obj)
        try:
            self._require(Right.WRITE)
        except asyncssh.SFTPError:
            # Clients close a file all the same, and it is not what they sent.
            upload.has_failed = True
            raise
        start = upload.size_bytes if upload.appends else offset
        end = start + len(data)
        # What is appended next begins behind this, whether or not there is room yet.
        upload.size_bytes = max(upload.size_bytes, end)
        if upload.is_lost or end <= upload.counted_bytes:
            return self._written(upload, start, data)
        return self._written_with_room(upload, start, data)

    async def _written_with_room(self, upload: Upload, start: int, data: bytes) -> int:
        try:
            await self._make_room(upload, start + len(data))
        except (asyncssh.SFTPError, OSError):
            upload.has_failed = True
            raise
        return self._written(upload, start, data)

    async def _make_room(self, upload: Upload, end: int) -> None:
        if upload.begun is None:
            self._require_awake()
        await self._carried_on(self._writing.make_room(upload, end))

    def _written(self, upload: Upload, start: int, data: bytes) -> int:
        with answered():
            self._writing.write(upload, start, data)
        return len(data)

    def close(self, file_obj: object) -> Awaitable[None]:
        """A client's CLOSE finishes an upload; the driver's clean-up breaks it off. The two have to be told apart.

        The driver calls this method for both. In asyncssh 2.24 a client's CLOSE comes from
        SFTPServerHandler._process_close, which handles no exception at that time. The clean-up comes from
        SFTPServerHandler._cleanup, which only ever runs inside an `except` block of recv_packets (EOFError when
        the channel ends, OSError or asyncssh.Error when the connection is lost, PacketDecodeError for nonsense): there
        sys.exception() is set. A CLOSE that had arrived before the connection was lost is still processed
        as one. Where clean-up does not run at all, broken_off() is called when the connection is gone. Both may
        be under way at once: who takes a file out of `_open` ends it, and nobody else does.
        """
        is_clean_up = sys.exception() is not None
        handle = _reading(file_obj)
        if handle not in self._open:
            # broken_off() had it before, and its descriptor may be another file's by now.
            return _nothing()
        self._open.discard(handle)
        if not isinstance(handle, Upload):
            return self._house.carry_on(_put_down(handle))
        return self._carried_on(self._writing.break_off(handle)) if is_clean_up else self._finish(handle)

    async def _finish(self, upload: Upload) -> None:
        self._ending.add(upload)
        try:
            await self._carried_on(self._writing.finish(upload))
        finally:
            # Only in the loop's next turn, when the driver has sent the answer: a stopping server waits for this.
            asyncio.get_running_loop().call_soon(self._ended, upload)

    def _ended(self, upload: Upload) -> None:
        self._ending.discard(upload)
        self._house.register.end(self._tenant, upload)

    async def broken_off(self) -> None:
        """The connection is gone: whatever is still open was never finished."""
        while self._open:
            handle = self._open.pop()
            await (self._writing.break_off(handle) if isinstance(handle, Upload) else _put_down(handle))

    def exit(self) -> None:
        """The session is over: scp fails where it is not told that all is well. The driver tells nobody."""
        if not self.channel.is_closing():
            self.channel.exit(0)

    async def fsync(self, file_obj: object) -> None:
        """Bring what was written to disk."""
        self._require(Right.WRITE)
        with answered():
            await asyncio.to_thread(os.fsync, _reading(file_obj).descriptor)

    # What lies there.

    def fstat(self, file_obj: object) -> os.stat_result:
        """Size and times of an open file."""
        self._require()
        return os.fstat(_reading(file_obj).descriptor)

    def stat(self, path: bytes) -> os.stat_result:
        """Size and times; a symbolic link is told as such, for none is followed.

        To every login: uploads are resumed by it, and who may open a file by its name learns as much.
        """
        self._require()
        with answered():
            return self._tree.stat(self._path(path))

    lstat = stat

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """The entries of a directory."""
        self._require(Right.LIST)
        name = self._path(path)
        with answered():
            here = await asyncio.to_thread(self._tree.stat, name)
            found = await asyncio.to_thread(lambda: list(self._tree.scan(name)))
        for own in (b".", b".."):
            yield asyncssh.SFTPName(own, attrs=asyncssh.SFTPAttrs.from_local(here))
        for entry, facts in found:
            yield asyncssh.SFTPName(entry, attrs=asyncssh.SFTPAttrs.from_local(facts))

    def realpath(self, path: bytes) -> bytes:
        """The client's own idea of a path, made absolute. Touches no disk."""
        return b"/" + _relative(path).encode()

    def format_user(self, uid: int | None) -> str:
        """No names of our machine's users."""
        return "drop"

    def format_group(self, gid: int | None) -> str:
        """No names of our machine's groups."""
        return "drop"

    # Changing what lies there.

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Awaitable[None]:
        """Set a file's time; owner and permissions are taken note of politely and left alone."""
        self._require(Right.WRITE)
        if attrs.size is not None:
            raise asyncssh.SFTPOpUnsupported("Cut a file by opening it, so that it counts as an upload.")
        if attrs.mtime is None:
            self.stat(path)
            return _nothing()
        return self._carried_on(self._writing.set_time(self._path(path), accessed(attrs), float(attrs.mtime)))

    lsetstat = setstat

    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Set size and time of an upload."""
        upload = _upload(file_obj)
        try:
            await self._set(upload, attrs)
        except (asyncssh.SFTPError, OSError):
            # One that could not be cut ends with what lay there before, and clients close it all the same.
            upload.has_failed = upload.has_failed or attrs.size is not None
            raise

    async def _set(self, upload: Upload, attrs: asyncssh.SFTPAttrs) -> None:
        self._require(Right.WRITE)
        if attrs.size is not None or attrs.mtime is not None:
            await self._make_room(upload, attrs.size or 0)
        if not upload.is_open:
            raise asyncssh.SFTPFailure("The file is closed.")
        with answered():
            if attrs.size is not None:
                os.ftruncate(upload.descriptor, attrs.size)
                upload.size_bytes = attrs.size
            if attrs.mtime is not None:
                os.utime(upload.descriptor, (accessed(attrs), float(attrs.mtime)))

    def rename(self, oldpath: bytes, newpath: bytes) -> Awaitable[None]:
        """Give a file another name; refused where the name is taken."""
        self._require(Right.WRITE)
        return self._carried_on(self._writing.rename(self._path(oldpath), self._path(newpath), replace=False))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Awaitable[None]:
        """Give a file another name, replacing what has it."""
        self._require(Right.WRITE)
        return self._carried_on(self._writing.rename(self._path(oldpath), self._path(newpath), replace=True))

    def remove(self, path: bytes) -> Awaitable[None]:
        """Delete a file."""
        self._require(Right.WRITE)
        return self._carried_on(self._writing.remove(self._path(path)))

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Awaitable[None]:
        """Create a directory."""
        self._require(Right.WRITE)
        return self._carried_on(self._writing.make_directory(self._path(path)))

    def rmdir(self, path: bytes) -> Awaitable[None]:
        """Delete an empty directory."""
        self._require(Right.WRITE)
        return self._carried_on(self._writing.remove_directory(self._path(path)))

    # Not on offer.

    def readlink(self, path: bytes) -> bytes:
        """Links are not on offer."""
        raise asyncssh.SFTPPermissionDenied("Links are not on offer here.")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Links are not on offer."""
        raise asyncssh.SFTPPermissionDenied("Links are not on offer here.")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Links are not on offer."""
        raise asyncssh.SFTPPermissionDenied("Links are not on offer here.")

    def statvfs(self, path: bytes) -> NoReturn:
        """Our disks are our own business."""
        raise asyncssh.SFTPOpUnsupported("Not on offer here.")

    def fstatvfs(self, file_obj: object) -> NoReturn:
        """Our disks are our own business."""
        raise asyncssh.SFTPOpUnsupported("Not on offer here.")

    # Small things.

    def _require(self, right: Right | None = None) -> None:
        """Something is asked for: let it through where the login allows it, now as at its beginning."""
        self._on_use()
        if self._tenant.has_expired:
            raise asyncssh.SFTPPermissionDenied("The login has expired; ask who gave it to you for another.")
        if right is not None and not self._tenant.may(right):
            raise asyncssh.SFTPPermissionDenied(f"The login does not have the right to {right.value}.")

    def _require_awake(self) -> None:
        if self.is_resting:
            raise asyncssh.SFTPFailure("Hosted folders are paused here; try again later.")

    def _carried_on(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Do it to its end, from now on; refusals come as SFTP's errors."""
        return answer_of(self._house.carry_on(work))

    def _path(self, path: bytes) -> str:
        """The path in the drop folder that the client means. Raises SFTPFailure for a name that cannot be."""
        return joined(self._tenant.base, relative) if (relative := _relative(path)) else self._tenant.base


def _relative(path: bytes) -> str:
    """A client's path relative to its directory: `..` stops at the top, as in any root directory."""
    try:
        text = path.decode("utf-8")
        return checked_path(posixpath.normpath(posixpath.join("/", text)).lstrip("/"))
    except UnicodeDecodeError as error:
        raise asyncssh.SFTPFailure("The name is not valid UTF-8.") from error
    except ValueError as error:
        raise asyncssh.SFTPFailure(f"The name is not allowed: {error}.") from error


def _reading(file_obj: object) -> Reading:
    if not isinstance(file_obj, Reading):
        raise TypeError(f"expected an open file, found {type(file_obj).__name__}")
    return file_obj


def _upload(file_obj: object) -> Upload:
    if not isinstance(file_obj, Upload):
        raise asyncssh.SFTPPermissionDenied("The file is open for reading only.")
    return file_obj


async def _nothing() -> None:
    """All was done already."""


async def _put_down(handle: Reading) -> None:
    os.close(handle.descriptor)
