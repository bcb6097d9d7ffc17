"""Every service in one process: embedded PostgreSQL, a bus in memory, the hosted SFTP and WebDAV servers, mails as
files.

The same code as in the distributed way, wired to smaller neighbours. Killed at any moment it loses nothing: what was
rung and not done is rung again from the ledger.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.api.wiring import serving as serving_api
from services.dropserver.wiring import serving as serving_folders
from services.entry.access import Access, make_access
from services.entry.data_directory import held, secrets_of
from services.entry.embedded_postgres import embedded_postgres
from services.exporter.wiring import running as exporting
from services.importer.wiring import running as importing
from services.notifier.wiring import running as notifying
from services.poller.wiring import running as polling
from shared.bus.in_process import InProcessBus
from shared.observe.metrics import Metrics
from shared.runtime.service import base_of, observe, relaying, stopping_on_signals, tracing_of
from shared.runtime.settings import Settings, read_settings
from shared.runtime.start import open_database
from shared.storage import accounts, host_sessions, leases, migrate, run_watch
from shared.storage.database import Database

DATABASE = "tidegate"
LOOPBACK = "127.0.0.0/8,::1/128"
"""Where partners' servers may be although nobody allowed it: on this machine."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the all in one listens; 0 lets the system choose."""

    api: int = 8080
    sftp: int = 2222
    webdav: int = 8088


async def up(directory: Path, ports: Ports, tell: Callable[[Access], None]) -> None:
    """Run everything until told to stop; `tell` is given the addresses and the keys once all is up."""
    stopping = stopping_on_signals()
    async with running_all(directory, ports, stopping) as access:
        tell(access)
        await stopping.wait()


@asynccontextmanager
async def running_all(directory: Path, ports: Ports, stopping: asyncio.Event) -> AsyncIterator[Access]:
    """Everything up while inside. Raises DirectoryInUse, EmbeddedDatabaseFailed."""
    directory = directory.resolve()
    async with AsyncExitStack() as stack:
        stack.enter_context(held(directory))
        postgres = await stack.enter_async_context(embedded_postgres(directory / "postgres"))
        settings = _settings(directory, ports, postgres.port)
        observe(settings, "all-in-one")
        await stack.enter_async_context(tracing_of("all-in-one"))
        await _prepare(postgres.superuser_dsn(), settings)
        database = await stack.enter_async_context(open_database(settings))
        await migrate.migrate_accounts(database)
        await _forget_dead_workers(database)
        base = await base_of(settings, database, InProcessBus(), Metrics())
        await stack.enter_async_context(relaying(base))
        for running in (polling, importing, exporting, notifying):
            await stack.enter_async_context(running(base, stopping))
        hosting = await stack.enter_async_context(serving_folders(base))
        scheme = "http" if settings.webdav_certificate_file is None else "https"
        url = None if hosting.webdav is None else f"{scheme}://127.0.0.1:{hosting.webdav.port}/"
        serving = serving_api(base, sftp_port=hosting.sftp.port, webdav_url=url)
        api_port = await stack.enter_async_context(serving)
        yield await make_access(base, directory, api_port=api_port, sftp=hosting.sftp, webdav_url=url)


def _settings(directory: Path, ports: Ports, postgres_port: int) -> Settings:
    known = secrets_of(directory)

    def url(role: str) -> str:
        return f"postgresql://tidegate_{role}:{known[role]}@127.0.0.1:{postgres_port}/{DATABASE}"

    settings = read_settings(
        database_url=url("service"),
        watch_database_url=url("watch"),
        owner_database_url=url("owner"),
        secret_key=known["secret_key"],
        drop_directory=directory / "drop",
        work_directory=directory / "work",
        mail_directory=directory / "mail",
        api_host="127.0.0.1",
        api_port=ports.api,
        sftp_host="127.0.0.1",
        sftp_port=ports.sftp,
        public_sftp_host="127.0.0.1",
        webdav_host="127.0.0.1",
        webdav_port=ports.webdav,
        log_format="console",
    )
    # On a machine of one's own there is nobody to be kept from it, and its servers are what one tries this with.
    networks = ",".join(filter(None, (settings.allowed_networks, LOOPBACK)))
    return settings.model_copy(update={"allowed_networks": networks})


async def _prepare(superuser_url: str, settings: Settings) -> None:
    owner, service, watch = (
        getattr(settings, name).get_secret_value()
        for name in ("owner_database_url", "database_url", "watch_database_url")
    )
    await migrate.prepare_cluster(superuser_url, owner_url=owner, service_url=service, watch_url=watch)
    await migrate.migrate_shared(owner, service_url=service, watch_url=watch)


async def _forget_dead_workers(database: Database) -> None:
    """The lock on the directory says that no earlier process lives, so its leases need not run out."""
    await leases.forget_duties(database)
    await host_sessions.forget(database)
    after = None
    while found := await accounts.page(database, after, 100):
        for account in found:
            async with database.account(account.id) as tx:
                await run_watch.expire_leases(tx)
                await leases.forget_watches(tx)
        after = (found[-1].created_at, found[-1].id)
