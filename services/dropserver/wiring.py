"""Where the dropserver is put together and run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from services.dropserver.ledger import DatabaseGate, DatabaseUploads
from services.dropserver.sftp import DropServer
from shared.bus.alongside import alongside
from shared.domain.failures import StorageUnavailable
from shared.runtime.service import Base
from shared.storage import host_keys
from shared.transfer.keys import make_private_key

log = structlog.get_logger()

TELL_SECONDS = 3600.0


@asynccontextmanager
async def running(base: Base, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Serve while inside; at the end running uploads may be finished."""
    async with serving(base):
        yield


@asynccontextmanager
async def serving(base: Base) -> AsyncIterator[DropServer]:
    """The same, for those who want to know the port."""
    settings = base.settings
    gate = DatabaseGate(base.database, base.places, base.metrics)
    uploads = DatabaseUploads(base.database, base.metrics)
    keys = [host_key(settings.sftp_host_key_file or settings.drop_directory / "host_key")]
    async with (
        DropServer.open(settings.sftp_host, settings.sftp_port, keys, gate, uploads) as server,
        alongside(_tell(base, server)),
    ):
        yield server


def host_key(path: Path) -> str:
    """The private host key, made where there is none, so that partners can pin it. Readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(make_private_key())
        partial.rename(path)
    return path.read_text()


async def _tell(base: Base, server: DropServer) -> None:
    while True:
        pairs = [(key.fingerprint, key.algorithm) for key in server.host_keys]
        try:
            await host_keys.tell(base.database, pairs)
        except StorageUnavailable as failure:
            log.warning("host_keys.not_told", code=failure.code)
            await asyncio.sleep(5)
            continue
        await asyncio.sleep(TELL_SECONDS)
