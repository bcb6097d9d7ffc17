"""A Folder on a partner's WebDAV server (RFC 4918).

Deleting and replacing reach whole trees in WebDAV, so it is looked before whether there is a file. A file is read in
the version that was seen, where the server tells versions apart (ETag): its times have whole seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from shared.domain.arrival import FileStamp
from shared.domain.failures import (
    ConnectionLost,
    DirectoryMissing,
    Failure,
    FileChanged,
    FileGone,
    NameTaken,
    RenameRefused,
    ServerFailed,
)
from shared.domain.names import quoted, split, taken_path
from shared.transfer.folder import CHUNK_BYTES, MAX_ENTRIES, Listing, stamp
from shared.transfer.webdav.looking import Looking, Segments
from shared.transfer.webdav.statuses import REDIRECTS, failure_of, refused_redirect
from shared.transfer.webdav.wire import Answer, Question, Wire

_READ_BYTES = 256 * 1024
"""What must come within `idle_seconds`."""

_Missing = type[FileGone] | type[DirectoryMissing]


class WebDavFolder:
    """A Folder on a partner's WebDAV server."""

    def __init__(self, wire: Wire, home: Segments, *, max_entries: int = MAX_ENTRIES) -> None:
        self._wire = wire
        self._looking = Looking(wire, home, max_entries=max_entries)
        self._seen: dict[str, str | None] = {}
        """The version of the file that was looked at last."""
        self._read: dict[str, str] = {}
        """The version of the file that was read last."""

    async def enter(self) -> None:
        """Log in, and see that there is a directory. Raises LoginRefused, DirectoryMissing, WebDavRefused."""
        await self._require_directory("")

    async def list(self, directory: str) -> Listing:
        """What lies in a directory."""
        seconds = self._wire.deadlines.listing_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._looking.list(directory)
        except TimeoutError as error:
            raise ConnectionLost(f"The listing took longer than {seconds:g} seconds.") from error

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file. Raises FileChanged for another version than the one that was read."""
        found = await self._looking.file(path)
        read = self._read.get(path)
        if read is not None and found.etag is not None and _version(found.etag) != _version(read):
            raise FileChanged(f"The ETag of {quoted(path)} is not that of what was read.")
        self._seen = {path: found.etag}
        try:
            return stamp(path, found.size_bytes, found.modified)
        except ValueError as error:
            raise ServerFailed(f"At {quoted(path)} {error}.") from error

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file: of the version that `stat` saw. Raises FileChanged where there is another."""
        etag = self._seen[path] if path in self._seen else (await self._looking.file(path)).etag
        self._read = {} if etag is None else {path: etag}
        condition = {"If-Match": etag} if etag is not None and _is_strong(etag) else {}
        async with self._wire.ask(self._get(path, condition)) as answer:
            if answer.status != 412 or not condition:
                async with aclosing(self._blocks(answer, path)) as blocks:
                    async for block in blocks:
                        yield block
                return
        # Some servers list other ETags than they compare with: the file has changed only where the list says so.
        if _version((await self._looking.file(path)).etag or "") != _version(etag or ""):
            raise FileChanged(f"The ETag of {quoted(path)} is not the one that was seen.")
        async with self._wire.ask(self._get(path, {})) as answer, aclosing(self._blocks(answer, path)) as blocks:
            async for block in blocks:
                yield block

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        """Create or overwrite a file."""
        target, headers = self._looking.target(path), {"Content-Type": "application/octet-stream"}
        self._forget(path)
        # This renews a login that has grown old: what is sent in pieces cannot be sent a second time.
        await self._require_directory(split(path)[0])
        upload = _Upload(chunks)
        beginning = await upload.beginning()
        if upload.is_over:
            await self._put(Question("PUT", target, headers, beginning), path)
            return len(beginning)
        if not self._wire.is_asked:
            # Who lets everybody look may still ask for a login before anything is written.
            await self._put(Question("PUT", target, headers), path)
        await self._put(Question("PUT", target, headers, upload.whole(), size_bytes), path)
        return upload.size_bytes

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another name or directory."""
        self._forget(source, target)
        await self._looking.file(source)
        there = await self._looking.look(target)
        if there is not None and (there.is_collection or not replace):
            # Servers differ in what they replace, and some would replace a whole directory.
            raise NameTaken(f"Found {quoted(target)}.")
        if split(target)[0] != split(source)[0]:
            # What servers answer where it is missing is anything from 404 to 500.
            await self._require_directory(split(target)[0])
        path = self._looking.target(target)
        status = await self._moved(source, f"https://{self._wire.authority}{path}", replace=replace)
        if status == 502 and await self._looking.look(source) is not None:
            # Behind a proxy that ends TLS a server may not know itself by that address; the path alone it knows.
            status = await self._moved(source, path, replace=replace)
        match status:
            case 200 | 201 | 204:
                return
            case 409:
                raise DirectoryMissing(f"Looked for {quoted(split(target)[0])}.")
            case 412 if not replace:
                raise NameTaken(f"Found {quoted(target)}.")
            case 400 | 405 | 415 | 501:
                raise RenameRefused(f"At {quoted(source)} it answered {status}.")
            case _:
                raise failure_of(status, source, FileGone)

    async def remove(self, path: str) -> None:
        """Delete a file."""
        self._forget(path)
        await self._looking.file(path)
        async with self._wire.ask(Question("DELETE", self._looking.target(path))) as answer:
            if answer.status not in (200, 202, 204):
                raise _failed(answer, path, FileGone)

    async def make_directory(self, path: str) -> None:
        """Create a directory and those above it."""
        parts = taken_path(path).split("/") if path else []
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            found = await self._looking.look(part)
            if found is None:
                await self._make_one(part)
            elif not found.is_collection:
                raise NameTaken(f"Found a file at {quoted(part)}.")

    def _forget(self, *paths: str) -> None:
        """What we change ourselves is no longer the version that was seen."""
        for path in paths:
            self._seen.pop(path, None)
            self._read.pop(path, None)

    async def _require_directory(self, path: str) -> None:
        found = await self._looking.look(path, is_directory=True)
        if found is None or not found.is_collection:
            raise DirectoryMissing(f"Looked for {quoted(path)}." if path else "Looked for the directory of its url.")

    async def _make_one(self, path: str) -> None:
        async with self._wire.ask(Question("MKCOL", self._looking.target(path, is_directory=True))) as answer:
            if answer.status == 201:
                return
        # Somebody else may have made it since we looked.
        found = await self._looking.look(path) if answer.status == 405 else None
        if found is None or not found.is_collection:
            raise _failed(answer, path, DirectoryMissing)

    async def _moved(self, source: str, destination: str, *, replace: bool) -> int:
        headers = {"Destination": destination, "Overwrite": "T" if replace else "F"}
        async with self._wire.ask(Question("MOVE", self._looking.target(source), headers)) as answer:
            if answer.status in REDIRECTS:
                raise refused_redirect(answer.headers)
            return answer.status

    async def _put(self, question: Question, path: str) -> None:
        async with self._wire.ask(question) as answer:
            if answer.status not in (200, 201, 204):
                raise _failed(answer, path, DirectoryMissing)

    def _get(self, path: str, condition: dict[str, str]) -> Question:
        return Question("GET", self._looking.target(path), condition, may_repeat=True)

    async def _blocks(self, answer: Answer, path: str) -> AsyncGenerator[bytes, None]:
        if answer.status != 200:
            raise _failed(answer, path, FileGone)
        async with aclosing(answer.body.blocks(self._wire.deadlines.idle_seconds, at_least=_READ_BYTES)) as blocks:
            async for block in blocks:
                yield block


class _Upload:
    """What is written: its beginning, and whether that is all of it."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = aiter(chunks)
        self._begun: list[bytes] = []
        self.size_bytes = 0
        """How much was handed out, or gathered before."""
        self.is_over = False

    async def beginning(self) -> bytes:
        """More than a chunk of it, or all."""
        while self.size_bytes <= CHUNK_BYTES and not self.is_over:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                self.is_over = True
            elif chunk:
                self._begun.append(chunk)
                self.size_bytes += len(chunk)
        return b"".join(self._begun)

    async def whole(self) -> AsyncGenerator[bytes, None]:
        """All of it, from its beginning on; once."""
        for chunk in self._begun:
            yield chunk
        self._begun = []
        async for chunk in self._chunks:
            self.size_bytes += len(chunk)
            if chunk:
                yield chunk


def _failed(answer: Answer, path: str, missing: _Missing) -> Failure:
    return refused_redirect(answer.headers) if answer.status in REDIRECTS else failure_of(answer.status, path, missing)


def _is_strong(etag: str) -> bool:
    """Whether it may be compared byte by byte (RFC 9110, 8.8.3), and is fit for a header."""
    return etag.startswith('"') and etag.endswith('"') and len(etag) > 1 and etag.isascii() and etag.isprintable()


def _version(etag: str) -> str:
    """What two ETags of one version have in common: some are weak as long as the file is young."""
    return etag.removeprefix("W/")
