"""Sessions for tests of drivers and places: as many as are wanted, and what was told of them is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.domain.connection import Login
from shared.domain.failures import Failure
from shared.domain.place import PartnerPlace


@dataclass
class FreeSessions:
    """Everybody gets one at once, unless there is a failure to raise."""

    told: list[str] = field(default_factory=list)
    failure: Failure | None = None
    patience: list[float] = field(default_factory=list)
    """Of those who asked, in seconds."""
    is_free: asyncio.Event | None = None
    """Who has asked waits for it, where there is one."""

    @asynccontextmanager
    async def held(
        self, place: PartnerPlace, login: Login, *, insists: bool, patience_seconds: float
    ) -> AsyncIterator["FreeSessions"]:
        self.patience.append(patience_seconds)
        if self.is_free is not None:
            await self.is_free.wait()
        if self.failure is not None:
            raise self.failure
        self.told.append("held, insisting" if insists else "held")
        try:
            yield self
        finally:
            self.told.append("given back")

    async def logged_in(self) -> None:
        self.told.append("logged in")

    async def let_in(self) -> None:
        self.told.append("let in")
