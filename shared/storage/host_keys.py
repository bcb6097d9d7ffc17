"""The hosted SFTP server's own host keys, so that the api can tell partners their fingerprints. Writes `host_keys`."""

from collections.abc import Iterable

from shared.storage.accounts import OPERATOR
from shared.storage.database import Database, Tx


async def tell(database: Database, keys: Iterable[tuple[str, str]]) -> None:
    """The server proves itself with these (fingerprint, algorithm); told at its start and every hour."""
    async with database.account(OPERATOR) as tx:
        for fingerprint, algorithm in keys:
            await tell_one(tx, fingerprint, algorithm)


async def tell_one(tx: Tx, fingerprint: str, algorithm: str) -> None:
    """The server proves itself with this key, or soon will."""
    await tx.execute("host_keys.tell", fingerprint, algorithm)


async def forget(tx: Tx, fingerprint: str) -> None:
    """The server proves itself with this key no more."""
    await tx.execute("host_keys.forget", fingerprint)


async def known(database: Database) -> tuple[str, ...]:
    """The fingerprints that were told within the last day."""
    async with database.account(OPERATOR, read_only=True) as tx:
        return tuple(row["fingerprint"] for row in await tx.fetch("host_keys.known"))
