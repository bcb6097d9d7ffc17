"""OpenPGP keys and passwords of an account, their secrets sealed. Writes `openpgp_keys`.

A secret goes in and comes out only as part of a `Bundle`, or of an `OwnKey`, for who opens or seals files; nothing else
here returns one. What a key is and can do was read before: nothing here knows OpenPGP.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from shared.domain.failures import AlreadyExists, Conflict, InvalidRequest, NotFound, OpenPgpKeyInUse
from shared.domain.openpgp_key import Bundle, OpenPgpKey, OwnKey, PartnerKey
from shared.storage.database import Record, Session, Tx
from shared.storage.secrets import KeyRing, Place, keep

Kind = Literal["own", "partner", "password"]
SecretName = Literal["private_key", "passphrase", "password"]

MAX_KEYS = 200
"""Of an account: each run may have to try all of its own."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key or password as it is stored, but for its secrets."""

    id: UUID
    kind: Kind
    name: str
    facts: OpenPgpKey | None
    """None of a password."""
    public_part: str | None
    """Armored; None of a password."""
    has_passphrase: bool
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys a list shows; None is any. `after` is the (created_at, id) of the last one seen."""

    kind: Kind | None = None
    fingerprint: str | None = None
    name: str | None = None
    after: tuple[datetime, UUID] | None = None


async def add_own(tx: Tx, ring: KeyRing, name: str, key: OwnKey, public_part: str) -> StoredKey:
    """Keep a private key. Raises AlreadyExists for its name or fingerprint, Conflict where there are too many."""
    secrets: dict[SecretName, str | None] = {"private_key": key.material, "passphrase": key.passphrase}
    return await _add(tx, ring, "own", name, key.facts, public_part, secrets)


async def add_partner(tx: Tx, ring: KeyRing, name: str, key: PartnerKey) -> StoredKey:
    """Keep a public key. Raises AlreadyExists for its name or fingerprint, Conflict where there are too many."""
    return await _add(tx, ring, "partner", name, key.facts, key.material, {})


async def add_password(tx: Tx, ring: KeyRing, name: str, password: str) -> StoredKey:
    """Keep a password that files are encrypted with. Raises AlreadyExists for its name, Conflict."""
    return await _add(tx, ring, "password", name, None, None, {"password": password})


async def _add(
    tx: Tx,
    ring: KeyRing,
    kind: Kind,
    name: str,
    facts: OpenPgpKey | None,
    public_part: str | None,
    secrets: dict[SecretName, str | None],
) -> StoredKey:
    if (await tx.value("openpgp_keys.count", tx.account_id) or 0) >= MAX_KEYS:
        raise Conflict(f"The account has {MAX_KEYS} OpenPGP keys already; delete those no longer in use.")
    key_id = uuid4()
    names: tuple[SecretName, ...] = ("private_key", "passphrase", "password")
    sealed = [_sealed(tx, ring, key_id, each, secrets.get(each)) for each in names]
    row = await tx.row(
        "openpgp_keys.insert",
        tx.account_id,
        key_id,
        kind,
        name,
        None if facts is None else facts.fingerprint,
        None if facts is None else facts.model_dump(mode="json"),
        public_part,
        *sealed,
        facts is not None and facts.is_revoked,
        None if facts is None else facts.expires_at,
    )
    if row is None:
        raise AlreadyExists("The account has an OpenPGP key of that name or fingerprint already.")
    if any(sealed):
        await keep(tx, ring)
    return await get(tx, key_id)


async def get(tx: Tx, key_id: UUID) -> StoredKey:
    """One key. Raises NotFound."""
    return _key(await tx.row("openpgp_keys.get", tx.account_id, key_id))


async def lock(tx: Tx, key_id: UUID) -> StoredKey:
    """One key, held until the transaction ends. Raises NotFound."""
    return _key(await tx.row("openpgp_keys.lock", tx.account_id, key_id))


async def page(tx: Tx, chosen: KeyFilter, limit: int) -> list[StoredKey]:
    """The account's keys, oldest first."""
    created_at, key_id = chosen.after or (None, None)
    rows = await tx.fetch(
        "openpgp_keys.page", tx.account_id, chosen.kind, chosen.fingerprint, chosen.name, created_at, key_id, limit
    )
    return [_key(row) for row in rows]


