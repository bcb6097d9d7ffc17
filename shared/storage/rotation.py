"""Seal everything anew with the first key of TIDEGATE_SECRET_KEY, while services run, and tell which keys may go.

Keys are marked first, then each value is read, sealed and put back by a statement of its own that does nothing where
somebody has changed the value meanwhile: no lock outlives a statement, and who is interrupted begins again. Whoever
seals with a marked key takes its mark away in the same transaction, so that what is forgotten at the end is surely
not needed. Writes the sealed columns of all DRAWERS, and `secret_keys`. Nothing here shows a secret.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from shared.domain.failures import Conflict, SecretKeyMissing
from shared.storage import accounts
from shared.storage.database import Database, Record, Session, Tx
from shared.storage.secrets import KeyRing, Place, SealBroken, keep, sealed_with

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Drawer:
    """A table with sealed columns (`<name>_sealed`), and the statements that list and replace its values."""

    table: str
    columns: tuple[str, ...]
    list: str
    reseal: str


DRAWERS = (
    Drawer(
        "connections",
        ("password", "private_key", "passphrase"),
        "secrets.connections",
        "secrets.reseal_connection",
    ),
    Drawer(
        "openpgp_keys",
        ("private_key", "passphrase", "password"),
        "secrets.openpgp_keys",
        "secrets.reseal_openpgp_key",
    ),
    Drawer("one_shots", ("password",), "secrets.one_shots", "secrets.reseal_one_shot"),
    Drawer("ssh_keys", ("private_key",), "secrets.ssh_keys", "secrets.reseal_ssh_key"),
    Drawer("kept_answers", ("answer",), "secrets.kept_answers", "secrets.reseal_answer"),
)
"""Everywhere that anything is sealed; a test compares it with the database's columns."""


@dataclass(slots=True)
class Rotation:
    """What a rotation did."""

    resealed: int = 0
    accounts: int = 0
    """Accounts of which a value was resealed."""
    unopened: list[Place] = field(default_factory=list)
    """Values that no key of the ring opens; they are as they were."""
    needed: set[bytes] = field(default_factory=set)
    """Keys beside the sealing one that something may still be sealed with."""
    unneeded: set[bytes] = field(default_factory=set)
    """Keys of the ring that nothing is sealed with."""


async def rotate(database: Database, ring: KeyRing) -> Rotation:
    """Seal everything with the ring's first key. Raises Conflict where another rotation is under way.

    May be repeated at any time; a value that does not open keeps no other from being resealed.
    """
    async with database.work_connection() as connection:
        if not await Session(connection).value("secrets.take_turn"):
            raise Conflict("Another rotation is under way; wait until it has ended, and run this again.")
        return await _rotate(database, ring)


async def _rotate(database: Database, ring: KeyRing) -> Rotation:
    done = Rotation()
    async with database.account(accounts.OPERATOR) as tx:
        await keep(tx, ring)
        for key_id in sorted((await _recorded(tx) | ring.ids) - {ring.sealing_id}):
            await tx.execute("secrets.retire", key_id)
    async for account_id in _account_ids(database):
        before = done.resealed
        for drawer in DRAWERS:
            await _reseal_all(database, ring, account_id, drawer, done)
        done.accounts += done.resealed > before
    async with database.account(accounts.OPERATOR) as tx:
        await tx.execute("secrets.forget", list(done.needed))
        done.needed |= await _recorded(tx) - {ring.sealing_id}
    done.unneeded = set(ring.ids) - done.needed - {ring.sealing_id}
    return done


async def _recorded(tx: Tx) -> set[bytes]:
    return {bytes(row["key_id"]) for row in await tx.fetch("secrets.recorded")}


async def _account_ids(database: Database) -> AsyncIterator[UUID]:
    yield accounts.OPERATOR
    after = None
    while page := await accounts.page(database, after, _PAGE):
        for account in page:
            yield account.id
        after = (page[-1].created_at, page[-1].id)


async def _reseal_all(database: Database, ring: KeyRing, account_id: UUID, drawer: Drawer, done: Rotation) -> None:
    after: UUID | bytes | None = None
    while True:
        async with database.account(account_id, read_only=True) as tx:
            rows = await tx.fetch(drawer.list, account_id, ring.sealing_id, after, _PAGE)
        if not rows:
            return
        for row in rows:
            await _reseal(database, ring, account_id, drawer, row, done)
        after = rows[-1]["row_id"]


async def _reseal(
    database: Database, ring: KeyRing, account_id: UUID, drawer: Drawer, row: Record, done: Rotation
) -> None:
    """One row's values. One that was changed meanwhile was sealed anew by whoever changed it."""
    old = [row[name] for name in drawer.columns]
    new, unopened = [], []
    for name, value in zip(drawer.columns, old, strict=True):
        place = Place(account_id, drawer.table, _row_id(row["row_id"]), name)
        if value is None or sealed_with(value) == ring.sealing_id:
            new.append(value)
            continue
        try:
            new.append(ring.seal(ring.open(value, place), place))
        except (SealBroken, SecretKeyMissing):
            new.append(value)
            unopened.append(place)
            done.needed.add(sealed_with(value))
    done.unopened += unopened
    if new != old:
        async with database.account(account_id) as tx:
            if await tx.execute(drawer.reseal, account_id, row["row_id"], *new, *old):
                done.resealed += sum(one is not other for one, other in zip(new, old, strict=True))


def _row_id(key: UUID | bytes) -> UUID:
    """A row's identity as its values are bound to it: of a digest the first half."""
    return key if isinstance(key, UUID) else UUID(bytes=key[:16])
