"""API keys: `tg_<prefix>_<secret>`. Writes `api_keys`.

The prefix is looked up across accounts by the watching role, which cannot read the hash; the hash is compared in
the account's own transaction. The secret has 190 random bits, so a plain SHA-256 is enough. There is no cache: a
revoked key is dead with the next request.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from shared.domain.failures import LastKey, NotFound
from shared.domain.scope import Scope
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database, Record, Tx

KeyState = Literal["active", "expired", "revoked"]

_TOKEN = re.compile(r"tg_([a-z0-9]{10})_([A-Za-z0-9]{32})")
_ABSENT = bytes(32)
_NOBODY = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it may be shown: without its secret."""

    id: UUID
    prefix: str
    name: str
    email: str | None
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class NewKey:
    """What makes a key."""

    name: str
    scopes: frozenset[Scope]
    email: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys are asked for; `after` is (created_at, id) of the last one seen."""

    name: str | None = None
    prefix: str | None = None
    state: KeyState | None = None
    after: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: a key, and the account that it belongs to."""

    account_id: UUID
    key_id: UUID
    name: str
    email: str | None
    scopes: frozenset[Scope]

    @property
    def is_operator(self) -> bool:
        """Whether the key belongs to the deployment's operator."""
        return self.account_id == OPERATOR


async def create(tx: Tx, new: NewKey) -> tuple[Key, str]:
    """Make a key of the transaction's account; the token in clear is returned this once and stored nowhere."""
    prefix = random_text(10, string.ascii_lowercase + string.digits)
    secret = random_text(32, string.ascii_letters + string.digits)
    row = await tx.row(
        "keys.insert",
        tx.account_id,
        prefix,
        _hash(secret),
        new.name,
        new.email,
        sorted(new.scopes),
        new.expires_at,
    )
    assert row is not None
    return _key(row), f"tg_{prefix}_{secret}"


async def authenticate(database: Database, token: str) -> Caller | None:
    """Whose key this is; None for one that is malformed, unknown, wrong, expired or revoked.

    An unknown prefix is looked up and compared like a known one, so that answers tell nothing apart by their time.
    """
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    async with database.watching() as watch:
        owner = await watch.row("keys.account_of_prefix", found[1])
    account_id, key_id = (_NOBODY, _NOBODY) if owner is None else (owner["account_id"], owner["key_id"])
    async with database.account(account_id, read_only=True) as tx:
        row = await tx.row("keys.for_login", tx.account_id, key_id)
    is_right = hmac.compare_digest(_hash(found[2]), _ABSENT if row is None else bytes(row["secret_sha256"]))
    if row is None or not is_right:
        return None
    return Caller(account_id, key_id, row["name"], row["email"], _scopes(row["scopes"]))


async def mark_used(database: Database, caller: Caller) -> None:
    """Write down that the key was used just now, unless somebody did so within the last minute."""
    async with database.account(caller.account_id) as tx:
        await tx.execute("keys.mark_used", tx.account_id, caller.key_id)


async def get(tx: Tx, key_id: UUID) -> Key | None:
    """One key of the account."""
    row = await tx.row("keys.get", tx.account_id, key_id)
    return None if row is None else _key(row)


async def page(tx: Tx, chosen: KeyFilter, limit: int) -> list[Key]:
    """The account's keys that are asked for, oldest first."""
    created_at, key_id = chosen.after or (None, None)
    values = (tx.account_id, created_at, key_id, chosen.name, chosen.prefix, chosen.state, limit)
    return [_key(row) for row in await tx.fetch("keys.page", *values)]


async def hold(tx: Tx, key_id: UUID) -> Key:
    """One key, with all keys of the account held against other changes until the transaction ends. Raises NotFound."""
    await tx.execute("keys.hold_account", tx.account_id)
    found = await get(tx, key_id)
    if found is None:
        raise NotFound
    return found


async def update(tx: Tx, held: Key, wanted: NewKey) -> Key:
    """Give a held key other settings. Raises LastKey where nobody could make keys in its stead."""
    if Scope.KEYS_WRITE not in wanted.scopes:
        await _require_other_keeper(tx, held, datetime.now(UTC))
    elif wanted.expires_at is not None and (held.expires_at is None or wanted.expires_at < held.expires_at):
        await _require_other_keeper(tx, held, wanted.expires_at)
    row = await tx.row(
        "keys.update", tx.account_id, held.id, wanted.name, sorted(wanted.scopes), wanted.email, wanted.expires_at
    )
    assert row is not None
    return _key(row)


async def revoke(tx: Tx, held: Key) -> None:
    """End a held key for good. Raises LastKey where nobody could make keys in its stead."""
    await _require_other_keeper(tx, held, datetime.now(UTC))
    await tx.execute("keys.revoke", tx.account_id, held.id)


async def _require_other_keeper(tx: Tx, held: Key, until: datetime) -> None:
    """An account whose last key that makes keys is gone needs the operator; nobody shall come there by mistake."""
    has_ended = held.revoked_at is not None or (held.expires_at is not None and held.expires_at <= datetime.now(UTC))
    if has_ended or Scope.KEYS_WRITE not in held.scopes:
        return
    if not await tx.value("keys.is_other_keeper", tx.account_id, held.id, until):
        raise LastKey


def random_text(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Random characters from the system's source."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _scopes(names: Iterable[str]) -> frozenset[Scope]:
    # A scope that a later version has given and this one does not know gives nothing here.
    named = set(names)
    return frozenset(scope for scope in Scope if scope in named)


def _key(row: Record) -> Key:
    facts = dict(row)
    return Key(id=facts.pop("key_id"), scopes=_scopes(facts.pop("scopes")), **facts)
