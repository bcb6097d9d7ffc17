"""How many runs a worker has in hand at a time: each has a place, and gives it to another once it needs it no longer.

A run that has lasted gives its place away, so that small ones need not wait until large ones have ended. Those that
last are bounded too: beyond that they keep their places, and the others wait.

A run that only waits for its partner needs no place (visits.py says how many may). An import goes away to fetch its
file and takes a place back before it opens it, ahead of everything that was not begun yet; so no more files are read
than there are places, whatever partners do. An export leaves for good: once its files are made, it has only to deliver
them.

Which run comes next is the ledger's to say; nothing here knows what a run does. A place is a loop of the worker: it
takes one run after the other, waits in `held` while one needs it, and begins a new one only where none comes back.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from shared.domain.failures import WorkerBusy
from shared.runtime.visits import Visit, Visits

LASTING_SECONDS: Final = 1.0
"""Longer than most runs take; short enough that who waits for a place gets it soon."""


@dataclass(slots=True)
class Places:
    """The places of one worker."""

    at_most_lasting: int = 0
    """So many runs at a time may last without a place."""
    lasting_seconds: float = LASTING_SECONDS
    """After so long a run has lasted."""
    visits: Visits = field(default_factory=Visits)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a run comes back, or there may be others to begin."""
    _young: set["asyncio.Task[Any]"] = field(default_factory=set)
    _need: dict["asyncio.Task[Any]", "asyncio.Future[None]"] = field(default_factory=dict)
    """By the work in a place, or that lasts without one: done when it needs none any more."""
    _lasting: set["asyncio.Future[None]"] = field(default_factory=set)
    _back: deque[tuple["asyncio.Task[Any]", "asyncio.Future[None]"]] = field(default_factory=deque)
    """Work that waits for a place, and what it waits for."""

    async def held(self, work: "asyncio.Task[Any]") -> None:
        """Return once the work needs its place no longer: it has ended, left, or lasted and there is room for it."""
        need = self._need[work] = asyncio.get_running_loop().create_future()
        self._young.add(work)
        work.add_done_callback(self._ended)
        await asyncio.wait({need}, timeout=self.lasting_seconds)
        self._young.discard(work)
        while not need.done():
            if len(self._lasting) < self.at_most_lasting:
                self._lasting.add(need)
                need.add_done_callback(self._lasting.discard)
                return
            await asyncio.wait({need, *self._lasting}, return_when=asyncio.FIRST_COMPLETED)

    def of(self, work: "asyncio.Task[Any]") -> "Place":
        """The place of one run, as it is to the run."""
        return _PlaceAmongOthers(self, work)

    def who_comes_back(self) -> "asyncio.Task[Any] | None":
        """The work that has waited longest for a place, which it gets now; None where none waits."""
        while self._back:
            work, place = self._back.popleft()
            if not place.done():
                place.set_result(None)
                if self._back:
                    # One ring stood for several, and whoever heard it has taken one of them.
                    self.wake.set()
                return work
        return None

    @property
    def is_anybody_back(self) -> bool:
        """Whether somebody waits for a place."""
        return bool(self._back)

    @property
    def is_anybody_away(self) -> bool:
        """Whether somebody may come back."""
        return self.visits.count > 0

    def in_hand(self) -> dict[str, int]:
        """How many runs are where."""
        return {
            "working": sum(each not in self._lasting for each in self._need.values()),
            "lasting": sum(each in self._lasting for each in self._need.values()),
            "at_partner": self.visits.count - len(self._back),
            "coming_back": len(self._back),
        }

    def has_younger(self, work: "asyncio.Task[Any]") -> bool:
        """Whether the work has lasted, and others are in hand that have not."""
        return work not in self._young and bool(self._young)

    async def come_back(self, work: "asyncio.Task[Any]") -> None:
        """Return once the work has a place again, and is no longer at its partner's."""
        place = asyncio.get_running_loop().create_future()
        self._back.append((work, place))
        self.wake.set()
        try:
            await place
        finally:
            if (work, place) in self._back:
                self._back.remove((work, place))
        self.visits.end(work)
        self.wake.set()

    def leave(self, work: "asyncio.Task[Any]", visit: Visit) -> None:
        """The work goes to its partner's, and needs no place. Raises WorkerBusy: then it keeps it."""
        self.visits.begin(work, visit)
        self._needs_none(work)

    def _needs_none(self, work: "asyncio.Task[Any]") -> None:
        self._young.discard(work)
        need = self._need.pop(work, None)
        if need is not None and not need.done():
            need.set_result(None)

    def _ended(self, work: "asyncio.Task[Any]") -> None:
        self._needs_none(work)
        if self.visits.end(work):
            self.wake.set()


class Place(Protocol):
    """The place of one run, as it is to the run."""

    def has_younger(self) -> bool:
        """Whether the run has lasted, and others are in hand beside it that have not."""

    def given_up(self, visit: Visit) -> AbstractAsyncContextManager[None]:
        """The run has no place while inside, and one again afterwards. Raises WorkerBusy before it begins."""

    def takes(self, size_bytes: int) -> None:
        """While it is given up: so much of the disk is taken, whatever was thought before. Raises WorkerBusy."""

    def left(self, visit: Visit) -> bool:
        """Give the place up for good, where there is room to; whether it was."""


class Alone:
    """The place of a run that no worker carries out beside others."""

    def has_younger(self) -> bool:
        """Nobody is there."""
        return False

    def given_up(self, visit: Visit) -> AbstractAsyncContextManager[None]:
        """Nobody wants it."""
        return nullcontext()

    def takes(self, size_bytes: int) -> None:
        """Nobody else takes any."""

    def left(self, visit: Visit) -> bool:
        """It is its own for good."""
        return False


@dataclass(frozen=True, slots=True)
class _PlaceAmongOthers:
    _places: Places
    _work: "asyncio.Task[Any]"

    def has_younger(self) -> bool:
        return self._places.has_younger(self._work)

    @asynccontextmanager
    async def given_up(self, visit: Visit) -> AsyncIterator[None]:
        self._places.leave(self._work, visit)
        yield
        # Where the block raises, the run is over but for its end, for which it needs no place.
        await self._places.come_back(self._work)

    def takes(self, size_bytes: int) -> None:
        self._places.visits.takes(self._work, size_bytes)

    def left(self, visit: Visit) -> bool:
        try:
            self._places.leave(self._work, visit)
        except WorkerBusy:
            return False
        return True
