"""See what lies on a WebDAV server: PROPFIND, and what its answers mean.

Of the addresses that a server lists only the last part counts, and only where the rest is the path that was asked for;
a host in them is not even looked at. What is listed twice counts once. A listing that does not name the directory
itself is none: it would mean that every file has vanished.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes, urlsplit

from shared.domain.failures import DirectoryMissing, FileGone, TooManyFiles, WebDavRefused
from shared.domain.names import cut, from_bytes, quoted, taken_path, to_bytes
from shared.transfer.folder import MAX_ENTRIES, SHOWN_BYTES, Listing, note_directory, refuse, sort_out, stamp
from shared.transfer.webdav.multistatus import ASKED, Entry, Multistatus
from shared.transfer.webdav.statuses import REDIRECTS, failure_of, is_other_spelling, refused_redirect
from shared.transfer.webdav.wire import Answer, Question, Wire

_MAX_LOOK_BYTES = 1 << 20
_MAX_LISTING_BYTES = 1 << 30
_SHOWN_CHARACTERS = 200

Segments = tuple[bytes, ...]


class Looking:
    """Looks at what lies below a directory of a server."""

    def __init__(self, wire: Wire, home: Segments, *, max_entries: int = MAX_ENTRIES) -> None:
        self._wire = wire
        self._home = home
        self._max_entries = max_entries

    def target(self, path: str, *, is_directory: bool = False) -> str:
        """A path as a request names it: every byte that is not plain is percent-encoded."""
        encoded = "".join("/" + quote(segment, safe="") for segment in self._segments(path))
        return encoded + "/" if is_directory or not encoded else encoded

    async def file(self, path: str) -> Entry:
        """A file as the server has it. Raises FileGone."""
        found = await self.look(path)
        if found is None:
            raise FileGone(f"Looked for {quoted(path)}.")
        if found.is_collection:
            raise FileGone(f"Expected a regular file at {quoted(path)}, found a directory.")
        return found

    async def look(self, path: str, *, is_directory: bool = False) -> Entry | None:
        """What lies there; None where there is nothing. Raises AccessDenied, WebDavRefused, RedirectRefused."""
        wanted, others = self._segments(path), ""
        async with self._asked(path, "0", is_directory=is_directory) as answer:
            if answer.status in (404, 410):
                return None
            async with aclosing(self._entries(answer, path, _MAX_LOOK_BYTES)) as entries:
                async for entry in entries:
                    if _segments_of(entry.href) == wanted:
                        return None if entry.status in (404, 410) else _judged(entry, path)
                    others = others or entry.href
        raise self._speaks_of(others, path)

    async def list(self, directory: str) -> Listing:
        """What lies in a directory. Raises DirectoryMissing, TooManyFiles, and what `look` raises."""
        listing, known, others = Listing(), set[bytes](), ""
        base, has_itself = self._segments(directory), False
        async with (
            self._asked(directory, "1", is_directory=True) as answer,
            aclosing(self._entries(answer, directory, _MAX_LISTING_BYTES)) as entries,
        ):
            async for entry in entries:
                segments = _segments_of(entry.href)
                if segments == base:
                    has_itself = True
                    if not _judged(entry, directory).is_collection:
                        raise DirectoryMissing(f"Expected a directory at {quoted(directory)}, found a file.")
                    continue
                others = others or entry.href
                # What lies elsewhere is refused for the slashes in its name.
                name = segments[-1] if segments and segments[:-1] == base else b"/" + entry.href.encode()
                # What is too long for a name is refused, and must not be kept by the gigabyte.
                key = name if len(name) <= SHOWN_BYTES else sha256(name).digest()
                if key not in known:
                    known.add(key)
                    _sort(listing, directory, name, entry)
                if len(known) > self._max_entries:
                    raise TooManyFiles(f"Found more than {self._max_entries} entries in {quoted(directory)}.")
        if not has_itself:
            raise self._speaks_of(others, directory)
        return listing

    def _segments(self, path: str) -> Segments:
        return (*self._home, *(to_bytes(part) for part in taken_path(path).split("/"))) if path else self._home

    @asynccontextmanager
    async def _asked(self, path: str, depth: str, *, is_directory: bool) -> AsyncIterator[Answer]:
        """The answer to a PROPFIND, asked again where the server wants another slash at the end of the path."""
        headers = {"Depth": depth, "Content-Type": 'application/xml; charset="utf-8"'}
        for is_last, with_slash in ((False, is_directory), (True, not is_directory)):
            target = self.target(path, is_directory=with_slash)
            async with self._wire.ask(Question("PROPFIND", target, headers, ASKED, may_repeat=True)) as answer:
                if answer.status in REDIRECTS:
                    if is_last or not is_other_spelling(answer.headers, self._wire.authority, target):
                        raise refused_redirect(answer.headers)
                    continue
                yield answer
                return

    async def _entries(self, answer: Answer, path: str, max_bytes: int) -> AsyncGenerator[Entry, None]:
        """The entries of an answer, as they come."""
        if answer.status in (200, 204, 400, 405, 415, 501):
            raise WebDavRefused(f"It answered {answer.status} to PROPFIND.")
        if answer.status != 207:
            raise failure_of(answer.status, path, DirectoryMissing)
        read, multistatus = 0, Multistatus()
        async with aclosing(answer.body.blocks(self._wire.deadlines.step_seconds)) as blocks:
            async for block in blocks:
                read += len(block)
                if read > max_bytes:
                    raise WebDavRefused(f"Its answer to PROPFIND has more than {max_bytes:,} bytes.")
                for entry in multistatus.feed(block):
                    yield entry
        multistatus.end()

    def _speaks_of(self, href: str, path: str) -> WebDavRefused:
        """Behind a proxy that changes paths, nothing that is listed could be found again."""
        told = quoted(cut(from_bytes(href.encode()), _SHOWN_CHARACTERS)) if href else "nothing"
        return WebDavRefused(f"Its answer speaks of {told} where {quoted(self.target(path))} was asked for.")


def _judged(entry: Entry, path: str) -> Entry:
    """An entry that has properties. Raises the failure that it has in their place."""
    if entry.status not in (None, 200):
        raise failure_of(entry.status or 0, path, DirectoryMissing)
    return entry


def _sort(listing: Listing, directory: str, name: bytes, entry: Entry) -> None:
    """Put an entry of a listing where it belongs."""
    if entry.status in (404, 410):
        return
    if entry.is_collection:
        note_directory(listing, directory, name)
        return
    path = sort_out(listing, directory, name)
    if path is None:
        return
    try:
        if entry.status not in (None, 200):
            raise ValueError(f"the server answers {entry.status} for it")
        listing.files.append(stamp(path, entry.size_bytes, entry.modified))
    except ValueError as error:
        refuse(listing, name, str(error))


def _segments_of(href: str) -> Segments | None:
    """The decoded path of an address; None where it is none that we could ask for again."""
    if not href.isprintable() or "?" in href or "#" in href:
        return None
    try:
        path = urlsplit(href).path
    except ValueError:
        return None
    if not path.startswith("/"):
        return None
    return tuple(unquote_to_bytes(segment) for segment in path.removesuffix("/").split("/")[1:])
