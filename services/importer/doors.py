"""How many of this importer's marks and returns are at one host at a time: one that hangs leaves room for all others.

Beside the sessions that all workers share: of those an operator may allow more than an importer has messages in hand,
and a mounted directory, which may hang as well, knows none. Nothing here dials.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.domain.failures import Failure, HostBusy
from shared.domain.place import Place
from shared.runtime.visits import host_of
from shared.transfer.sessions import LITTLE_PATIENCE_SECONDS

AT_A_HOST = 8


@dataclass(slots=True)
class _Door:
    room: asyncio.Semaphore
    wanted_by: int = 0


@dataclass(slots=True)
class Doors:
    """One a host at which somebody is."""

    at_a_host: int = AT_A_HOST
    patience_seconds: float = LITTLE_PATIENCE_SECONDS
    _doors: dict[str, _Door] = field(default_factory=dict)

    @asynccontextmanager
    async def entered(self, place: Place) -> AsyncIterator[None]:
        """Be one of those at the place's host while inside. Raises HostBusy where there is no room in time."""
        host = host_of(place)
        if host is None:
            yield
            return
        door = self._doors.setdefault(host, _Door(asyncio.Semaphore(self.at_a_host)))
        door.wanted_by += 1
        try:
            full = HostBusy(f"{self.at_a_host} of this importer's marks and returns are there already.")
            async with room_in(door.room, self.patience_seconds, full):
                yield
        finally:
            door.wanted_by -= 1
            if not door.wanted_by:
                del self._doors[host]


@asynccontextmanager
async def room_in(room: asyncio.Semaphore, patience_seconds: float, full: Failure) -> AsyncIterator[None]:
    """Be one of those who have room while inside. Raises `full` where there is none in time."""
    try:
        async with asyncio.timeout(patience_seconds):
            await room.acquire()
    except TimeoutError as error:
        raise full from error
    try:
        yield
    finally:
        room.release()
