"""Where the poller is put together and run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.poller.clock import keep_time
from services.poller.handlers import handlers
from services.poller.questions import answering
from services.poller.sweep import clean_up, sweep
from services.poller.tools import Tools
from services.poller.watch import watch
from shared.bus.consumer import consume_messages
from shared.bus.topology import POLLER
from shared.formats.openpgp.gpg import find_programs
from shared.runtime.apart import apart
from shared.runtime.looking import Looking
from shared.runtime.service import Base, worker_name
from shared.runtime.workspace import work_directory


def tools_of(base: Base, directory: Path) -> Tools:
    """The poller's tools, from what every service has."""
    settings = base.settings
    return Tools(
        database=base.database,
        bus=base.bus,
        metrics=base.metrics,
        places=base.places,
        keys=base.keys,
        worker=worker_name("poller"),
        concurrency=settings.poll_concurrency,
        sweep_seconds=settings.sweep_seconds,
        lease_seconds=settings.lease_seconds,
        retry_attempts=settings.retry_attempts,
        looking=Looking(base.database, base.keys, directory, find_programs(), apart()),
        max_sample_bytes=settings.max_sample_bytes,
        max_kept_bytes=settings.max_kept_bytes,
    )


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Watch, sweep and answer while inside; leave when told to stop and the looks under way are recorded."""
    with work_directory(base.settings.work_directory) as directory:
        async with _running(base, tools_of(base, directory), stopping):
            yield


@asynccontextmanager
async def _running(base: Base, tools: Tools, stopping: asyncio.Event) -> AsyncIterator[None]:
    async with (
        answering(tools) as questions,
        consume_messages(base.bus, POLLER, handlers(tools, questions), base.metrics, prefetch=20),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(watch(tools, stopping), name="watch")
        group.create_task(sweep(tools, stopping), name="sweep")
        group.create_task(clean_up(tools, stopping), name="clean_up")
        group.create_task(keep_time(tools, stopping), name="clock")
        yield
