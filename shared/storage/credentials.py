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

    def is_opened_by(self, proof: "Proof") -> bool:
        """Whether that opens it now; takes the same time for a right and a wrong password."""
        return any([self._is_current(proof), self._is_former(proof)]) and self.state == "active"

    def opens_until(self, proof: "Proof") -> datetime | None:
        """Until when what opens it does so, by what is known now; None: for good."""
        ends = (self.allowed.expires_at, None if self._is_current(proof) else self.former_until)
        return min((each for each in ends if each is not None), default=None)

    def _is_current(self, proof: "Proof") -> bool:
        return proof.fits(self.public_key, self.password_sha256)

    def _is_former(self, proof: "Proof") -> bool:
        return proof.fits(self.former_public_key, self.former_password_sha256)


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody logs in with: a public key in OpenSSH's one-line format, or a password, as its hash."""

    public_key: str | None = None
    password_sha256: bytes | None = field(default=None, repr=False)

    @classmethod
    def of_password(cls, password: str) -> "Proof":
        """Of a password; what it was is not kept."""
        return cls(password_sha256=hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())

    def fits(self, public_key: str | None, password_sha256: bytes | None) -> bool:
        """Whether it is that key or password; of a password it takes as long for a right and a wrong one."""
        if self.password_sha256 is None:
            return self.public_key is not None and self.public_key == public_key
        is_same = hmac.compare_digest(self.password_sha256, password_sha256 or _ABSENT)
        return is_same and password_sha256 is not None


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


async def find(tx: Tx, credential_id: UUID) -> Credential | None:
    """One login, revoked or not; None where there is none."""
    row = await tx.row("credentials.get", tx.account_id, credential_id)
    return None if row is None else _credential(tx, row)


@dataclass(frozen=True, slots=True)
class InUse:
    """How a login stands that somebody is in with: a version that is another tells that something was changed."""

    version: int
    is_resting: bool
    """The account has paused hosted folders, or switched them off."""


async def in_use(database: Database, credential_ids: Collection[UUID]) -> dict[UUID, InUse]:
    """How these stand; those that were revoked are left out."""
    async with database.watching() as watch:
        rows = await watch.fetch("credentials.in_use", sorted(credential_ids))
    return {row["credential_id"]: InUse(row["version"], row["is_resting"]) for row in rows}


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
