"""The host keys of the hosted SFTP server: sealed in the database, so that all replicas present the same.

They are SSH keys of the operator's own account, which nobody asks for by the gateway. The oldest is what clients are
shown; one that was added later is announced to those that are in (OpenSSH's UpdateHostKeys) and stands in the sheets,
and is shown in its place once the older is retired: so partners learn of a new key before they need it.
"""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from shared.domain.failures import Conflict, NotFound
from shared.storage import host_keys, ssh_keys
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database, Tx
from shared.storage.secrets import KeyRing
from shared.storage.ssh_keys import KeyPairFilter, NewKeyPair, StoredKeyPair
from shared.transfer.keys import KeyPair, generated, imported

Algorithm = Literal["ed25519", "rsa4096"]


async def begin(database: Database, ring: KeyRing, earlier: Path) -> None:
    """See that there is a key: where there is none, that of the file in which it was kept before, or a new one."""
    if await listed(database):
        return
    pair = await asyncio.to_thread(_earlier, earlier)
    async with database.account(OPERATOR) as tx:
        if await ssh_keys.count(tx) == 0:
            await _add(tx, ring, pair)


async def listed(database: Database) -> list[StoredKeyPair]:
    """All of them, oldest first."""
    async with database.account(OPERATOR, read_only=True) as tx:
        return await ssh_keys.page(tx, KeyPairFilter(), ssh_keys.MAX_KEYS)


async def private_keys(database: Database, ring: KeyRing) -> list[str]:
    """Their private halves in OpenSSH's format, oldest first, for the server alone."""
    async with database.account(OPERATOR) as tx:
        found = await ssh_keys.page(tx, KeyPairFilter(), ssh_keys.MAX_KEYS)
        return [await ssh_keys.take(tx, ring, each.id) for each in found]


async def tell(database: Database, fingerprints: Collection[str]) -> None:
    """The server proves itself with these; those that were retired a moment ago are not told any more."""
    async with database.account(OPERATOR) as tx:
        for each in await ssh_keys.page(tx, KeyPairFilter(), ssh_keys.MAX_KEYS):
            if each.fingerprint in fingerprints:
                # Whoever retires it waits until this is told, and takes it back.
                await ssh_keys.hold(tx, each.id)
                await host_keys.tell_one(tx, each.fingerprint, each.algorithm)


async def add(database: Database, ring: KeyRing, algorithm: Algorithm) -> StoredKeyPair:
    """Another key, announced within a minute; clients are shown the older one of its kind until that is retired.

    Raises Conflict where there is none yet: the only key would be shown at once, instead of the one in the file that
    partners know.
    """
    pair = await asyncio.to_thread(generated, algorithm)
    async with database.account(OPERATOR) as tx:
        if await ssh_keys.count(tx) == 0:
            raise Conflict("Start the hosted server once first: it takes over the key that it has.")
        made = await _add(tx, ring, pair)
        await host_keys.tell_one(tx, made.fingerprint, made.algorithm)
        return made


async def retire(database: Database, fingerprint: str) -> None:
    """Present a key no more, and show it to nobody. Raises NotFound, Conflict for the last one."""
    async with database.account(OPERATOR) as tx:
        if await ssh_keys.count(tx) == 1:
            raise Conflict("It is the only host key; add another first, and let partners learn of it.")
        found = await ssh_keys.page(tx, KeyPairFilter(fingerprint=fingerprint), 1)
        if not found:
            raise NotFound(f"Found no host key {fingerprint}.")
        await ssh_keys.delete(tx, found[0])
        await host_keys.forget(tx, fingerprint)


def _earlier(path: Path) -> KeyPair:
    return imported(path.read_text(), None) if path.exists() else generated("ed25519")


async def _add(tx: Tx, ring: KeyRing, pair: KeyPair) -> StoredKeyPair:
    new = NewKeyPair(
        algorithm=pair.public.algorithm,
        bits=pair.bits,
        fingerprint=pair.public.fingerprint,
        public_key=pair.public.line,
        private_key=pair.private_key,
    )
    return await ssh_keys.add(tx, ring, f"host key {pair.public.fingerprint}", "", new)
