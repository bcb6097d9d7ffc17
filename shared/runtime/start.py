"""What a start waits for: a database that is up, knows us, and is at least at this version.

Whatever order things come up in, a service waits here instead of dying: it says what it waits for, is not ready
meanwhile, and gives up after START_SECONDS, so that an orchestrator sees what will never come. The broker is not waited
for: a service works without it from the ledger alone, only later, and says that it is not ready.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from shared.domain.failures import StorageUnavailable
from shared.runtime.health import Ready
from shared.runtime.settings import Settings
from shared.storage import migrate
from shared.storage.database import Database, DatabaseAddress

log = structlog.get_logger()

START_SECONDS = 600.0
"""How long a start waits before it gives up."""
RUN_CONNECTIONS = 4
"""Times `workers`: so many imports, exports in places and exports that last, and exports that end after a delivery."""
LOOK_SECONDS = 1.0
TELL_SECONDS = 30.0
"""How often it is said again what is waited for; a change is said at once."""


class StartStopped(Exception):
    """The process was told to stop while it was still waiting for what it needs."""


class Start:
    """Whether the service is ready, asked from its first moment on."""

    def __init__(self) -> None:
        self._ready: Ready | None = None

    def over(self, ready: Ready) -> None:
        """The service is up; from now on it is ready when `ready` says so."""
        self._ready = ready

    async def check_ready(self) -> None:
        """Raises the Failure that keeps the service from working."""
        if self._ready is None:
            raise StorageUnavailable("the service is still starting")
        await self._ready()


@asynccontextmanager
async def open_database(settings: Settings, stopping: asyncio.Event | None = None) -> AsyncIterator[Database]:
    """The database, once it is up and at least at this version.

    Raises StorageUnavailable after START_SECONDS, and StartStopped when `stopping` is set before.
    """
    address = DatabaseAddress(settings.database_url.get_secret_value(), settings.watch_database_url.get_secret_value())
    # A run holds a connection for as long as it lasts; one that waits for another's in vain would lose an attempt.
    connections = max(settings.database_connections, RUN_CONNECTIONS * settings.workers)
    # What a frozen process has locked must be free by the time that its leases have run out.
    opened = Database.open(address, connections=connections, idle_seconds=settings.lease_seconds)
    async with opened as database:

        async def is_migrated() -> bool:
            return await migrate.is_current(database)

        await until("migration", is_migrated, stopping or asyncio.Event())
        yield database


async def until(
    what: str,
    is_there: Callable[[], Awaitable[bool]],
    stopping: asyncio.Event,
    *,
    limit_seconds: float = START_SECONDS,
    pause_seconds: float = LOOK_SECONDS,
) -> None:
    """Return when `what` is there; a database that does not answer is waited for as well.

    Raises StorageUnavailable after the limit, and StartStopped when `stopping` is set before.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit_seconds
    awaited = _Awaited()
    while True:
        try:
            if await is_there():
                return
            awaited.tell(what, "run `tidegate migrate`", clock())
        except StorageUnavailable as failure:
            awaited.tell("database", failure.detail, clock())
        if clock() > deadline:
            raise StorageUnavailable(
                f"waited {limit_seconds:.0f} seconds for the {awaited.what} ({awaited.detail}); see that PostgreSQL "
                "answers at TIDEGATE_DATABASE_URL and that `tidegate migrate` has run"
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_seconds):
                await stopping.wait()
        if stopping.is_set():
            raise StartStopped


@dataclass(slots=True)
class _Awaited:
    """What is waited for, told when it changes and now and then."""

    what: str = ""
    detail: str = ""
    _told_at: float = 0.0

    def tell(self, what: str, detail: str, now: float) -> None:
        if (what, detail) != (self.what, self.detail) or now - self._told_at >= TELL_SECONDS:
            log.info(f"{what}.awaited", detail=detail)
            self._told_at = now
        self.what, self.detail = what, detail
