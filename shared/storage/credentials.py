"""Logins of hosted drop folders. Writes `credentials`.

A login is a generated user name with a generated password, of which only the SHA-256 is kept (it has 190 random
bits, so a slow hash would protect nothing more), or with an OpenSSH public key. After a rotation
the former secret opens as well, until a given time.
"""

import hashlib
import hmac
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.domain.failures import Conflict, NotFound
from shared.domain.hosted_login import ALL_RIGHTS, Right
from shared.storage.database import Database, Record, Tx
from shared.storage.keys import random_text

_ABSENT = bytes(32)

CredentialState = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be changed of a login. `source_networks` are in CIDR notation; none: from anywhere."""

    name: str = ""
    rights: frozenset[Right] = ALL_RIGHTS
    expires_at: datetime | None = None
    source_networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A login of one drop folder, shut into one directory of it."""

    id: UUID
    account_id: UUID
    drop_folder_id: UUID
    username: str
    directory: str
    allowed: Allowed
    public_key: str | None
    """In OpenSSH's one-line format; None where the login has a password."""
    former_public_key: str | None
    former_until: datetime | None
    """Until when the secret before the last rotation opens as well; None where there is none or its time has passed."""
    quota_bytes: int
    version: int
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    is_expired: bool
    """By the database's clock."""
    password_sha256: bytes | None = field(repr=False)
    former_password_sha256: bytes | None = field(repr=False)

    @property
    def state(self) -> CredentialState:
        """Whether it opens anything now."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.is_expired else "active"

    def is_password(self, password: str) -> bool:
        """Whether this is the login's password, or its former one; takes the same time for a right and a wrong one."""
        given = hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
        known = (self.password_sha256, self.former_password_sha256)
        found = [hmac.compare_digest(given, each or _ABSENT) and each is not None for each in known]
        return any(found)

    def is_public_key(self, line: str) -> bool:
        """Whether this is the login's public key, or its former one."""
        return line in (self.public_key, self.former_public_key)


@dataclass(frozen=True, slots=True)
class Secret:
    """What proves a login: a public key, or a password that is made for it."""

    public_key: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def new(cls, public_key: str | None) -> "Secret":
        """That public key; without one a new password."""
        return cls(public_key, random_text(32) if public_key is None else None)

    @property
    def password_sha256(self) -> bytes | None:
        """All that is kept of a password."""
        return None if self.password is None else hashlib.sha256(self.password.encode()).digest()


async def create(
    tx: Tx, drop_folder_id: UUID, *, directory: str, public_key: str | None, allowed: Allowed | None = None
) -> tuple[Credential, str | None]:
    """Make a login; without a public key it gets a password, which is returned this once. The folder must exist."""
    username = "drop-" + random_text(10, string.ascii_lowercase + string.digits)
    secret = Secret.new(public_key)
    credential_id: UUID = await tx.value(
        "credentials.insert",
        tx.account_id,
        drop_folder_id,
        username,
        directory,
        secret.password_sha256,
        secret.public_key,
        *_columns(allowed or Allowed()),
    )
    return await get(tx, credential_id), secret.password


async def get(tx: Tx, credential_id: UUID) -> Credential:
    """One login, revoked or not. Raises NotFound."""
    return _credential(tx, await tx.row("credentials.get", tx.account_id, credential_id))


async def lock(tx: Tx, drop_folder_id: UUID, credential_id: UUID) -> Credential:
    """One login of a folder, held until the transaction ends. Raises NotFound."""
    await tx.execute("credentials.lock", tx.account_id, credential_id)
    found = await get(tx, credential_id)
    if found.drop_folder_id != drop_folder_id:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class CredentialFilter:
    """Which logins a list shows; None is any. `after` is the (created_at, id) of the last one seen."""

    state: CredentialState | None = None
    username: str | None = None
    after: tuple[datetime, UUID] | None = None


async def page(tx: Tx, drop_folder_id: UUID, chosen: CredentialFilter, limit: int) -> list[Credential]:
    """A folder's logins, oldest first."""
    created_at, credential_id = chosen.after or (None, None)
    rows = await tx.fetch(
        "credentials.page",
        tx.account_id,
        drop_folder_id,
        chosen.state,
        chosen.username,
        created_at,
        credential_id,
        limit,
    )
    return [_credential(tx, row) for row in rows]


async def opening(tx: Tx, credential_id: UUID) -> Credential | None:
    """A login that opens something now; None for one that is unknown, revoked or expired."""
    row = await tx.row("credentials.get", tx.account_id, credential_id)
    found = None if row is None else _credential(tx, row)
    return found if found is not None and found.state == "active" else None


async def not_welcome(database: Database, credential_ids: Collection[UUID]) -> frozenset[UUID]:
    """Which of these open nothing any more: revoked, or of an account that has hosted folders paused or off."""
    async with database.watching() as watch:
        rows = await watch.fetch("credentials.not_welcome", sorted(credential_ids))
    return frozenset(row["credential_id"] for row in rows)


async def mark_used(tx: Tx, credential_ids: Collection[UUID]) -> None:
    """Somebody logged in with them."""
    await tx.execute("credentials.mark_used", tx.account_id, sorted(credential_ids))


async def change(tx: Tx, held: Credential, wanted: Allowed) -> Credential:
    """Allow a login something else: a new version. The caller holds it by `lock`. Raises Conflict for a revoked one."""
    _require_unrevoked(held)
    await tx.execute("credentials.change", tx.account_id, held.id, *_columns(wanted))
    return await get(tx, held.id)


async def rotate(
    tx: Tx, held: Credential, public_key: str | None, former_until: datetime | None
) -> tuple[Credential, str | None]:
    """Give a login another secret: a new version. The one it had opens as well until then; without a time no longer.

    The one before that opens nothing from now on. A new password is returned this once. The caller holds the login by
    `lock`. Raises Conflict for a revoked one.
    """
    _require_unrevoked(held)
    secret = Secret.new(public_key)
    facts = (secret.password_sha256, secret.public_key, former_until)
    await tx.execute("credentials.rotate", tx.account_id, held.id, *facts)
    return await get(tx, held.id), secret.password


async def revoke(tx: Tx, credential_id: UUID) -> None:
    """End a login for good, its former secret too."""
    await tx.execute("credentials.revoke", tx.account_id, credential_id)


async def revoke_all(tx: Tx, drop_folder_id: UUID) -> None:
    """No login of the folder opens anything from now on."""
    await tx.execute("credentials.revoke_all", tx.account_id, drop_folder_id)


def _require_unrevoked(held: Credential) -> None:
    if held.revoked_at is not None:
        raise Conflict("The login was revoked for good; make a new one.")


def _columns(allowed: Allowed) -> Sequence[object]:
    return (
        allowed.name,
        sorted(right.value for right in allowed.rights),
        allowed.expires_at,
        list(allowed.source_networks),
    )


def _credential(tx: Tx, row: Record | None) -> Credential:
    if row is None:
        raise NotFound
    facts = dict(row)
    allowed = Allowed(
        name=facts.pop("name"),
        rights=frozenset(map(Right, facts.pop("rights"))),
        expires_at=facts.pop("expires_at"),
        source_networks=tuple(facts.pop("source_networks")),
    )
    return Credential(id=facts.pop("credential_id"), account_id=tx.account_id, allowed=allowed, **facts)
