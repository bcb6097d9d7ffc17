"""Transactions that stop before their commit: any interleaving of several workers, step by step, on a real database.

What a test starts through `Stage.start` runs as a task on a `SteppedDatabase`, and stops before each of its commits
until `Stage.go_on` lets it; whatever meets another's lock meanwhile stands still in the database as it would in
earnest. Nothing here knows what the transactions are about.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from shared.storage.database import Database, Session, Tx

LIMIT_SECONDS = 60.0
_LOOK_SECONDS = 0.01
_IN_LOCKS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Step:
    """Something that goes on in one or more transactions, and stops before each commit."""

    def __init__(self, name: str, moved: asyncio.Event) -> None:
        self.name = name
        self.task: asyncio.Task[Any] | None = None
        self.is_stopped = False
        self.stops = 0
        """How often it has stopped."""
        self._moved = moved
        self._may_go = asyncio.Event()

    @property
    def has_ended(self) -> bool:
        """Whether it has committed its last, or failed."""
        return self.task is not None and self.task.done()

    @property
    def is_moving(self) -> bool:
        """Whether it is neither stopped nor over; it may stand before a lock."""
        return not self.is_stopped and not self.has_ended

    async def stop(self) -> None:
        """Wait until told to go on."""
        self.is_stopped = True
        self.stops += 1
        self._moved.set()
        try:
            await self._may_go.wait()
        finally:
            self._may_go.clear()
            self.is_stopped = False

    def let_go(self) -> None:
        """Let it commit, and run to its next stop."""
        self.is_stopped = False
        self._may_go.set()

    def failure(self) -> BaseException | None:
        """What ended it, if it did not end well."""
        assert self.task is not None
        return asyncio.CancelledError() if self.task.cancelled() else self.task.exception()


_present: ContextVar[Step | None] = ContextVar("_present", default=None)


class SteppedDatabase(Database):
    """The services' database; the transactions of a step stop before they commit."""

    @asynccontextmanager
    async def transaction(
        self, connection: Any, account_id: UUID, *, read_only: bool = False, isolation: str = "read_committed"
    ) -> AsyncIterator[Tx]:
        """A transaction in an account's name, which stops."""
        inner = super().transaction(connection, account_id, read_only=read_only, isolation=isolation)
        async with inner as tx:
            yield tx
            await _stop()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Session]:
        """A look across accounts, which stops."""
        async with super().watching() as session:
            yield session
            await _stop()


async def _stop() -> None:
    step = _present.get()
    if step is not None:
        await step.stop()


class Stage:
    """The steps that are under way. `observer` is a superuser's connection outside of all of them."""

    def __init__(self, observer: Any) -> None:
        self.steps: list[Step] = []
        self._observer = observer
        self._moved = asyncio.Event()

    async def start(self, name: str, work: Coroutine[Any, Any, Any]) -> Step:
        """Begin; returns when it has stopped, ended, or stands before a lock."""
        step = Step(name, self._moved)
        token = _present.set(step)
        try:
            step.task = asyncio.create_task(work, name=name)
        finally:
            _present.reset(token)
        step.task.add_done_callback(lambda _: self._moved.set())
        self.steps.append(step)
        await self.settle()
        return step

    async def go_on(self, step: Step) -> None:
        """Let a stopped step commit and come to its next stop; others may get its locks and move too."""
        assert step.is_stopped, step.name
        step.let_go()
        await self.settle()

    async def lose(self, step: Step) -> None:
        """The process of a stopped step dies: its transaction is never committed."""
        assert step.task is not None
        step.task.cancel()
        await asyncio.wait([step.task], timeout=LIMIT_SECONDS)
        await self.settle()

    async def settle(self) -> None:
        """Wait until every step is stopped, has ended, or stands before a lock."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while moving := self._moving():
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), _LOOK_SECONDS)
            except TimeoutError:
                locked = await self._observer.fetchval(_IN_LOCKS)
                if locked >= len(moving) and self._moving() == moving:
                    return
            assert time.monotonic() < deadline, f"does not come to rest: {[step.name for step in moving]}"

    def _moving(self) -> list[Step]:
        return [step for step in self.steps if step.is_moving]
