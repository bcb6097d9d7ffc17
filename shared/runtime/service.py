"""Start and stop: what a process does around its service's own work.

On SIGTERM or SIGINT `stopping` is set: nothing new is taken, runs in hand are finished or handed back within the
grace period, and the process leaves.
"""

import asyncio
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from shared.domain.failures import StorageUnavailable
from shared.storage import migrate
from shared.storage.database import Database, DatabaseAddress

log = structlog.get_logger()

START_SECONDS = 600.0
"""How long a start waits for a database that is not up, or not migrated, before it gives up."""


def worker_name(service: str) -> str:
    """Who holds a lease: service, host and process, with a random end, for the people who read it."""
    return f"{service}@{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"


def stopping_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, event.set)
    return event


@asynccontextmanager
async def open_database(address: DatabaseAddress, connections: int) -> AsyncIterator[Database]:
    """The database, once it is up and at least at this version. Raises StorageUnavailable after START_SECONDS."""
    async with Database.open(address, connections=connections) as database:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await _is_usable(database):
            if asyncio.get_running_loop().time() > deadline:
                raise StorageUnavailable("found no database of this version; run `tidegate migrate`")
            await asyncio.sleep(1)
        yield database


async def _is_usable(database: Database) -> bool:
    try:
        usable = await migrate.is_current(database)
    except StorageUnavailable as failure:
        log.info("database.awaited", detail=failure.detail)
        return False
    if not usable:
        log.info("migration.awaited")
    return usable


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks beside the body: when the body ends they are cancelled; when one of them fails, the body is."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield group
        finally:
            for task in tasks:
                task.cancel()