async def rename(tx: Tx, held: StoredKey, name: str) -> StoredKey:
    """Give a held key another name: a new version. Raises AlreadyExists."""
    if any(each.id != held.id for each in await page(tx, KeyFilter(name=name), 2)):
        raise AlreadyExists("The account has an OpenPGP key of that name already.")
    await tx.execute("openpgp_keys.rename", tx.account_id, held.id, name)
    return await get(tx, held.id)


async def renew(tx: Tx, ring: KeyRing, held: StoredKey, key: OwnKey | PartnerKey, public_part: str) -> StoredKey:
    """Put the same key as it is now in the place of a held one: a new version. Raises Conflict for another key."""
    kind = "own" if isinstance(key, OwnKey) else "partner"
    if held.facts is None or (held.kind, held.facts.fingerprint) != (kind, key.facts.fingerprint):
        raise Conflict("Found another key than the one that is stored, or its other half; import it as a new one.")
    private = (key.material, key.passphrase) if isinstance(key, OwnKey) else (None, None)
    await tx.execute(
        "openpgp_keys.renew",
        tx.account_id,
        held.id,
        key.facts.model_dump(mode="json"),
        public_part,
        _sealed(tx, ring, held.id, "private_key", private[0]),
        _sealed(tx, ring, held.id, "passphrase", private[1]),
        key.facts.is_revoked,
        key.facts.expires_at,
    )
    if any(private):
        await keep(tx, ring)
    return await get(tx, held.id)


async def delete(tx: Tx, held: StoredKey) -> None:
    """Take a held key away for good. Raises OpenPgpKeyInUse where a connection or a goal names it."""
    users = await named_by(tx, held.id, held.facts.fingerprint if held.facts else None)
    if users:
        raise OpenPgpKeyInUse(f"Found {', '.join(f'{kind} {user_id}' for kind, user_id in users)}.")
    await tx.execute("openpgp_keys.delete", tx.account_id, held.id)


async def named_by(tx: Tx, key_id: UUID, fingerprint: str | None) -> list[tuple[Literal["connection", "goal"], UUID]]:
    """Connections and goals, ten at most, whose settings name a key by its identity or fingerprint."""
    # Not null for a password's fingerprint: settings are full of that.
    named = {"id": str(key_id), "fingerprint": fingerprint or str(key_id)}
    rows = await tx.fetch("openpgp_keys.users", tx.account_id, named)
    return [(row["kind"], row["id"]) for row in rows]


async def held(tx: Tx, named: Iterable[UUID | str]) -> list[StoredKey]:
    """Those of some identities or fingerprints that there are, kept from being taken away until the transaction ends.

    For who saves settings that name them.
    """
    wanted = sorted({str(each) for each in named})
    return [_key(row) for row in await tx.fetch("openpgp_keys.hold", tx.account_id, wanted)] if wanted else []


async def hold(tx: Tx, named: Iterable[UUID | str]) -> None:
    """The same for who takes all of them or nothing. Raises InvalidRequest for one that the account does not have."""
    wanted = {str(each) for each in named}
    found = await held(tx, wanted)
    missing = wanted - {str(each.id) for each in found} - {each.facts.fingerprint for each in found if each.facts}
    if missing:
        raise InvalidRequest(f"The account has no OpenPGP key {', '.join(sorted(missing))}.")


# With what is sealed.


async def bundle_of(tx: Tx, ring: KeyRing) -> Bundle:
    """Everything that a file may be opened with, and whose signature may be held against it.

    Raises SecretKeyMissing; SealBroken for damage.
    """
    rows = await tx.fetch("openpgp_keys.materials", tx.account_id, None)
    return Bundle(
        own=tuple(_own(tx, ring, row) for row in rows if row["kind"] == "own"),
        partners=tuple(_partner(row) for row in rows if row["kind"] == "partner"),
        passwords=tuple(_opened(tx, ring, row, "password") or "" for row in rows if row["kind"] == "password"),
    )


