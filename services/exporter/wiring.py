"""Where the exporter is put together and run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.exporter.run import KIND, carry_out
from services.exporter.tools import Tools
from shared.bus.consumer import MessageHandler, consume_messages
from shared.bus.topology import EXPORTER
from shared.contracts.message import Message
from shared.contracts.runs import ExportRequested
from shared.formats.openpgp.gpg import find_programs
from shared.runtime.desk import Desk
from shared.runtime.service import Base
from shared.runtime.worker import worker_of
from shared.runtime.workspace import work_directory


def tools_of(base: Base, directory: Path) -> Tools:
    """The exporter's tools, from what every service has."""
    return Tools(
        database=base.database,
        metrics=base.metrics,
        places=base.places,
        keys=base.keys,
        work_directory=directory,
        gpg=find_programs(),
        finishing=asyncio.Semaphore(base.settings.workers),
    )


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Export while inside; leave when told to stop and what is in hand is finished or handed back."""
    with work_directory(base.settings.work_directory) as directory:
        async with _running(base, tools_of(base, directory), stopping):
            yield


@asynccontextmanager
async def _running(base: Base, tools: Tools, stopping: asyncio.Event) -> AsyncIterator[None]:

    async def take(desk: Desk) -> None:
        await carry_out(desk, tools)

    # A large export is slow and not heavy: small ones go on beside it. An import takes the memory of several.
    worker = worker_of(base, KIND, take, at_most_lasting=base.settings.workers)
    hear: dict[type[Message], MessageHandler] = {ExportRequested: worker.hear}
    async with worker.working(stopping), consume_messages(base.bus, EXPORTER, hear, base.metrics):
        yield
