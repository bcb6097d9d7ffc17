"""Connections: their settings, their sealed secrets, and whose turn it is to be looked at. Writes `connections`.

A secret goes in and comes out only as a `Login` for who logs in; nothing else here returns one. Changing settings
means that a person has acted: a stopped connection is looked at again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

import asyncpg

from shared.domain.blackout import blackout_until
from shared.domain.connection import ConnectionSettings, Login
from shared.domain.failures import (
    AlreadyExists,
    InvalidRequest,
    LoginRefused,
    ManualConnection,
    NotFound,
    OneShotConnection,
)
from shared.domain.place import (
    BuiltInPlace,
    DirectoryPlace,
    DropPlace,
    HostedPlace,
    ManualPlace,
    OneShotPlace,
    SftpPlace,
)
from shared.domain.schedule import AtTimes, next_of
from shared.domain.timetable import judged_since, unwatched
from shared.storage import claims, expectations, inquiries, ssh_keys
from shared.storage.database import Record, Session, Tx
from shared.storage.secrets import KeyRing, Place, keep

SecretName = Literal["password", "private_key", "passphrase"]
SecretChanges = Mapping[SecretName, str | None]
"""Secrets to set, or with None to take away; what is not named stays as it is."""

_SECRETS: tuple[SecretName, ...] = ("password", "private_key", "passphrase")


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """A connection as it is stored, but for its secrets."""

    id: UUID
    account_id: UUID
    settings: ConnectionSettings
    version: int
    has_password: bool
    has_private_key: bool
    has_passphrase: bool
    stopped_code: str | None
    stopped_detail: str | None
    offered_host_key: str | None
    """What the server showed and nobody has accepted yet, in OpenSSH's one-line format."""
    legacy_algorithms: list[str]
    """Which the last login took (shared/domain/legacy.py)."""
    failures_in_a_row: int
    looked_at: datetime | None
    next_look_at: datetime
    round_due_at: datetime | None
    """When all its active goals are next carried out in order."""
    created_at: datetime
    created_by_email: str | None
    deleted_at: datetime | None

    @property
    def is_built_in(self) -> bool:
        """Whether it was made for imports that clients ask for."""
        return isinstance(self.settings.place, BuiltInPlace)

    @property
    def drop_place(self) -> DropPlace:
        """The place with its drop folder. Raises ManualConnection, OneShotConnection."""
        place = self.settings.place
        if isinstance(place, ManualPlace):
            raise ManualConnection
        if isinstance(place, OneShotPlace):
            raise OneShotConnection
        return place

    def require_settable(self) -> None:
        """Raises ManualConnection and OneShotConnection for built-in connections, which nobody sets or looks at."""
        self.drop_place  # noqa: B018 it is asked for what it raises

    def require_removable(self) -> None:
        """Raises ManualConnection. What was pinned of a one-shot import's server goes with its connection."""
        if isinstance(self.settings.place, ManualPlace):
            raise ManualConnection


async def create(
    tx: Tx, ring: KeyRing, settings: ConnectionSettings, secrets: SecretChanges, *, email: str | None
) -> StoredConnection:
    """Add a connection. Raises AlreadyExists and InvalidRequest for a hosted folder that is taken or not there."""
    connection_id = uuid4()
    sealed = {name: _sealed(tx, ring, connection_id, name, secrets.get(name)) for name in _SECRETS}
    await _hold_folder(tx, settings)
    await _hold_ssh_key(tx, settings)
    await _require_allowed(tx, settings)
    with _folder_is_free():
        await tx.execute(
            "connections.insert",
            tx.account_id,
            connection_id,
            _stored(settings),
            _drop_folder_of(settings),
            settings.active,
            email,
            sealed["password"],
            sealed["private_key"],
            sealed["passphrase"],
        )
    if settings.when:
        await _plan_round(tx, connection_id, settings.when, datetime.now(UTC))
    if any(sealed.values()):
        await keep(tx, ring)
    return await get(tx, connection_id)


async def get(tx: Tx, connection_id: UUID, *, even_deleted: bool = False) -> StoredConnection:
    """One connection. Raises NotFound."""
    return _connection(tx, await tx.row("connections.get", tx.account_id, connection_id), even_deleted=even_deleted)


async def lock(tx: Tx, connection_id: UUID) -> StoredConnection:
    """One connection, held until the transaction ends. Raises NotFound."""
    return _connection(tx, await tx.row("connections.lock", tx.account_id, connection_id))


@dataclass(frozen=True, slots=True)
class ConnectionFilter:
    """Which connections a list shows; None is any. `after` is the (created_at, id) of the last one seen."""

    name: str | None = None
    is_active: bool | None = None
    is_stopped: bool | None = None
    transport: str | None = None
    drop_folder_id: UUID | None = None
    after: tuple[datetime, UUID] | None = None


