"""SSH key pairs of an account, which its connections may use; their private halves sealed. Writes `ssh_keys`.

A private half goes in, and comes out only for who logs in. What a key is was read before: nothing here knows SSH.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from shared.domain.failures import AlreadyExists, Conflict, InvalidRequest, NotFound, SshKeyInUse
from shared.storage import accounts
from shared.storage.database import Record, Tx
from shared.storage.secrets import KeyRing, Place, keep

MAX_KEYS = 200
"""Of an account."""
_SHOWN_USERS = 10


@dataclass(frozen=True, slots=True)
class NewKeyPair:
    """A key pair as it is kept; the private half in OpenSSH's format, without a passphrase."""

    algorithm: str
    bits: int
    fingerprint: str
    public_key: str
    private_key: str


@dataclass(frozen=True, slots=True)
class StoredKeyPair:
    """A key pair as it is stored, but for its private half."""

    id: UUID
    name: str
    description: str
    algorithm: str
    bits: int
    fingerprint: str
    public_key: str
    """In OpenSSH's one-line format, without a comment."""
    last_used_at: datetime | None
    """When a login last took it, to the hour."""
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyPairFilter:
    """Which key pairs a list shows; None is any. `after` is the (created_at, id) of the last one seen."""

    name: str | None = None
    fingerprint: str | None = None
    after: tuple[datetime, UUID] | None = None


async def add(tx: Tx, ring: KeyRing, name: str, description: str, pair: NewKeyPair) -> StoredKeyPair:
    """Keep a key pair. Raises AlreadyExists for its name or fingerprint, Conflict where there are too many."""
    if await count(tx) >= MAX_KEYS:
        raise Conflict(f"The account has {MAX_KEYS} SSH keys already; delete those no longer in use.")
    key_id = uuid4()
    row = await tx.row(
        "ssh_keys.insert",
        tx.account_id,
        key_id,
        name,
        description,
        pair.algorithm,
        pair.bits,
        pair.fingerprint,
        pair.public_key,
        ring.seal(pair.private_key, _place(tx, key_id)),
    )
    if row is None:
        raise AlreadyExists("The account has an SSH key of that name or fingerprint already.")
    await keep(tx, ring)
    return await get(tx, key_id)


async def count(tx: Tx) -> int:
    """How many the account has; nobody else adds one until the transaction ends."""
    # Held by a statement of its own: the next one then sees what whoever held it before has committed.
    await accounts.lock(tx)
    return int(await tx.value("ssh_keys.count", tx.account_id) or 0)


async def get(tx: Tx, key_id: UUID) -> StoredKeyPair:
    """One key pair. Raises NotFound."""
    return _pair(await tx.row("ssh_keys.get", tx.account_id, key_id))


async def lock(tx: Tx, key_id: UUID) -> StoredKeyPair:
    """One key pair, held until the transaction ends. Raises NotFound."""
    return _pair(await tx.row("ssh_keys.lock", tx.account_id, key_id))


async def page(tx: Tx, chosen: KeyPairFilter, limit: int) -> list[StoredKeyPair]:
    """The account's key pairs, oldest first."""
    created_at, key_id = chosen.after or (None, None)
    rows = await tx.fetch("ssh_keys.page", tx.account_id, chosen.name, chosen.fingerprint, created_at, key_id, limit)
    return [_pair(row) for row in rows]


async def describe(tx: Tx, held: StoredKeyPair, name: str, description: str) -> StoredKeyPair:
    """Give a held key pair another name and description: a new version. Raises AlreadyExists."""
    try:
        async with tx.connection.transaction():
            await tx.execute("ssh_keys.describe", tx.account_id, held.id, name, description)
    except asyncpg.UniqueViolationError as error:
        raise AlreadyExists("The account has an SSH key of that name already.") from error
    return await get(tx, held.id)


async def delete(tx: Tx, held: StoredKeyPair) -> None:
    """Take a held key pair away for good. Raises SshKeyInUse where a connection uses it."""
    users = (await users_of(tx, [held])).get(held.id, [])
    if users:
        shown = ", ".join(str(each) for each in users[:_SHOWN_USERS])
        raise SshKeyInUse(f"Found {len(users)}: {shown}{', ...' if len(users) > _SHOWN_USERS else ''}.")
    await tx.execute("ssh_keys.delete", tx.account_id, held.id)


async def users_of(tx: Tx, pairs: Sequence[StoredKeyPair]) -> dict[UUID, list[UUID]]:
    """Which connections use each of some key pairs, the oldest first."""
    found: dict[UUID, list[UUID]] = {}
    for row in await tx.fetch("ssh_keys.users", tx.account_id, [str(each.id) for each in pairs]):
        found.setdefault(row["ssh_key_id"], []).append(row["connection_id"])
    return found


async def hold(tx: Tx, key_id: UUID) -> None:
    """Keep a key pair from being taken away until the transaction ends. Raises InvalidRequest where there is none."""
    if await tx.row("ssh_keys.hold", tx.account_id, key_id) is None:
        raise InvalidRequest(f"The account has no SSH key {key_id}.")


async def take(tx: Tx, ring: KeyRing, key_id: UUID) -> str:
    """The private half, for a login. Raises NotFound, SecretKeyMissing; SealBroken for damage."""
    sealed = await tx.value("ssh_keys.sealed", tx.account_id, key_id)
    if sealed is None:
        raise NotFound("The SSH key that the connection uses is no longer there.")
    await tx.execute("ssh_keys.used", tx.account_id, key_id)
    return ring.open(bytes(sealed), _place(tx, key_id))


def _place(tx: Tx, key_id: UUID) -> Place:
    return Place(tx.account_id, "ssh_keys", key_id, "private_key")


def _pair(row: Record | None) -> StoredKeyPair:
    if row is None:
        raise NotFound
    facts = dict(row)
    return StoredKeyPair(id=facts.pop("ssh_key_id"), **facts)
