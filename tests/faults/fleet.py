"""A running system that is struck at its failpoints and kept complete, as a supervisor keeps a deployment.

Two processes of each service that works in the background, so that a frozen one has an heir; one api and one
dropserver. Which process a failpoint strikes is whichever comes there first; the others go on.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

from tests.acceptance.process import START_SECONDS, ServiceProcess
from tests.acceptance.system import System
from tests.eventually import eventually

WANTED = Counter(api=1, dropserver=1, poller=2, importer=2, exporter=2, notifier=2)
ALONE = ("api", "dropserver")
LOOK_SECONDS = 0.1
STRIKE_SECONDS = 60.0


@dataclass(slots=True)
class Fleet:
    """A system on one version of PostgreSQL."""

    system: System
    operator_key: str
    version: str
    wanted: Counter[str] = field(default_factory=lambda: WANTED.copy())
    settings: dict[str, object] = field(default_factory=dict)
    """TIDEGATE_ variables of all its processes, by their short names."""

    def complete(self) -> None:
        """Start what is missing, and return when all are ready."""
        deadline = time.monotonic() + START_SECONDS
        while waiting := [each for each in self._all() if each.answer("/readyz") != 200]:
            assert time.monotonic() < deadline, _told(waiting)
            time.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """While inside, whatever ends is started again at once."""

        async def supervise() -> None:
            while True:
                self._launch_missing()
                await asyncio.sleep(LOOK_SECONDS)

        supervising = asyncio.create_task(supervise())
        try:
            yield
        finally:
            supervising.cancel()
            await asyncio.wait([supervising])

    def arm(self, point: str, action: str) -> None:
        """Let the first process that comes to a failpoint suffer this."""
        folder = self.system.failpoints
        unseen = folder / f"new-{point}"
        unseen.write_text(action)
        unseen.rename(folder / f"armed-{point}")

    async def struck(self, point: str) -> ServiceProcess:
        """Wait until a failpoint has struck; whom."""
        await eventually(lambda: self.system.was_reached(point), f"{point} to be reached", limit_seconds=STRIKE_SECONDS)
        pid = int((self.system.failpoints / point).read_text())
        # The youngest with that number: in an hour of cases the system gives those of ended ones anew.
        return next(each for each in reversed(self.system.processes) if each.pid == pid)

    async def is_frozen(self, process: ServiceProcess) -> None:
        """Wait until a process has stopped in the middle of what it did."""
        watched = psutil.Process(process.pid)
        await eventually(lambda: watched.status() == psutil.STATUS_STOPPED, f"{process.name} to be frozen")

    async def wake_and_leave(self, process: ServiceProcess) -> int:
        """Thaw a process, let it do whatever it still wants, and ask it to go; its return code."""
        process.thaw()
        await asyncio.to_thread(process.await_ready)
        process.ask_to_stop()
        return await asyncio.to_thread(process.await_end)

    def _all(self) -> list[ServiceProcess]:
        """What should run, started where it does not."""
        self._launch_missing()
        return [each for each in self.system.processes if each.is_running]

    def _launch_missing(self) -> None:
        missing = self.wanted - Counter(each.name for each in self.system.processes if each.is_running)
        for name in missing.elements():
            self.system.launch(name, **self.settings)


def _told(waiting: Sequence[ServiceProcess]) -> str:
    said = "\n".join(f"{each.name}: {each.tail()}" for each in waiting)
    return f"the fleet is not complete in time; these are not ready, and said at last:\n{said}"
