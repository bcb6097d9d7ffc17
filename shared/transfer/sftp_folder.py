"""A Folder on an open SFTP connection.

A deadline ends the connection itself: whatever waits on it then fails at once, and a server that went silent in the
middle of an answer cannot hold the clean-up either. So a folder that raised ConnectionLost is of no further use.
Requests are kept in flight here and not by the driver, because the driver's own parallel reads outlive a cancelled
reader.
"""

import asyncio
import stat
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing, contextmanager, suppress
from types import TracebackType
from typing import Self, cast

import asyncssh

from shared.domain.arrival import FileStamp
from shared.domain.failures import (
    AccessDenied,
    ConnectionLost,
    DirectoryMissing,
    FileGone,
    NameTaken,
    RenameRefused,
    ServerFailed,
    TooManyFiles,
)
from shared.domain.names import quoted, split, taken_path, to_bytes
from shared.transfer.folder import (
    CHUNK_BYTES,
    MAX_ENTRIES,
    NOT_A_FILE,
    Deadlines,
    Listing,
    escaped,
    note_directory,
    refuse,
    sort_out,
    stamp,
)

_BLOCK_BYTES = 255 * 1024
"""The largest request that OpenSSH's server answers in one piece."""

_WINDOW_BYTES = 4 << 20
_ENTRIES_PER_LOOK = 500

_KINDS = {b"d": stat.S_IFDIR, b"l": stat.S_IFLNK, b"p": stat.S_IFIFO, b"s": stat.S_IFSOCK}
"""How `ls -l` begins a line, and so does OpenSSH's server."""

_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory)
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError, OSError)


class Watch:
    """Ends a connection on which nothing was done in time."""

    def __init__(self, connection: asyncssh.SSHClientConnection, seconds: float, *, total: float | None = None) -> None:
        self._connection = connection
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + (seconds if total is None else total)
        self._timer: asyncio.TimerHandle | None = None
        self.has_expired = False

    def __enter__(self) -> Self:
        self.moved()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.paused()

    def moved(self) -> None:
        """Something was done: wait anew, but never beyond the total."""
        self.paused()
        self._timer = self._loop.call_at(min(self._loop.time() + self._seconds, self._end), self._expire)

    def paused(self) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def told(self, otherwise: str) -> str:
        """Why the connection ended."""
        return f"The server did not finish within {self._seconds:g} seconds." if self.has_expired else otherwise

    def _expire(self) -> None:
        self.has_expired = True
        self._connection.abort()


