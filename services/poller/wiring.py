"""Where the poller is put together and run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.poller.handlers import handlers
from services.poller.sweep import sweep
from services.poller.tools import Tools
from services.poller.watch import watch
from shared.bus.consumer import consume_messages
from shared.bus.topology import POLLER
from shared.runtime.service import Base, worker_name


def tools_of(base: Base) -> Tools:
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
    )


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Watch, sweep and answer while inside; leave when told to stop and the looks under way are recorded."""
    tools = tools_of(base)
    async with (
        consume_messages(base.bus, POLLER, handlers(tools), base.metrics, prefetch=20),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(watch(tools, stopping), name="watch")
        group.create_task(sweep(tools, stopping), name="sweep")
        yield
