"""Where the gateway is put together and run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.api.app import create_app
from services.api.limits import Limits
from services.api.tools import HostedServer, Tools
from shared.formats.openpgp.gpg import find_programs
from shared.runtime.apart import apart
from shared.runtime.clients import networks
from shared.runtime.looking import Looking
from shared.runtime.service import Base
from shared.runtime.settings import Settings
from shared.runtime.web import serving as serving_web
from shared.runtime.workspace import work_directory
from shared.storage import host_keys


def tools_of(base: Base, directory: Path, *, sftp_port: int | None = None, webdav_url: str | None = None) -> Tools:
    """The gateway's tools, from what every service has."""
    settings = base.settings
    return Tools(
        database=base.database,
        keys=base.keys,
        metrics=base.metrics,
        hosted=HostedServer(
            host=settings.public_sftp_host,
            port=settings.public_sftp_port or sftp_port or settings.sftp_port,
            fingerprints=lambda: host_keys.known(base.database),
            webdav_url=settings.public_webdav_url or webdav_url,
        ),
        bus_is_ready=base.bus.is_ready,
        looking=Looking(base.database, base.keys, directory, find_programs(), apart()),
        local_directories=frozenset(settings.directories),
        allows_legacy_keys=settings.legacy_ssh_keys,
        limits=limits_of(settings),
        one_shot_unique_property=settings.one_shot_unique_property,
    )


def limits_of(settings: Settings) -> Limits:
    """How much and how fast a gateway takes under these settings."""
    return Limits(
        sample_bytes=settings.max_sample_bytes,
        upload_bytes=settings.max_upload_bytes,
        kept_bytes=settings.max_kept_bytes,
        concurrent_requests=settings.concurrent_requests,
        requests_per_second=settings.requests_per_second,
        request_burst=settings.request_burst,
        wrong_keys_per_minute=settings.wrong_keys_per_minute,
        trusted_proxies=networks(settings.trusted_proxies),
    )


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Answer requests while inside; at the end those under way are finished."""
    async with serving(base):
        yield


@asynccontextmanager
async def serving(base: Base, *, sftp_port: int | None = None, webdav_url: str | None = None) -> AsyncIterator[int]:
    """The same, for those who want to know the port. The others are where the hosted servers really listen."""
    settings = base.settings
    with work_directory(settings.work_directory) as directory:
        async with _serving(tools_of(base, directory, sftp_port=sftp_port, webdav_url=webdav_url), settings) as port:
            yield port


@asynccontextmanager
async def _serving(tools: Tools, settings: Settings) -> AsyncIterator[int]:
    async with serving_web(create_app(tools), settings.api_host, settings.api_port) as port:
        try:
            yield port
        finally:
            # Before the server waits for what is under way: a stream would be under way for long.
            tools.streams.stop()
