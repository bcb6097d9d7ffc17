"""Hosted drop folders and their logins. Writes `drop_folders` and `credentials`.

A login is a generated user name with a generated password, of which only the SHA-256 is kept (it has 190 random
bits, so a slow hash would protect nothing more), or with an OpenSSH public key. Files are the dropserver's affair.
"""

import hashlib
import hmac
import string
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.domain.failures import AlreadyExists, NotFound
from shared.storage.database import Database, Record, Tx
from shared.storage.keys import random_text

_ABSENT = bytes(32)


@dataclass(frozen=True, slots=True)
class DropFolder:
    """A folder that Tidegate hosts."""

    id: UUID
    name: str
    quota_bytes: int
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credential:
    """A login of one drop folder, shut into one directory of it."""

    id: UUID
    account_id: UUID
    drop_folder_id: UUID
    username: str
    directory: str
    public_key: str | None
    """In OpenSSH's one-line format; None where the login has a password."""
    quota_bytes: int
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    password_sha256: bytes | None = field(repr=False)

    def is_password(self, password: str) -> bool:
        """Whether this is the login's password; takes the same time for a right and a wrong one."""
        given = hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
        return hmac.compare_digest(given, self.password_sha256 or _ABSENT) and self.password_sha256 is not None


async def create(tx: Tx, name: str, quota_bytes: int) -> DropFolder:
    """Add a hosted folder. Raises AlreadyExists."""
    row = await tx.row("drop_folders.insert", tx.account_id, name, quota_bytes)
    if row is None:
        raise AlreadyExists("A drop folder of that name exists already.")
    return _folder(row)


async def get(tx: Tx, drop_folder_id: UUID) -> DropFolder:
    """One hosted folder. Raises NotFound."""
    row = await tx.row("drop_folders.get", tx.account_id, drop_folder_id)
    if row is None:
        raise NotFound
    return _folder(row)


async def lock(tx: Tx, drop_folder_id: UUID) -> DropFolder:
    """One hosted folder, held until the transaction ends. Raises NotFound."""
    row = await tx.row("drop_folders.lock", tx.account_id, drop_folder_id)
    if row is None:
        raise NotFound
    return _folder(row)


async def update(tx: Tx, drop_folder_id: UUID, name: str, quota_bytes: int) -> DropFolder:
    """Give a folder another name or quota: a new version. Raises AlreadyExists, NotFound."""
    try:
        await tx.execute("drop_folders.update", tx.account_id, drop_folder_id, name, quota_bytes)
    except asyncpg.UniqueViolationError as error:
        raise AlreadyExists("A drop folder of that name exists already.") from error
    return await get(tx, drop_folder_id)


async def delete(tx: Tx, drop_folder_id: UUID) -> None:
    """Take a folder away, and every login of it; what was uploaded stays on its disk and in the ledger.

    The caller holds it by `lock`, and knows that no connection watches it.
    """
    await tx.execute("drop_folders.revoke_all", tx.account_id, drop_folder_id)
    await tx.execute("drop_folders.delete", tx.account_id, drop_folder_id)


async def page(tx: Tx, after: tuple[datetime, UUID] | None, limit: int, *, name: str | None = None) -> list[DropFolder]:
    """The account's hosted folders, oldest first; `after` is (created_at, id) of the last one seen."""
    created_at, folder_id = after or (None, None)
    rows = await tx.fetch("drop_folders.page", tx.account_id, name, created_at, folder_id, limit)
    return [_folder(row) for row in rows]


async def create_credential(
    tx: Tx, drop_folder_id: UUID, *, directory: str, public_key: str | None
) -> tuple[Credential, str | None]:
    """Make a login; without a public key it gets a password, which is returned this once. The folder must exist."""
    username = "drop-" + random_text(10, string.ascii_lowercase + string.digits)
    password = random_text(32) if public_key is None else None
    digest = None if password is None else hashlib.sha256(password.encode()).digest()
    credential_id: UUID = await tx.value(
        "drop_folders.insert_credential", tx.account_id, drop_folder_id, username, directory, digest, public_key
    )
    return await get_credential(tx, credential_id), password


async def get_credential(tx: Tx, credential_id: UUID) -> Credential:
    """One login, revoked or not. Raises NotFound."""
    row = await tx.row("drop_folders.credential", tx.account_id, credential_id)
    if row is None:
        raise NotFound
    return _credential(tx, row)


@dataclass(frozen=True, slots=True)
class CredentialFilter:
    """Which logins a list shows; None is any. `after` is the (created_at, id) of the last one seen."""

    is_revoked: bool | None = None
    username: str | None = None
    after: tuple[datetime, UUID] | None = None


async def credentials(tx: Tx, drop_folder_id: UUID, chosen: CredentialFilter, limit: int) -> list[Credential]:
    """A folder's logins, oldest first."""
    created_at, credential_id = chosen.after or (None, None)
    rows = await tx.fetch(
        "drop_folders.credentials",
        tx.account_id,
        drop_folder_id,
        chosen.is_revoked,
        chosen.username,
        created_at,
        credential_id,
        limit,
    )
    return [_credential(tx, row) for row in rows]


async def find(database: Database, username: str) -> Credential | None:
    """The login of a user name; None for one that is unknown or revoked."""
    async with database.watching() as watch:
        owner = await watch.row("drop_folders.owner_of_username", username)
    if owner is None:
        return None
    async with database.account(owner["account_id"], read_only=True) as tx:
        credential = await get_credential(tx, owner["credential_id"])
    return credential if credential.revoked_at is None else None


async def mark_used(tx: Tx, credential_id: UUID) -> None:
    """Somebody logged in with it."""
    await tx.execute("drop_folders.mark_used", tx.account_id, credential_id)


async def revoke(tx: Tx, drop_folder_id: UUID, credential_id: UUID) -> None:
    """End a login for good. Raises NotFound."""
    if await tx.row("drop_folders.revoke", tx.account_id, drop_folder_id, credential_id) is None:
        raise NotFound


def _folder(row: Record) -> DropFolder:
    return DropFolder(row["drop_folder_id"], row["name"], row["quota_bytes"], row["version"], row["created_at"])


def _credential(tx: Tx, row: Record) -> Credential:
    facts = dict(row)
    digest = facts.pop("password_sha256")
    return Credential(
        id=facts.pop("credential_id"),
        account_id=tx.account_id,
        password_sha256=None if digest is None else bytes(digest),
        **facts,
    )
