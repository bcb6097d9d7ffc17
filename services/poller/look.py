"""Look at one connection: list its watched directories within a deadline and record what lies there.

The look is held by a lease, so that replicas share the connections and nobody looks twice at once. A failure of the
place is the place's own: it is noted on the connection, told where a person must act, and delays no other.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog

from services.poller.companions import Beside, find_beside
from services.poller.first_key import FirstKey
from services.poller.held import in_blackout
from services.poller.listing import Listed, is_gone, list_watched, slices
from services.poller.record import Watched, conclude, imports_of, record
from services.poller.spot import Seen
from services.poller.tools import Tools
from services.poller.trouble import note_failure
from shared.domain.arrival import FileStamp
from shared.domain.blackout import blackout_until
from shared.domain.connection import Login
from shared.domain.failures import ConnectionLost, Failure, LeaseLost, SecretKeyMissing, StorageUnavailable, Transient
from shared.domain.goal import AnyImport
from shared.domain.place import BuiltInPlace, HostedPlace
from shared.observe.failpoints import reach
from shared.runtime.keeping import kept
from shared.storage import arrivals, connections, leases, uploads
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.uploads import Upload
from shared.transfer.open_folder import open_folder

log = structlog.get_logger()

LOOK_SECONDS = 90.0
"""The whole look, however slow the place is."""
_SOON_SECONDS = 10
"""Until the next look where this one left checksums or manifests unread."""
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Found(Listed):
    """What a look saw.

    `since` and `version` tell whether a person acted during the look: then its end must not undo that.
    """

    since: datetime = _EPOCH
    version: int = 0
    legacy: frozenset[str] | None = None
    """Which legacy algorithms the login took; None where there was none."""
    beside: Beside = field(default_factory=Beside)

    def is_cut(self, goal: AnyImport) -> bool:
        """Whether files of a goal may not have been seen, and are at the next look."""
        # What will not be otherwise then keeps no turn open.
        return goal.source.subdirectories > 0 and isinstance(self.failure, Transient)


async def look(tools: Tools, account_id: UUID, connection_id: UUID) -> bool:
    """Look at a connection whose turn it is; False when another replica does, or it is in a blackout.

    Raises StorageUnavailable, LeaseLost.
    """
    async with tools.database.account(account_id) as tx:
        if not await leases.take_watch(tx, connection_id, tools.worker, tools.lease_seconds):
            return False
        connection = await connections.get(tx, connection_id)
        if await _is_postponed(tx, tools, connection):
            return False
        login = await _login(tx, tools, connection_id)
        watched = await imports_of(tx, connection_id)
        began_at = await arrivals.clock(tx)
    reach("poller.watching")
    with structlog.contextvars.bound_contextvars(account_id=str(account_id), connection_id=str(connection_id)):
        found = Found(since=began_at, version=connection.version)
        async with _held(tools, connection):
            await _list(tools, connection, login, watched, found)
            reach("poller.listed")
            await _record(tools, connection, watched, found, began_at)
        await _end(tools, connection, found)
    return True


async def _is_postponed(tx: Tx, tools: Tools, connection: StoredConnection) -> bool:
    """Whether it is left alone until a blackout has ended; a folder of our own is looked at, and its files wait."""
    until = blackout_until(connection.settings.blackouts, tools.now())
    if until is None or isinstance(connection.settings.place, HostedPlace):
        return False
    await arrivals.wait_all(tx, connection.id, in_blackout(until))
    await connections.wait(tx, connection.id, until)
    await leases.leave_watch(tx, connection.id, tools.worker)
    return True


@asynccontextmanager
async def _held(tools: Tools, connection: StoredConnection) -> AsyncIterator[None]:
    """Keep the lease while inside. It is short, so that another looks soon when this process dies."""

    async def keep() -> None:
        async with tools.database.account(connection.account_id) as tx:
            await leases.keep_watch(tx, connection.id, tools.worker, tools.lease_seconds)

    async with kept(keep, tools.lease_seconds):
        yield


async def _end(tools: Tools, connection: StoredConnection, found: Found) -> None:
    """Note how it went and lay the lease down in one transaction: nobody looks again before that is known."""
    async with tools.database.account(connection.account_id) as tx:
        await _still_ours(tools, tx, connection)
        if found.legacy is not None and sorted(found.legacy) != connection.legacy_algorithms:
            await connections.note_legacy(tx, connection.id, found.legacy)
        if found.failure is None:
            pause = connection.settings.interval_seconds
            if found.beside.is_unread:
                pause = min(pause, _SOON_SECONDS)
            await connections.looked(tx, connection.id, pause, failed=False, since=found.since)
        else:
            await note_failure(tx, connection, found.failure, since=found.since, version=found.version)
        await leases.leave_watch(tx, connection.id, tools.worker)
        reach("poller.leaving")
    outcome = "ok" if found.failure is None else "failed"
    tools.metrics.looks.labels(connection.settings.place.transport, outcome).inc()
    if found.failure is not None:
        tools.metrics.connection_failures.labels(found.failure.code).inc()
        log.warning("connection.failed", code=found.failure.code)


async def _login(tx: Tx, tools: Tools, connection_id: UUID) -> Login | SecretKeyMissing:
    """Read together with its place. A missing key is a failure of the look like any other: told, and backed off."""
    try:
        return await connections.login_of(tx, tools.keys, connection_id)
    except SecretKeyMissing as failure:
        return failure


async def _list(
    tools: Tools, connection: StoredConnection, login: Login | SecretKeyMissing, watched: Watched, found: Found
) -> None:
    if isinstance(login, SecretKeyMissing):
        found.failure = login
        return
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await _list_each(tools, connection, login, watched, found)
    except StorageUnavailable:
        raise
    except TimeoutError:
        found.failure = ConnectionLost(f"the look took longer than {LOOK_SECONDS:.0f} seconds")
    except Failure as failure:
        found.failure = failure


async def _list_each(tools: Tools, connection: StoredConnection, login: Login, watched: Watched, found: Found) -> None:
    first_key = FirstKey(tools, connection)

    async def pin(line: str) -> None:
        await first_key.pin(line)
        found.version = first_key.connection.version
        found.since = first_key.pinned_at or found.since

    place = connection.settings.place
    is_hosted = isinstance(place, HostedPlace)
    if isinstance(place, BuiltInPlace) or (not watched.goals and not is_hosted):
        return

    def note(legacy: frozenset[str]) -> None:
        found.legacy = legacy

    opened = open_folder(place, login, tools.places, account_id=connection.account_id, on_first_key=pin, on_legacy=note)
    async with opened as folder:
        goals = watched.goals
        await list_watched(folder, list(goals.values()), watched.apart, found, makes_missing=is_hosted)
        try:
            found.beside = await find_beside(tools.database, connection, folder, goals, found.listings, found.since)
        except (Failure, asyncio.CancelledError):
            # Without what lies beside files nothing can be said of them: markers would pass for data.
            found.listings.clear()
            raise


async def _record(
    tools: Tools, connection: StoredConnection, watched: Watched, found: Found, began_at: datetime
) -> None:
    """Write down what was seen, in parts, so that a crowd of files keeps nothing else of the connection waiting."""
    listed: set[str] = set()
    known_directories = found.known_directories
    parts = list(slices(found.listings, watched.goals.values()))
    outcomes: Counter[str] = Counter()
    left_over: set[UUID] = set()
    for number, part in enumerate(parts, 1):
        listed.update(each.file.path for each in part)
        async with tools.database.account(connection.account_id) as tx:
            await _still_ours(tools, tx, connection)
            # Before uploads are read: news of them may be written down while this stands in line.
            await arrivals.lock_connection(tx, connection.id)
            seen = await _uploaded_each(tx, connection, part, began_at)
            recorded = await record(tx, connection.id, seen, began_at, found.beside)
            outcomes += recorded.outcomes
            left_over |= recorded.left_over
            if number == len(parts):
                outcomes += await conclude(
                    tx,
                    connection.id,
                    began_at,
                    found,
                    lambda path: path not in listed and is_gone(path, found.listings, known_directories),
                    found.is_cut,
                    left_over,
                )
        reach("poller.sliced")
    for outcome, count in outcomes.items():
        tools.metrics.arrivals.labels(outcome).inc(count)
    if outcomes.total():
        log.info("connection.looked", **outcomes)
        reach("poller.looked")


async def _still_ours(tools: Tools, tx: Tx, connection: StoredConnection) -> None:
    """A poller that was frozen must not write down what it saw before. Raises LeaseLost."""
    if not await leases.keep_watch(tx, connection.id, tools.worker, tools.lease_seconds):
        raise LeaseLost


async def _uploaded_each(tx: Tx, connection: StoredConnection, seen: list[Seen], began_at: datetime) -> list[Seen]:
    """On a hosted folder, each file with its latest upload.

    What was uploaded to its end since the look began is left to its news and to the next look: its listing and what
    was read beside it may be those of the file before, whose size may be the same.
    """
    place = connection.settings.place
    if not isinstance(place, HostedPlace):
        return seen
    latest = await uploads.latest(tx, place.drop_folder_id, [each.file.path for each in seen])
    newer = {path for path, each in latest.items() if each.closed_at is not None and each.closed_at >= began_at}
    return [
        _uploaded(each.file, latest[each.file.path]) if each.file.path in latest else each
        for each in seen
        if each.file.path not in newer
    ]


def _uploaded(file: FileStamp, upload: Upload) -> Seen:
    """A file with its upload. Where the sizes differ somebody has written there since by another way: it is no new one.

    Where they do not, the listing's time counts: a client may have set it in a session after the upload's.
    """
    if upload.state == "closed" and upload.modified_at is not None and upload.size_bytes not in (None, file.size_bytes):
        file = FileStamp(path=file.path, size_bytes=upload.size_bytes, modified_at=upload.modified_at)
    return Seen(file, upload.id, upload.state)
