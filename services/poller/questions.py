"""Questions to partners' servers, answered beside the doorbells: a server that hangs holds up no upload's news.

Each save of a connection asks one, so many may hang at a time: how many are under way is bounded, and no account takes
all the room. What is lost here with the process, or finds no room even to wait, the sweeper rings for again.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from services.poller.answer import answer
from services.poller.tools import Tools
from shared.domain.failures import Failure, InternalError

log = structlog.get_logger()

AT_ONCE = 100
OF_ONE_ACCOUNT = 20
WAITING = 2_000
"""Under way and waiting for room; a task each, and nothing of a connection yet."""
WAITING_OF_ONE_ACCOUNT = 30
"""The same of one account. Those of them that wait are fewer than the sweeper rings for at a time, or what was put off
would never be among those."""


class Questions:
    """Those that this poller has heard and not answered yet."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._room = asyncio.Semaphore(AT_ONCE)
        self._room_of: defaultdict[UUID, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(OF_ONE_ACCOUNT))
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._heard_of: Counter[UUID] = Counter()

    async def hear(self, account_id: UUID, inquiry_id: UUID) -> None:
        """Answer a question when there is room for it, and return at once; one that is heard again is not doubled."""
        if inquiry_id in self._tasks:
            return
        if len(self._tasks) >= WAITING or self._heard_of[account_id] >= WAITING_OF_ONE_ACCOUNT:
            log.warning("inquiry.put_off")
            return
        task = asyncio.create_task(self._answer(account_id, inquiry_id))
        self._tasks[inquiry_id] = task
        self._heard_of[account_id] += 1

        def is_over(_: asyncio.Task[None]) -> None:
            del self._tasks[inquiry_id]
            self._heard_of[account_id] -= 1

        task.add_done_callback(is_over)

    async def end(self) -> None:
        """Give up what is not answered: another poller will be rung for it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, account_id: UUID, inquiry_id: UUID) -> None:
        async with self._room_of[account_id], self._room:
            # Whatever it raises is its own question's, which is asked again.
            [error] = await asyncio.gather(answer(self._tools, account_id, inquiry_id), return_exceptions=True)
        if isinstance(error, Failure):
            log.warning("inquiry.not_answered", code=error.code)
        elif isinstance(error, Exception):
            self._tools.metrics.connection_failures.labels(InternalError.code).inc()
            log.error("inquiry.broken", code=InternalError.code, exc_info=error)
        elif error is not None:
            raise error


@asynccontextmanager
async def answering(tools: Tools) -> AsyncIterator[Questions]:
    """Answer questions while inside."""
    questions = Questions(tools)
    try:
        yield questions
    finally:
        await questions.end()
