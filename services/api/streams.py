"""Progress of runs as it goes, for those who follow them: read once a moment for all who follow the same run.

A stream is bounded in number, time and by its key, and ends when the process stops; whoever follows comes again with
the identity of the last event, and misses nothing that still holds. Nothing runs here while nobody follows.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from fastapi.sse import format_sse_event

from shared.domain.failures import StorageUnavailable, TooManyStreams

log = structlog.get_logger()

RETRY_MILLISECONDS = 2_000


@dataclass(frozen=True, slots=True)
class Event:
    """What is told of a run: its identity is its content, so that the same is not told twice."""

    name: str
    data: str

    @property
    def id(self) -> str:
        """What a client hands back as Last-Event-ID."""
        return hashlib.sha256(f"{self.name}:{self.data}".encode()).hexdigest()[:24]

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.name == "end"


Read = Callable[[], Awaitable[Event]]
"""Reads what there is to tell of a run now."""


@dataclass(slots=True)
class _Look:
    """One run as it was seen last; whoever finds it too old looks again, and the others wait for that."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    event: Event | None = None
    at: float = 0.0
    followers: int = 0


@dataclass(slots=True)
class Streams:
    """All streams of this process."""

    per_account: int = 20
    look_seconds: float = 1.0
    keep_alive_seconds: float = 15.0
    recheck_seconds: float = 30.0
    """How often a stream's key is looked up again."""
    longest_seconds: float = 900.0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _open: Counter[UUID] = field(default_factory=Counter)
    _looks: dict[UUID, _Look] = field(default_factory=dict)

    def stop(self) -> None:
        """End all streams within a moment: the process stops, and clients come again to another one."""
        self._stopping.set()

    @property
    def open(self) -> int:
        """How many streams there are."""
        return self._open.total()

    @contextmanager
    def place(self, account_id: UUID) -> Iterator[None]:
        """A stream's place among those of its account. Raises TooManyStreams."""
        if self._open[account_id] >= self.per_account:
            raise TooManyStreams(f"At most {self.per_account} at a time.", retry_after_seconds=5)
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1

    async def follow(
        self, run_id: UUID, read: Read, is_allowed: Callable[[], Awaitable[bool]], last_id: str | None
    ) -> AsyncIterator[bytes]:
        """The events of a run until it has ended, the key is good no longer, or the stream's time is over."""
        clock = asyncio.get_running_loop().time
        began = checked = told = clock()
        yield format_sse_event(comment="progress of a run", retry=RETRY_MILLISECONDS)
        while not self._stopping.is_set() and clock() - began < self.longest_seconds:
            with suppress(StorageUnavailable):
                if clock() - checked >= self.recheck_seconds:
                    if not await is_allowed():
                        return
                    checked = clock()
            event = await self._seen(run_id, read)
            if event is not None and event.id != last_id:
                last_id, told = event.id, clock()
                yield format_sse_event(event=event.name, data_str=event.data, id=event.id)
            if event is not None and event.is_last:
                return
            if clock() - told >= self.keep_alive_seconds:
                told = clock()
                yield format_sse_event(comment="alive")
            with suppress(TimeoutError):
                async with asyncio.timeout(self.look_seconds):
                    await self._stopping.wait()

    async def _seen(self, run_id: UUID, read: Read) -> Event | None:
        """The run as it was a moment ago; None while the database does not answer."""
        clock = asyncio.get_running_loop().time
        look = self._looks.setdefault(run_id, _Look())
        look.followers += 1
        try:
            async with look.lock:
                # An end is not kept: who has the run retried and follows it must not be told of the end before.
                if look.event is None or look.event.is_last or clock() - look.at >= self.look_seconds:
                    look.event = await read()
                    look.at = clock()
                return look.event
        except StorageUnavailable as failure:
            log.info("progress.interrupted", code=failure.code)
            return None
        finally:
            look.followers -= 1
            if look.followers == 0 and clock() - look.at >= self.look_seconds:
                self._looks.pop(run_id, None)
            self._forget_old(clock())

    def _forget_old(self, now: float) -> None:
        """Runs that nobody has followed for a while."""
        old = 10 * self.look_seconds
        for run_id in [key for key, each in self._looks.items() if not each.followers and now - each.at > old]:
            del self._looks[run_id]
