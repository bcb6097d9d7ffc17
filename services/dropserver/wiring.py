"""Where the dropserver is put together and run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from services.dropserver.ledger import DatabaseGate, DatabaseUploads
from services.dropserver.sftp import DropServer
from services.dropserver.webdav.application import Surroundings
from services.dropserver.webdav.certificate import Certificate
from services.dropserver.webdav.server import DavServer
from shared.bus.alongside import alongside
from shared.domain.failures import Failure
from shared.runtime import server_keys
from shared.runtime.clients import networks
from shared.runtime.service import Base
from shared.runtime.settings import Settings
from shared.storage import host_keys

log = structlog.get_logger()

TELL_SECONDS = 30.0


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Serve while inside; at the end running uploads may be finished."""
    async with serving(base):
        yield


@dataclass(frozen=True, slots=True)
class Hosting:
    """The servers of the hosted folders. `webdav` None: it is off."""

    sftp: DropServer
    webdav: DavServer | None


@asynccontextmanager
async def serving(base: Base) -> AsyncIterator[Hosting]:
    """The same, for those who want to know the ports."""
    settings = base.settings
    gate = DatabaseGate(base.database, base.places, base.metrics)
    uploads = DatabaseUploads(base.database, base.metrics)
    if settings.sftp_host_key_file is None:
        await server_keys.begin(base.database, base.keys, settings.drop_directory / "host_key")
    keys = await _keys(base)
    async with (
        DropServer.open(settings.sftp_host, settings.sftp_port, keys, gate, uploads) as server,
        alongside(keep_presenting(base, server)),
    ):
        port = settings.webdav_listens_on
        if port is None:
            yield Hosting(server, None)
            return
        proxies, certificate = networks(settings.webdav_trusted_proxies), _certificate(settings)
        if certificate is None and not proxies:
            # Passwords are taken by TLS alone.
            log.warning("webdav.answers_this_machine_alone", lacking="TIDEGATE_WEBDAV_CERTIFICATE_FILE")
        known_as = Surroundings(proxies, settings.public_webdav_url)
        async with DavServer.open(server.house, settings.webdav_host, port, certificate, known_as) as webdav:
            yield Hosting(server, webdav)


def _certificate(settings: Settings) -> Certificate | None:
    """Raises SettingsError for one that cannot be used."""
    file = settings.webdav_certificate_file
    return None if file is None else Certificate(file, settings.webdav_key_file)


async def present(base: Base, server: DropServer) -> None:
    """Present the host keys that there are now, and tell them. Raises Failure, OSError, ValueError."""
    server.present(await _keys(base))
    if base.settings.sftp_host_key_file is None:
        await server_keys.tell(base.database, server.fingerprints)
    else:
        await host_keys.tell(base.database, [(key.fingerprint, key.algorithm) for key in server.host_keys])


async def _keys(base: Base) -> list[str]:
    """What the operator's file holds, where there is one; else what the database keeps."""
    file = base.settings.sftp_host_key_file
    if file is not None:
        return [await asyncio.to_thread(file.read_text)]
    return await server_keys.private_keys(base.database, base.keys)


async def keep_presenting(base: Base, server: DropServer) -> None:
    """Present the keys that there are, again and again, until cancelled; those of before where they cannot be had."""
    while True:
        try:
            await present(base, server)
        except (Failure, OSError, ValueError) as error:
            # A file that is being replaced, a key that was retired just now: the server goes on with those it has.
            log.warning("host_keys.not_told", found=type(error).__name__)
            await asyncio.sleep(5)
            continue
        await asyncio.sleep(TELL_SECONDS)
