"""A Folder on an FTPS server to which we have logged in.

FTP says of most failures only that it failed, so what was missing is looked for afterwards. There is one transfer at a
time. Where the server offers no MLSD (RFC 3659), each file's time is asked for by itself: LIST tells it only to the
minute, and in a zone that nobody names. Symbolic links are refused where the server shows that they are some, which it
does in LIST alone. Times are whole seconds. A rename that must not replace looks first: FTP has no other way.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import suppress

from shared.domain.arrival import FileStamp
from shared.domain.failures import (
    AccessDenied,
    ConnectionLost,
    DirectoryMissing,
    Failure,
    FileGone,
    NameTaken,
    PlaceFull,
    ProtocolRefused,
    RenameRefused,
    ServerFailed,
)
from shared.domain.names import quoted, split, taken_path, to_bytes
from shared.transfer.folder import CHUNK_BYTES, MAX_ENTRIES, Listing, stamp
from shared.transfer.ftps.line import Line
from shared.transfer.ftps.listing import Entry
from shared.transfer.ftps.look import Look
from shared.transfer.ftps.replies import Refused, wire
from shared.transfer.ftps.transfer import Transfer

_BLOCK_BYTES = 256 * 1024
"""Each of which has to be taken within the longest silence."""
_FULL = (452, 552)
_INTERRUPTED = (425, 426)
_DENIED = (501, 521, 530, 532, 550, 551, 553)
"""What servers answer where there is no such file or directory, or where it is not for us."""


class FtpsFolder:
    """A Folder on a partner's FTPS server."""

    def __init__(self, line: Line, home: str, *, max_entries: int = MAX_ENTRIES) -> None:
        """`home` is the path of the home directory, as `wire` gives it."""
        self._line = line
        self._session = line.session
        self._home = home.rstrip("/")
        self._max_entries = max_entries

    async def list(self, directory: str) -> Listing:
        """The regular files of a directory."""
        look = Look(self._line, directory, self._absolute(directory), self._max_entries)
        try:
            return await look.listing()
        except Refused as refused:
            raise await self._told(refused, directory, DirectoryMissing) from refused

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file."""
        found = await self._look(path)
        if found is None:
            raise FileGone(f"Looked for {quoted(path)}.")
        if found.kind != "file":
            raise FileGone(f"Expected a regular file at {quoted(path)}, found something else.")
        try:
            return stamp(path, found.size_bytes, found.modified)
        except ValueError as error:
            raise ServerFailed(f"At {quoted(path)} {error}.") from error

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file. Where the connection is cut, only the size tells whether these were all."""
        remote = self._absolute(path)
        size = await self._size(remote)
        transfer = await self._begin(f"RETR {remote}", path, FileGone)
        received = 0
        try:
            while chunk := await self._moved(path, transfer.receive, CHUNK_BYTES):
                received += len(chunk)
                yield chunk
            await self._moved(path, transfer.end_received)
        finally:
            await self._give_up(transfer)
        if transfer.was_cut and received != size:
            raise ConnectionLost(
                f"{self._line.host.shown} cut the connection after {received:,} bytes of {quoted(path)}."
            )

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        """Create or overwrite a file."""
        transfer = await self._begin(f"STOR {self._absolute(path)}", path, DirectoryMissing)
        written = 0
        try:
            async for chunk in chunks:
                for start in range(0, len(chunk), _BLOCK_BYTES):
                    await self._moved(path, transfer.send, chunk[start : start + _BLOCK_BYTES])
                written += len(chunk)
            await self._moved(path, transfer.end_sent)
        finally:
            await self._give_up(transfer)
        return written

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another name or directory."""
        old, new = self._absolute(source), self._absolute(target)
        if not replace and await self._look(target) is not None:
            raise NameTaken(f"Found {quoted(target)}.")
        try:
            await self._line.ask(self._session.move, old, new)
        except Refused as refused:
            if await self._look(source) is None:
                raise FileGone(f"Looked for {quoted(source)}.") from refused
            if replace and await self._look(target) is not None:
                await self._replace_by_way_of_previous(source, target)
                return
            raise await self._not_renamed(refused, source, target) from refused

    async def remove(self, path: str) -> None:
        """Delete a file."""
        try:
            await self._line.ask(self._session.remove, self._absolute(path))
        except Refused as refused:
            raise await self._told(refused, path, FileGone) from refused

    async def make_directory(self, path: str) -> None:
        """Create a directory and those above it."""
        parts = taken_path(path).split("/") if path else []
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            found = await self._look(part)
            if found is None:
                await self._make_one(part)
            elif found.kind != "directory":
                raise NameTaken(f"Found a file at {quoted(part)}.")

    async def _make_one(self, path: str) -> None:
        try:
            await self._line.ask(self._session.make, self._absolute(path))
        except Refused as refused:
            # Somebody else may have made it since we looked.
            if not await self._is_directory(path):
                raise self._denied(refused, path) from refused

    async def _look(self, path: str) -> Entry | None:
        """What lies there; None where there is nothing, or nothing that we are shown."""
        remote = self._absolute(path)
        try:
            if self._session.has_facts:
                return await self._line.ask(self._session.facts, remote)
            size = await self._line.ask(self._session.size, remote)
            return Entry(b"", "file", size, await self._line.ask(self._session.modified, remote))
        except Refused as refused:
            if refused.is_unknown:
                raise ProtocolRefused(
                    f"It tells exact sizes and times neither by MLST nor by SIZE and MDTM: {refused}."
                ) from refused
        if not self._session.has_facts and await self._is_directory(path):
            return Entry(b"", "directory", None)
        return None

    async def _is_directory(self, path: str) -> bool:
        """Whether one can go there; paths are absolute, so nothing depends on where we are."""
        try:
            await self._line.ask(self._session.enter, self._absolute(path))
        except Refused:
            return False
        return True

    async def _size(self, remote: str) -> int | None:
        """The size of a file, where the server tells it."""
        try:
            return await self._line.ask(self._session.size, remote)
        except Refused:
            return None

    async def _begin(self, command: str, path: str, missing: type[FileGone] | type[DirectoryMissing]) -> Transfer:
        try:
            return await self._line.transfer(command)
        except Refused as refused:
            looked_for = path if missing is FileGone else split(path)[0]
            raise await self._told(refused, looked_for, missing) from refused

    async def _moved(self, path: str, work: Callable[..., bytes | str | None], *args: object) -> bytes:
        """A step of a transfer, within the longest silence."""
        try:
            done = await self._line.within(self._line.deadlines.idle_seconds, work, *args)
        except Refused as refused:
            raise self._denied(refused, path) from refused
        return done if isinstance(done, bytes) else b""

    async def _give_up(self, transfer: Transfer) -> None:
        """End what has not come to its end; what went wrong before is told, and not how this goes."""
        if not transfer.is_over:
            await self._line.courtesy(transfer.give_up)

    async def _replace_by_way_of_previous(self, source: str, target: str) -> None:
        """For servers that cannot replace: at no moment are both versions missing, also where this breaks off."""
        ask, session = self._line.ask, self._session
        old, new = self._absolute(source), self._absolute(target)
        previous = new + ".previous"
        with suppress(Refused):  # mostly there is none
            await ask(session.remove, previous)
        try:
            await ask(session.move, new, previous)
            try:
                await ask(session.move, old, new)
            except Refused:
                await ask(session.move, previous, new)
                raise
        except Refused as refused:
            raise await self._not_renamed(refused, source, target) from refused
        with suppress(Refused):
            # The new version lies there; where the older one beside it cannot go, the next replacing tells.
            await ask(session.remove, previous)

    async def _not_renamed(self, refused: Refused, source: str, target: str) -> Failure:
        if refused.is_unknown:
            return RenameRefused(f"At {quoted(source)}.")
        return await self._told(refused, split(target)[0], DirectoryMissing)

    async def _told(self, refused: Refused, path: str, missing: type[FileGone] | type[DirectoryMissing]) -> Failure:
        """What a refusal means, once we know whether what it was about is there."""
        if refused.code in _DENIED or refused.code == 450:
            is_there = await self._is_directory(path) if missing is DirectoryMissing else await self._look(path)
            if not is_there:
                return missing(f"Looked for {quoted(path)}.")
        return self._denied(refused, path)

    def _denied(self, refused: Refused, path: str) -> Failure:
        if refused.code in _FULL:
            return PlaceFull(f"At {quoted(path)} it said: {refused}.")
        if refused.code in _INTERRUPTED:
            return ConnectionLost(f"{self._line.host.shown} broke the transfer off: {refused}.")
        if refused.code in _DENIED:
            return AccessDenied(f"At {quoted(path)} it said: {refused}.")
        return ServerFailed(f"At {quoted(path)} it said: {refused}.")

    def _absolute(self, path: str) -> str:
        """The path for a command. Raises ValueError for one that leads elsewhere, or that FTP cannot say."""
        return f"{self._home}/{wire(to_bytes(taken_path(path)))}" if path else self._home or "/"