async def partners_of(tx: Tx, named: Iterable[UUID | str]) -> tuple[PartnerKey, ...]:
    """Public keys, or public halves of own ones, of identities or fingerprints. Raises NotFound."""
    wanted = sorted({str(each) for each in named})
    rows = await tx.fetch("openpgp_keys.materials", tx.account_id, wanted)
    found = tuple(_partner(row) for row in rows if row["public_part"] is not None)
    if len(found) < len(wanted):
        raise NotFound("An OpenPGP key that is named is no longer there.")
    return found


async def own_of(tx: Tx, ring: KeyRing, named: UUID | str) -> OwnKey:
    """One private key. Raises NotFound, SecretKeyMissing; SealBroken for damage."""
    for row in await tx.fetch("openpgp_keys.materials", tx.account_id, [str(named)]):
        if row["kind"] == "own":
            return _own(tx, ring, row)
    raise NotFound("The OpenPGP key that is named is no longer there, or is none of your own.")


async def password_of(tx: Tx, ring: KeyRing, key_id: UUID) -> str:
    """One password. Raises NotFound, SecretKeyMissing; SealBroken for damage."""
    for row in await tx.fetch("openpgp_keys.materials", tx.account_id, [str(key_id)]):
        if row["kind"] == "password":
            return _opened(tx, ring, row, "password") or ""
    raise NotFound("The password that is named is no longer there.")


# Expiry.


@dataclass(frozen=True, slots=True)
class Expiring:
    """A key of which a notice is due."""

    kind: Kind
    fingerprint: str
    expires_at: datetime
    days: int
    """Which notice it is: 30, 7 or 1 days before."""


async def expiring(watch: Session) -> list[tuple[UUID, UUID]]:
    """Keys of which a notice is due: (account, key)."""
    return [(row["account_id"], row["openpgp_key_id"]) for row in await watch.fetch("openpgp_keys.expiring")]


async def warn(tx: Tx, key_id: UUID) -> Expiring | None:
    """Note that the notice is given; None where that was done meanwhile, or is due no longer."""
    row = await tx.row("openpgp_keys.warn", tx.account_id, key_id)
    return None if row is None else Expiring(**dict(row))


async def states(watch: Session) -> dict[tuple[str, str], int]:
    """How many keys there are, by kind and by whether they are valid, expiring, expired or revoked."""
    return {(row["kind"], row["state"]): row["keys"] for row in await watch.fetch("openpgp_keys.states")}


def _own(tx: Tx, ring: KeyRing, row: Record) -> OwnKey:
    material = _opened(tx, ring, row, "private_key")
    assert material is not None
    return OwnKey(OpenPgpKey.model_validate(row["facts"]), material, _opened(tx, ring, row, "passphrase"))


def _partner(row: Record) -> PartnerKey:
    return PartnerKey(OpenPgpKey.model_validate(row["facts"]), row["public_part"])


def _opened(tx: Tx, ring: KeyRing, row: Record, name: SecretName) -> str | None:
    sealed = row[name]
    return None if sealed is None else ring.open(bytes(sealed), _place(tx, row["openpgp_key_id"], name))


def _sealed(tx: Tx, ring: KeyRing, key_id: UUID, name: SecretName, secret: str | None) -> bytes | None:
    return None if secret is None else ring.seal(secret, _place(tx, key_id, name))


def _place(tx: Tx, key_id: UUID, name: SecretName) -> Place:
    return Place(tx.account_id, "openpgp_keys", key_id, name)


def _key(row: Record | None) -> StoredKey:
    if row is None:
        raise NotFound
    facts = dict(row)
    said = facts.pop("facts")
    return StoredKey(
        id=facts.pop("openpgp_key_id"), facts=None if said is None else OpenPgpKey.model_validate(said), **facts
    )