async def page(tx: Tx, chosen: ConnectionFilter, limit: int) -> list[StoredConnection]:
    """The account's connections, oldest first."""
    created_at, connection_id = chosen.after or (None, None)
    rows = await tx.fetch(
        "connections.page",
        tx.account_id,
        chosen.name,
        chosen.is_active,
        chosen.is_stopped,
        chosen.transport,
        chosen.drop_folder_id,
        created_at,
        connection_id,
        limit,
    )
    return [_connection(tx, row) for row in rows]


async def open_runs(tx: Tx, connection_id: UUID) -> int:
    """How many runs of a connection have not ended."""
    return int(await tx.value("connections.open_runs", tx.account_id, connection_id))


async def delete(tx: Tx, connection_id: UUID) -> None:
    """Take a connection away with its secrets; its runs and arrivals stay. The caller holds it by `lock`."""
    await tx.execute("connections.delete", tx.account_id, connection_id)


async def take_round(tx: Tx, connection_id: UUID, now: datetime) -> StoredConnection | None:
    """A connection whose time has come to have its goals carried out in order, and when it comes next is noted.

    Times that passed while nobody looked are one. None where another has taken it, or it is in a blackout: then it is
    due at the end of that.
    """
    row = await tx.row("connections.hold_due", tx.account_id, connection_id, now)
    if row is None:
        return None
    found = await get(tx, connection_id, even_deleted=True)
    until = blackout_until(found.settings.blackouts, now)
    if until is not None and found.settings.active:
        await tx.execute("connections.set_round", tx.account_id, connection_id, until)
        return None
    await _plan_round(tx, connection_id, () if found.deleted_at else found.settings.when, now)
    return found


async def wait(tx: Tx, connection_id: UUID, until: datetime) -> None:
    """Its turn to be looked at does not come before then."""
    await tx.execute("connections.wait", tx.account_id, connection_id, until)


