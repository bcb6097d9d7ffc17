"""Where the importer is put together and run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.importer.give_back import give_back
from services.importer.run import KIND, carry_out
from services.importer.settle import settle
from services.importer.tools import Tools
from shared.bus.consumer import MessageHandler, consume_messages
from shared.bus.topology import IMPORTER
from shared.contracts.message import Message
from shared.contracts.runs import ArrivalEnded, FileArrived, ReturnRequested
from shared.formats.openpgp.gpg import find_programs
from shared.runtime.desk import Desk
from shared.runtime.service import Base
from shared.runtime.worker import worker_of
from shared.runtime.workspace import work_directory

IN_HAND = 64
"""Messages at a time: what they ask for waits for partners more than it works, at few a host (doors.py). So it takes
many hosts that hang to keep the others waiting."""


def tools_of(base: Base, directory: Path) -> Tools:
    """The importer's tools, from what every service has."""
    return Tools(
        database=base.database,
        metrics=base.metrics,
        places=base.places,
        keys=base.keys,
        work_directory=directory,
        max_unpacked_bytes=base.settings.max_unpacked_bytes,
        gpg=find_programs(),
        lease_seconds=base.settings.lease_seconds,
    )


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Import and mark files while inside; leave when told to stop and what is in hand is finished or handed back."""
    with work_directory(base.settings.work_directory) as directory:
        async with _running(base, tools_of(base, directory), stopping):
            yield


@asynccontextmanager
async def _running(base: Base, tools: Tools, stopping: asyncio.Event) -> AsyncIterator[None]:

    async def take(desk: Desk) -> None:
        await carry_out(desk, tools)

    async def mark(message: ArrivalEnded) -> None:
        await settle(tools, message)

    async def answer(message: ReturnRequested) -> None:
        await give_back(tools, message)

    worker = worker_of(base, KIND, take)
    hear: dict[type[Message], MessageHandler] = {
        FileArrived: worker.hear,
        ArrivalEnded: mark,
        ReturnRequested: answer,
    }
    async with worker.working(stopping), consume_messages(base.bus, IMPORTER, hear, base.metrics, prefetch=IN_HAND):
        yield