class SftpFolder:
    """A Folder on a partner's SFTP server."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        client: asyncssh.SFTPClient,
        home: bytes,
        deadlines: Deadlines,
        *,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._connection = connection
        self._client = client
        self._home = home
        self._deadlines = deadlines
        self._max_entries = max_entries

    async def list(self, directory: str) -> Listing:
        """The regular files of a directory."""
        listing = Listing()
        limits = self._deadlines
        with self._step(DirectoryMissing, directory, limits.step_seconds, limits.listing_seconds) as watch:
            scanned = cast(AsyncGenerator[asyncssh.SFTPName, None], self._client.scandir(self._absolute(directory)))
            async with aclosing(scanned) as entries:
                count = 0
                async for entry in entries:
                    count += 1
                    if count > self._max_entries:
                        raise TooManyFiles(f"Found more than {self._max_entries} entries in {quoted(directory)}.")
                    if count % _ENTRIES_PER_LOOK == 0:
                        watch.moved()
                    _sort(listing, directory, entry)
        return listing

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file."""
        with self._step(FileGone, path):
            attributes = await self._client.lstat(self._absolute(path))
        if stat.S_IFMT(attributes.permissions or 0) not in (0, stat.S_IFREG):
            raise FileGone(f"Expected a regular file at {quoted(path)}, found something else.")
        try:
            return stamp(path, attributes.size, attributes.mtime)
        except ValueError as error:
            raise ServerFailed(f"At {quoted(path)} {error}.") from error

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file, several requests in flight."""
        with self._step(FileGone, path):
            file = await self._client.open(self._absolute(path), "rb", block_size=None)
        ahead: deque[asyncio.Task[bytes]] = deque()
        size, window = self._block(self._client.limits.max_read_len)
        # A file is mostly small: begin with few requests, and double them as long as it goes on.
        depth, offset, parts, gathered, at_end = 4, 0, [], 0, False
        try:
            while not at_end:
                while len(ahead) < depth:
                    ahead.append(asyncio.create_task(_read_block(file, offset, size)))
                    offset += size
                depth = min(window, depth * 2)
                with self._step(FileGone, path, self._deadlines.idle_seconds):
                    block = await ahead.popleft()
                at_end = len(block) < size
                parts.append(block)
                gathered += len(block)
                if gathered and (at_end or gathered + size > CHUNK_BYTES):
                    yield b"".join(parts)
                    parts, gathered = [], 0
        finally:
            await self._put_down(file, path, ahead)

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        """Create or overwrite a file, several requests in flight."""
        with self._step(DirectoryMissing, path):
            file = await self._client.open(self._absolute(path), "wb", block_size=None)
        ahead: deque[asyncio.Task[int]] = deque()
        size, window = self._block(self._client.limits.max_write_len)
        written = 0
        try:
            async for chunk in chunks:
                for start in range(0, len(chunk), size):
                    block = chunk[start : start + size]
                    ahead.append(asyncio.create_task(file.write(block, written)))
                    written += len(block)
                    if len(ahead) >= window:
                        await self._confirmed(ahead, path)
            while ahead:
                await self._confirmed(ahead, path)
        finally:
            await self._put_down(file, path, ahead)
        return written

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another name or directory."""
        old, new = self._absolute(source), self._absolute(target)
        with self._step(FileGone, source):
            await self._client.lstat(old)
        with self._step(DirectoryMissing, split(target)[0]):
            try:
                await (self._replace(old, new) if replace else self._rename(target, old, new))
            except asyncssh.SFTPOpUnsupported as error:
                raise RenameRefused(f"At {quoted(source)}.") from error

    async def remove(self, path: str) -> None:
        """Delete a file."""
        with self._step(FileGone, path):
            await self._client.remove(self._absolute(path))

    async def make_directory(self, path: str) -> None:
        """Create a directory and those above it."""
        parts = taken_path(path).split("/") if path else []
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            with self._step(DirectoryMissing, part):
                found = await self._kind(self._absolute(part))
                if found is None:
                    await self._make_one(self._absolute(part))
                elif not found:
                    raise NameTaken(f"Found a file at {quoted(part)}.")

    async def _make_one(self, path: bytes) -> None:
        try:
            await self._client.mkdir(path)
        except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
            # Somebody else may have made it since we looked.
            if not await self._kind(path):
                raise

    async def _kind(self, path: bytes) -> bool | None:
        """Whether it is a directory; None where there is nothing. A link to a directory is one here."""
        try:
            attributes = await self._client.stat(path)
        except _MISSING:
            return None
        return attributes.permissions is None or stat.S_ISDIR(attributes.permissions)

    async def _refuse_taken(self, target: str, path: bytes) -> None:
        if not await self._is_free(path):
            raise NameTaken(f"Found {quoted(target)}.")

    async def _is_free(self, path: bytes) -> bool:
        try:
            await self._client.lstat(path)
        except _MISSING:
            return True
        return False

    async def _rename(self, target: str, old: bytes, new: bytes) -> None:
        """SFTP's plain rename refuses an existing name, but some servers replace it: look first."""
        await self._refuse_taken(target, new)
        try:
            await self._client.rename(old, new)
        except asyncssh.SFTPFailure:
            await self._refuse_taken(target, new)
            raise

    async def _replace(self, old: bytes, new: bytes) -> None:
        try:
            await self._client.posix_rename(old, new)
        except asyncssh.SFTPOpUnsupported:
            await self._replace_by_way_of_previous(old, new)

    async def _replace_by_way_of_previous(self, old: bytes, new: bytes) -> None:
        """For servers that cannot replace: at no moment are both versions missing, also where this breaks off."""
        try:
            await self._client.rename(old, new)
        except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
            # SFTP 3 has no word of its own for a name that is taken.
            if await self._is_free(new):
                raise
        else:
            return
        previous = new + b".previous"
        with suppress(*_MISSING):
            await self._client.remove(previous)
        await self._client.rename(new, previous)
        try:
            await self._client.rename(old, new)
        except asyncssh.SFTPError:
            await self._client.rename(previous, new)
            raise
        with suppress(asyncssh.SFTPError):
            # The new version lies there; where the older one beside it cannot go, the next replacing tells.
            await self._client.remove(previous)

    async def _confirmed(self, ahead: "deque[asyncio.Task[int]]", path: str) -> None:
        with self._step(DirectoryMissing, path, self._deadlines.idle_seconds):
            await ahead.popleft()

    async def _put_down(
        self, file: "asyncssh.SFTPClientFile", path: str, ahead: "deque[asyncio.Task[bytes]] | deque[asyncio.Task[int]]"
    ) -> None:
        """End what is still in flight and close the handle; a server may refuse a written file only here."""
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)
        with self._step(FileGone, path):
            await file.close()

    @contextmanager
    def _step(
        self,
        missing: type[FileGone] | type[DirectoryMissing],
        path: str,
        seconds: float | None = None,
        total: float | None = None,
    ) -> Iterator[Watch]:
        """A step with its deadline, in which the driver's exceptions become ours."""
        with Watch(self._connection, seconds or self._deadlines.step_seconds, total=total) as watch:
            try:
                yield watch
            except _MISSING as error:
                raise missing(f"Looked for {quoted(path)}.") from error
            except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect) as error:
                raise AccessDenied(f"At {quoted(path)}.") from error
            except asyncssh.SFTPFileAlreadyExists as error:
                raise NameTaken(f"Found {quoted(path)}.") from error
            except _LOST as error:
                raise ConnectionLost(watch.told("The connection was cut.")) from error
            except asyncssh.SFTPError as error:
                raise ServerFailed(f"At {quoted(path)} it said: {escaped(error.reason.encode())}.") from error

    def _absolute(self, path: str) -> bytes:
        return self._home.rstrip(b"/") + b"/" + to_bytes(taken_path(path)) if path else self._home or b"/"

    @staticmethod
    def _block(offered: int) -> tuple[int, int]:
        """Bytes a request, and requests in flight."""
        size = min(offered, _BLOCK_BYTES)
        return size, max(16, min(_WINDOW_BYTES // size, 128))


def _sort(listing: Listing, directory: str, entry: asyncssh.SFTPName) -> None:
    """Put an entry of a listing where it belongs."""
    name = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode()
    kind = _kind_of(entry)
    if kind == stat.S_IFDIR or name in (b".", b".."):
        note_directory(listing, directory, name)
        return
    path = sort_out(listing, directory, name)
    if path is None:
        return
    if kind != stat.S_IFREG:
        refuse(listing, name, NOT_A_FILE)
        return
    try:
        listing.files.append(stamp(path, entry.attrs.size, entry.attrs.mtime))
    except ValueError as error:
        refuse(listing, name, str(error))


def _kind_of(entry: asyncssh.SFTPName) -> int:
    """What kind of file it is. Where a server gives no permissions, the line that it writes for eyes tells it."""
    mode = entry.attrs.permissions
    if mode is not None:
        # Some give the permissions alone, without a kind: what is neither is a file.
        return stat.S_IFMT(mode) or stat.S_IFREG
    line = entry.longname if isinstance(entry.longname, bytes) else (entry.longname or "").encode()
    return _KINDS.get(line[:1], stat.S_IFREG)


async def _read_block(file: "asyncssh.SFTPClientFile", offset: int, size: int) -> bytes:
    """Up to `size` bytes; fewer only at the file's end. Servers may answer with less than was asked."""
    data: bytes = await file.read(size, offset)
    while 0 < len(data) < size:
        more: bytes = await file.read(size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data