async def rounds_due(watch: Session, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """(account, connection) whose goals are to be carried out in order, those first that were due first."""
    rows = await watch.fetch("connections.rounds_due", now, limit)
    return [(row["account_id"], row["connection_id"]) for row in rows]


async def _plan_round(tx: Tx, connection_id: UUID, when: Sequence[AtTimes], now: datetime) -> None:
    await tx.execute("connections.set_round", tx.account_id, connection_id, next_of(when, now))


async def update(
    tx: Tx, ring: KeyRing, connection_id: UUID, settings: ConnectionSettings, secrets: SecretChanges
) -> StoredConnection:
    """Give a connection other settings and secrets: a new version, looked at again. Raises NotFound."""
    stored = await lock(tx, connection_id)
    if settings.place != stored.settings.place:
        # What was allowed once and is no more can still be switched off, or be given another name.
        await _require_allowed(tx, settings)
    await save(tx, connection_id, settings)
    if stored.settings.when != settings.when:
        await _plan_round(tx, connection_id, settings.when, datetime.now(UTC))
    await claims.let_go(tx, connection_id=connection_id)
    if not settings.active:
        await inquiries.call_off(tx, connection_id)
    if settings.active and not stored.settings.active:
        await expectations.begin_anew(tx, connection_id=connection_id)
    elif unwatched(settings) != unwatched(stored.settings):
        since = judged_since(unwatched(stored.settings), unwatched(settings), datetime.now(UTC))
        await expectations.begin_anew(tx, connection_id=connection_id, since=since)
    for name, secret in secrets.items():
        sealed = _sealed(tx, ring, connection_id, name, secret)
        await tx.execute(f"connections.set_{name}", tx.account_id, connection_id, sealed)
    if any(secrets.values()):
        await keep(tx, ring)
    return await get(tx, connection_id)


async def login_of(tx: Tx, ring: KeyRing, connection_id: UUID) -> Login:
    """What lets us in at the connection's place. Raises NotFound, SecretKeyMissing; SealBroken for damage."""
    row = await tx.row("connections.sealed", tx.account_id, connection_id)
    if row is None:
        raise NotFound
    key_id = row["ssh_key_id"]
    return Login(
        **{
            name: None if row[name] is None else ring.open(bytes(row[name]), _place(tx, connection_id, name))
            for name in _SECRETS
        },
        ssh_key=None if key_id is None else await ssh_keys.take(tx, ring, key_id),
        local_directories=tuple(row["local_directories"]),
    )


async def of_drop_folder(tx: Tx, drop_folder_id: UUID) -> UUID | None:
    """The connection through which a hosted folder is watched."""
    connection_id: UUID | None = await tx.value("connections.of_drop_folder", tx.account_id, drop_folder_id)
    return connection_id


# Looking.


async def stop(tx: Tx, connection_id: UUID, version: int, code: str, detail: str) -> bool:
    """Look no more until a person acts; whether this is news (then notify).

    Nothing happens where the connection is no longer at that version: a person has mended it while we looked.
    """
    return await tx.row("connections.stop", tx.account_id, connection_id, code, detail, version) is not None


async def resume(tx: Tx, connection_id: UUID, version: int) -> None:
    """Look again, at once, where the connection is still at the version that was tried."""
    await tx.execute("connections.resume", tx.account_id, connection_id, version)


async def resume_alike(tx: Tx, ring: KeyRing, accepted: StoredConnection, login: Login) -> None:
    """A login was accepted: look again, at once, at connections that the very same one had stopped.

    A hundred at most, which is more than share a login. Raises SecretKeyMissing; SealBroken for damage.
    """
    for row in await tx.fetch("connections.refused", tx.account_id, accepted.id, LoginRefused.code):
        other = await get(tx, row["connection_id"])
        if other.settings.place.whom == accepted.settings.place.whom and await login_of(tx, ring, other.id) == login:
            await resume(tx, other.id, other.version)


async def due(watch: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """Connections whose turn it is and that no poller holds: (account, connection), the longest waiting first."""
    return [(row["account_id"], row["connection_id"]) for row in await watch.fetch("connections.due", limit)]


async def looked(tx: Tx, connection_id: UUID, next_in_seconds: float, *, failed: bool, since: datetime) -> int:
    """A look is over that was begun at `since`; how many have failed in a row now."""
    row = await tx.value("connections.looked", tx.account_id, connection_id, next_in_seconds, failed, since)
    return int(row or 0)


async def put_off(tx: Tx, connection_id: UUID, seconds: float, *, since: datetime) -> None:
    """A look that was to begin at `since` could not, for no fault of the connection's; the next one is due then."""
    await tx.execute("connections.put_off", tx.account_id, connection_id, seconds, since)


async def look_after(tx: Tx, connection_id: UUID, seconds: float) -> None:
    """Make it nobody's turn before it was tried, so that a wrong password is shown to its server once and not twice."""
    await tx.execute("connections.look_after", tx.account_id, connection_id, seconds)


async def note_legacy(tx: Tx, connection_id: UUID, found: Iterable[str]) -> None:
    """Note which legacy algorithms a login took."""
    await tx.execute("connections.note_legacy", tx.account_id, connection_id, sorted(found))


async def look_now(tx: Tx, connection_id: UUID) -> None:
    """Make it the connection's turn."""
    await tx.execute("connections.look_now", tx.account_id, connection_id)


async def save(tx: Tx, connection_id: UUID, settings: ConnectionSettings) -> None:
    """Note the settings of a connection that the caller holds, as a new version: nothing else follows from them."""
    await _hold_folder(tx, settings)
    await _hold_ssh_key(tx, settings)
    with _folder_is_free():
        await tx.execute(
            "connections.update",
            tx.account_id,
            connection_id,
            _stored(settings),
            _drop_folder_of(settings),
            # Of who is looked at: nobody looks at those that are built in.
            settings.active and not isinstance(settings.place, BuiltInPlace),
        )


async def _hold_folder(tx: Tx, settings: ConnectionSettings) -> None:
    folder_id = _drop_folder_of(settings)
    if folder_id is not None and await tx.row("connections.hold_folder", tx.account_id, folder_id) is None:
        raise InvalidRequest("The account has no such drop folder.")


async def _require_allowed(tx: Tx, settings: ConnectionSettings) -> None:
    """Raises InvalidRequest where the account may not use the local directory."""
    place = settings.place
    if not isinstance(place, DirectoryPlace):
        return
    allowed = await tx.value("connections.local_directories", tx.account_id)
    if place.root not in allowed:
        shown = ", ".join(sorted(allowed)) or "none"
        raise InvalidRequest(
            f"The account may not use a local directory called {place.root!r}; it may use: {shown}. The operator says "
            "so with local_directories of PATCH /v1/accounts/{id}."
        )


async def _hold_ssh_key(tx: Tx, settings: ConnectionSettings) -> None:
    if isinstance(settings.place, SftpPlace) and settings.place.ssh_key_id is not None:
        await ssh_keys.hold(tx, settings.place.ssh_key_id)


@contextmanager
def _folder_is_free() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise AlreadyExists("Another connection watches this drop folder already.") from error


def _stored(settings: ConnectionSettings) -> dict[str, object]:
    return settings.model_dump(mode="json", by_alias=True)


def _drop_folder_of(settings: ConnectionSettings) -> UUID | None:
    return settings.place.drop_folder_id if isinstance(settings.place, HostedPlace) else None


def _place(tx: Tx, connection_id: UUID, name: SecretName) -> Place:
    return Place(tx.account_id, "connections", connection_id, name)


def _sealed(tx: Tx, ring: KeyRing, connection_id: UUID, name: SecretName, secret: str | None) -> bytes | None:
    return None if secret is None else ring.seal(secret, _place(tx, connection_id, name))


def _connection(tx: Tx, row: Record | None, *, even_deleted: bool = False) -> StoredConnection:
    if row is None or (row["deleted_at"] is not None and not even_deleted):
        raise NotFound
    facts = dict(row)
    settings = ConnectionSettings.model_validate(facts.pop("settings"))
    return StoredConnection(id=facts.pop("connection_id"), account_id=tx.account_id, settings=settings, **facts)


async def stopped(watch: Session) -> dict[str, int]:
    """How many active connections wait for a person, by code."""
    return {row["stopped_code"]: row["connections"] for row in await watch.fetch("connections.stopped")}
