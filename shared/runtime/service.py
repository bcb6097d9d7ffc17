"""Start and stop: what a process has and does around its service's own work.

On SIGTERM or SIGINT `stopping` is set: nothing new is taken, runs in hand are finished or handed back within the
grace period, and the process leaves.
"""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import structlog

from shared.bus.alongside import alongside
from shared.bus.bus import Bus
from shared.bus.rabbitmq import RabbitBus
from shared.bus.relay import relay, relay_once
from shared.domain.failures import BusUnavailable, StorageUnavailable
from shared.observe import failpoints, logging, tracing
from shared.observe.metrics import Metrics
from shared.runtime.clients import networks
from shared.runtime.health import health
from shared.runtime.room import LedgerRoom
from shared.runtime.roots import make_root
from shared.runtime.sessions import SharedSessions
from shared.runtime.settings import Settings, required
from shared.runtime.start import Start, StartStopped, open_database
from shared.storage.database import Database
from shared.storage.secrets import KeyRing, check_keys
from shared.transfer.addresses import AddressPolicy
from shared.transfer.dialling import Reach
from shared.transfer.mounted import Mounted
from shared.transfer.open_folder import Places

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Base:
    """What every service has."""

    settings: Settings
    database: Database
    bus: Bus
    metrics: Metrics
    keys: KeyRing
    places: Places

    async def check_ready(self) -> None:
        """Raises the Failure that keeps the service from working."""
        await self.database.check()
        if not self.bus.is_ready():
            raise BusUnavailable("not connected")


Running = Callable[[Base, asyncio.Event], AbstractAsyncContextManager[None]]
"""A service's own work: entered when the base is up, left when `stopping` is set and what is in hand is done."""


def worker_name(service: str) -> str:
    """Who holds a lease: service, host and process, with a random end, for the people who read it."""
    return f"{service}@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def stopping_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, event.set)
    return event


def observe(settings: Settings, service: str) -> None:
    """Logs and failpoints of this process."""
    logging.configure(settings.log_format, service, settings.log_level)
    asyncio.get_running_loop().set_exception_handler(logging.tell_unheard)
    if settings.failpoints_directory:
        failpoints.arm(settings.failpoints, settings.failpoints_directory)


@asynccontextmanager
async def tracing_of(service: str) -> AsyncIterator[None]:
    """Spans of this process are made and sent while inside, if an exporter is configured."""
    finish = tracing.configure(service, worker_name(service))
    try:
        yield
    finally:
        await asyncio.to_thread(finish)


async def serve(service: str, settings: Settings, running: Running, *, has_own_web: bool = False) -> None:
    """Run one service as this process, until it is told to stop.

    Raises SettingsError, UnusableKey, StorageUnavailable.
    """
    required(settings, "database_url", "watch_database_url", "bus_url", "secret_key")
    observe(settings, service)
    stopping = stopping_on_signals()
    async with tracing_of(service):
        with suppress(StartStopped):
            await _serve(settings, running, stopping, has_own_web=has_own_web)
    log.info("service.stopped")


async def _serve(settings: Settings, running: Running, stopping: asyncio.Event, *, has_own_web: bool) -> None:
    async with AsyncExitStack() as stack:
        metrics = Metrics()
        start = Start()
        bus = await stack.enter_async_context(
            RabbitBus.open(settings.bus_url.get_secret_value(), prefix=settings.bus_prefix)
        )
        # Probes are answered from the first moment: who waits for a database is alive, and not ready.
        probes = await stack.enter_async_context(AsyncExitStack())
        host, port = (
            (settings.api_host, settings.api_port) if has_own_web else (settings.health_host, settings.health_port)
        )
        await probes.enter_async_context(health(host, port, metrics, start.check_ready))
        database = await stack.enter_async_context(open_database(settings, stopping))
        base = await base_of(settings, database, bus, metrics)
        await stack.enter_async_context(relaying(base))
        if has_own_web:
            await probes.aclose()
        async with running(base, stopping):
            start.over(base.check_ready)
            log.info("service.started")
            await stopping.wait()
            log.info("service.stopping")


async def base_of(settings: Settings, database: Database, bus: Bus, metrics: Metrics) -> Base:
    """What every service has, once the keys are known to fit the database. Raises UnusableKey."""
    keys = KeyRing(settings.secret_keys)
    await check_keys(database, keys)
    places = places_of(settings, database, keys, metrics)
    return Base(settings, database, bus, metrics, keys, places)


def places_of(settings: Settings, database: Database, keys: KeyRing, metrics: Metrics) -> Places:
    """How places are reached under these settings."""
    policy = AddressPolicy(networks(settings.allowed_networks))
    mounted = {name: Mounted(path) for name, path in settings.directories.items()}
    sessions = SharedSessions(
        database, keys, metrics, per_host=settings.sessions_per_host, lease_seconds=settings.lease_seconds
    )
    rooms, roots = partial(LedgerRoom, database), partial(make_root, database)
    reach = Reach(policy, allows_legacy_keys=settings.legacy_ssh_keys)
    return Places(settings.drop_directory, reach, mounted, sessions=sessions, rooms=rooms, make_root=roots)


@asynccontextmanager
async def relaying(base: Base) -> AsyncIterator[None]:
    """Relay the outbox while inside, and once more at the end: the last news should not wait for another service.

    A relay that breaks ends the block: news that nobody sends must not look like a quiet day.
    """
    try:
        async with alongside(relay(base.database, base.bus, base.metrics)):
            yield
    finally:
        with suppress(StorageUnavailable, TimeoutError):
            async with asyncio.timeout(5):
                await relay_once(base.database, base.bus, base.metrics)
