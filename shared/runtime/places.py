"""How many runs a worker has in hand at a time: each has a place, and gives it to another once it has lasted.

So small runs need not wait until large ones have ended. Those that last are bounded too: beyond that they keep their
places, and the others wait. Which run comes next is the ledger's to say; nothing here knows what a run does.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

LASTING_SECONDS: Final = 1.0
"""Longer than most runs take; short enough that who waits for a place gets it soon."""


@dataclass(slots=True)
class Places:
    """The places of one worker."""

    at_most_lasting: int = 0
    """So many runs at a time may last without a place."""
    lasting_seconds: float = LASTING_SECONDS
    """After so long a run has lasted."""
    _young: set["asyncio.Task[Any]"] = field(default_factory=set)
    _lasting: set["asyncio.Task[Any]"] = field(default_factory=set)

    def has_younger(self, work: "asyncio.Task[Any] | None") -> bool:
        """Whether the work has lasted, and others are in hand that have not."""
        return work not in self._young and bool(self._young)

    async def held(self, work: "asyncio.Task[Any]") -> None:
        """Return once the work needs its place no longer: it has ended, or it has lasted and there is room for it."""
        self._young.add(work)
        work.add_done_callback(self._young.discard)
        await asyncio.wait({work}, timeout=self.lasting_seconds)
        self._young.discard(work)
        while not work.done():
            if len(self._lasting) < self.at_most_lasting:
                self._lasting.add(work)
                work.add_done_callback(self._lasting.discard)
                return
            await asyncio.wait({work, *self._lasting}, return_when=asyncio.FIRST_COMPLETED)
