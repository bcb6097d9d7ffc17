"""Listings under way, which are held in memory until their clients have read them: how many, and how large.

One login has one at a time, so that it holds up itself alone; two are read from disk at a time, so that slow storage
leaves threads to uploads; and all together have so many entries, so that no number of slow readers ends the server.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple
from uuid import UUID

from services.dropserver.webdav.answers import NotDone

MOST_ENTRIES = 400_000
"""About 240 bytes each."""
_ALWAYS_ENTRIES = 500
"""Nobody who holds many keeps an ordinary directory from being listed."""
_READ_AT_A_TIME = 2
_BUSY = {"Retry-After": "10"}


class Entry(NamedTuple):
    """What lies in a directory, as little of it as is told; named as in os.stat_result. Sorts by name."""

    name: bytes
    st_mode: int
    st_ino: int
    st_size: int
    st_mtime_ns: int


class Listing:
    """One that is under way. `put_down` ends it, also where it never began."""

    def __init__(self, book: "Listings", credential_id: UUID) -> None:
        self._book = book
        self._credential_id = credential_id
        self._is_held = True
        self._held_entries = 0

    async def read(self, scan: Callable[[], Iterator[Entry]]) -> list[Entry]:
        """What is scanned, in a thread, sorted. Raises NotDone, 503, where it is too much, and what `scan` raises."""
        async with self._book.reading:
            found = await asyncio.to_thread(self._gathered, scan)
        self._held_entries = len(found)
        self._book.entries += len(found)
        return found

    def put_down(self) -> None:
        """It is told, or nobody wants it any more."""
        if self._is_held:
            self._is_held = False
            self._book.entries -= self._held_entries
            self._book.ends(self._credential_id)

    def _gathered(self, scan: Callable[[], Iterator[Entry]]) -> list[Entry]:
        found: list[Entry] = []
        for entry in scan():
            found.append(entry)
            if len(found) > _ALWAYS_ENTRIES and len(found) + self._book.entries > self._book.most_entries:
                raise NotDone(503, "Too much is listed at this time; try again later, or list by SFTP.", _BUSY)
        found.sort()
        return found


class Listings:
    """All that are under way in this process."""

    def __init__(self, patience_seconds: float, most_entries: int = MOST_ENTRIES) -> None:
        self.reading = asyncio.Semaphore(_READ_AT_A_TIME)
        self.entries = 0
        """That are held."""
        self.most_entries = most_entries
        self._patience_seconds = patience_seconds
        self._turns: dict[UUID, asyncio.Lock] = {}
        self._wanted: Counter[UUID] = Counter()

    async def begin(self, credential_id: UUID) -> Listing:
        """The login's turn. Raises NotDone, 503, where its former one is not read for too long."""
        turn = self._turns.setdefault(credential_id, asyncio.Lock())
        self._wanted[credential_id] += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await turn.acquire()
        except BaseException as error:
            self._forget(credential_id)
            if isinstance(error, TimeoutError):
                raise NotDone(503, "Another listing of this login is under way; read that first.", _BUSY) from error
            raise
        return Listing(self, credential_id)

    def ends(self, credential_id: UUID) -> None:
        """The login's listing is over."""
        self._turns[credential_id].release()
        self._forget(credential_id)

    def _forget(self, credential_id: UUID) -> None:
        self._wanted[credential_id] -= 1
        if not self._wanted[credential_id]:
            del self._wanted[credential_id], self._turns[credential_id]
