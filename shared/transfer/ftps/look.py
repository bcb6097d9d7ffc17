"""Looking into a directory of an FTPS server, once.

By MLSD, which tells all there is to tell; or else by LIST for names, sizes and kinds, and by MDTM for the times of the
files. A listing is read in the session's thread as it comes, its entries are counted, and it is never silently cut;
of what cannot be taken only the beginning is kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from shared.domain.failures import AccessDenied, ConnectionLost, ProtocolRefused, TooManyFiles
from shared.domain.names import from_bytes, quoted
from shared.transfer.folder import (
    NOT_A_FILE,
    SHOWN_BYTES,
    Listing,
    RefusedName,
    note_directory,
    refuse,
    refuse_line,
    sort_out,
    stamp,
)
from shared.transfer.ftps.line import Line
from shared.transfer.ftps.listing import Entry, Lines, read_facts, read_line
from shared.transfer.ftps.replies import Garbled, Refused, wire
from shared.transfer.ftps.transfer import Transfer

_PORTION_BYTES = 256 * 1024
_KEPT_BYTES = SHOWN_BYTES + 1
_TIMES_AT_ONCE = 50
_ENTRIES_AT_ONCE = 2_000
_NOT_OPENED = "failed to open directory"
"""vsftpd says so behind a 226, and lists nothing: this is not an empty directory."""

_NO_FILES = "no files"
"""Some servers say so of an empty directory, behind a 450 or 550; that it is there, CWD has told."""

Read = Callable[[bytes], Entry | None]


@dataclass(slots=True)
class _Rows:
    """What a listing holds, and the lines in it that could not be read, with the reason."""

    entries: list[Entry] = field(default_factory=list)
    unread: list[tuple[bytes, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.entries) + len(self.unread)


class Look:
    """A look into one directory: `directory` relative to the place's home, `remote` as commands want it."""

    def __init__(self, line: Line, directory: str, remote: str, max_entries: int) -> None:
        self._line = line
        self._session = line.session
        self._directory = directory
        self._remote = remote
        self._max_entries = max_entries

    async def listing(self) -> Listing:
        """The regular files. Raises Refused, TooManyFiles, AccessDenied, ProtocolRefused and what a line raises."""
        seconds = self._line.deadlines.listing_seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await (self._by_facts() if self._session.has_facts else self._by_lines())
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise ConnectionLost(f"The server did not finish within {seconds:g} seconds.") from error

    async def _by_facts(self) -> Listing:
        listing = Listing()
        rows = await self._rows(f"MLSD {self._remote}", read_facts)
        self._refuse_unread(listing, rows)
        for path, entry in await self._files(listing, rows):
            self._take(listing, path, entry, entry.modified)
        return listing

    async def _by_lines(self) -> Listing:
        listing = Listing()
        await self._line.ask(self._session.enter, self._remote)
        rows = await self._lines()
        self._refuse_unread(listing, rows)
        found = await self._files(listing, rows)
        undated = []
        for start in range(0, len(found), _TIMES_AT_ONCE):
            some = found[start : start + _TIMES_AT_ONCE]
            for (path, entry), modified in zip(some, await self._times(some), strict=True):
                if modified is None:
                    undated.append((path, entry))
                else:
                    self._take(listing, path, entry, modified)
        if undated:
            # What has gone since is left out; what is still there has no time, and that is told.
            still_there = {entry.name for entry in (await self._lines()).entries}
            for path, entry in undated:
                if entry.name in still_there:
                    self._take(listing, path, entry, None)
        return listing

    async def _files(self, listing: Listing, rows: _Rows) -> list[tuple[str, Entry]]:
        """The regular files among the rows, with their paths; others wait no longer than for some of them."""
        found = []
        for start in range(0, len(rows.entries), _ENTRIES_AT_ONCE):
            some = rows.entries[start : start + _ENTRIES_AT_ONCE]
            found += [(path, entry) for entry in some if (path := self._path(listing, entry)) is not None]
            await asyncio.sleep(0)
        return found

    async def _lines(self) -> _Rows:
        """LIST, with hidden names where the server can show them: then it shows `.` itself, too."""
        if self._session.may_show_hidden:
            try:
                rows = await self._rows("LIST -a", read_line)
            except Refused:
                rows = _Rows()
            if any(entry.name == b"." for entry in rows.entries):
                return rows
            self._session.may_show_hidden = False
        try:
            return await self._rows("LIST", read_line)
        except Refused as refused:
            if _NO_FILES in refused.said.lower():
                return _Rows()
            raise

    async def _times(self, files: Sequence[tuple[str, Entry]]) -> list[float | None]:
        paths = [f"{self._remote.rstrip('/')}/{wire(entry.name)}" for _, entry in files]
        try:
            return await self._line.ask(self._session.each_modified, paths)
        except Refused as refused:
            raise ProtocolRefused(f"It tells exact times neither by MLSD nor by MDTM: {refused}.") from refused

    async def _rows(self, command: str, read: Read) -> _Rows:
        transfer = await self._line.transfer(command)
        rows, lines = _Rows(), Lines()
        while not await self._line.ask(_portion, transfer, lines, read, rows):
            if rows.count > self._max_entries:
                await self._line.courtesy(transfer.give_up)
                raise TooManyFiles(f"Found more than {self._max_entries} entries in {quoted(self._directory)}.")
        said = await self._line.ask(transfer.end_received)
        if transfer.was_cut:
            raise ConnectionLost(f"{self._line.host.shown} cut the connection in the middle of a listing.")
        if _NOT_OPENED in said:
            raise AccessDenied(f"Asked for a listing of {quoted(self._directory)}.")
        if rows.count > self._max_entries:
            raise TooManyFiles(f"Found more than {self._max_entries} entries in {quoted(self._directory)}.")
        return rows

    def _path(self, listing: Listing, entry: Entry) -> str | None:
        """The path of a regular file; None for what is none, or has a name that cannot be taken."""
        if entry.kind == "directory":
            note_directory(listing, self._directory, entry.name)
            return None
        path = sort_out(listing, self._directory, entry.name)
        if path is None:
            return None
        if entry.kind != "file":
            refuse(listing, entry.name, NOT_A_FILE)
            return None
        try:
            wire(entry.name)
        except ValueError as error:
            listing.refused.append(RefusedName(from_bytes(entry.name), str(error)))
            return None
        return path

    def _take(self, listing: Listing, path: str, entry: Entry, modified: float | None) -> None:
        try:
            listing.files.append(stamp(path, entry.size_bytes, modified))
        except ValueError as error:
            refuse(listing, entry.name, str(error))

    def _refuse_unread(self, listing: Listing, rows: _Rows) -> None:
        for line, reason in rows.unread:
            refuse_line(listing, line, reason)


def _portion(transfer: Transfer, lines: Lines, read: Read, rows: _Rows) -> bool:
    """Read on, in the session's thread; whether the listing is at its end."""
    data = transfer.receive(_PORTION_BYTES)
    try:
        whole = lines.feed(data) if data else lines.rest()
    except ValueError as error:
        raise Garbled from error
    for line in whole:
        try:
            entry = read(line)
        except ValueError as error:
            rows.unread.append((line[:SHOWN_BYTES], str(error)))
        else:
            if entry is not None:
                # Of a name that is too long so much is kept that it is refused for that.
                is_long = len(entry.name) > _KEPT_BYTES
                rows.entries.append(replace(entry, name=entry.name[:_KEPT_BYTES]) if is_long else entry)
    return not data
