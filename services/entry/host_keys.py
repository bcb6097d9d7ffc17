"""`tidegate host-keys`: show, add and retire what the hosted SFTP server proves itself with, while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

import typer

from shared.domain.failures import Conflict
from shared.runtime import server_keys
from shared.runtime.settings import read_settings, required
from shared.runtime.start import open_database
from shared.storage.database import Database
from shared.storage.secrets import KeyRing, check_keys


class Kind(StrEnum):
    """What kind of key."""

    ED25519 = "ed25519"
    RSA = "rsa4096"


async def show() -> None:
    """Fingerprints and kinds, the oldest first."""
    async with _opened() as (database, _):
        for each in await server_keys.listed(database):
            typer.echo(f"{each.fingerprint} {each.algorithm} since {each.created_at:%Y-%m-%d %H:%M}")


async def add(kind: Kind) -> None:
    """Make another key."""
    async with _opened() as (database, ring):
        made = await server_keys.add(database, ring, "ed25519" if kind is Kind.ED25519 else "rsa4096")
    typer.echo(made.fingerprint)


async def retire(fingerprint: str) -> None:
    """Present a key no more."""
    async with _opened() as (database, _):
        await server_keys.retire(database, fingerprint)


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Database, KeyRing]]:
    settings = read_settings()
    if settings.sftp_host_key_file is not None:
        raise Conflict(
            "TIDEGATE_SFTP_HOST_KEY_FILE names the file of the server's one host key, so those in the database are "
            "shown to nobody. Exchange the file, or run the servers and this command without that variable."
        )
    required(settings, "database_url", "watch_database_url", "secret_key")
    ring = KeyRing(settings.secret_keys)
    async with open_database(settings) as database:
        await check_keys(database, ring)
        yield database, ring
