"""Look at one connection: list its watched directories within a deadline and record what lies there.

The look is held by a lease, so that replicas share the connections and nobody looks twice at once. A failure of the
place is the place's own: it is noted on the connection, told where a person must act, and delays no other.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog

from services.poller.record import active_imports, record
from services.poller.spot import Seen
from services.poller.tools import Tools
from services.poller.trouble import note_failure
from shared.domain.arrival import FileStamp
from shared.domain.connection import HostedPlace, Login
from shared.domain.failures import ConnectionLost, Failure, StorageUnavailable
from shared.domain.names import joined
from shared.storage import arrivals, connections, leases, uploads
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.transfer.folder import Folder, Listing
from shared.transfer.open_folder import open_folder

log = structlog.get_logger()

LOOK_SECONDS = 90.0
"""The whole look, however slow the place is; the lease is longer."""
LEASE_SECONDS = 150.0
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Found:
    """What a look saw: a listing a directory, and the first failure that left a directory out."""

    listings: dict[str, Listing] = field(default_factory=dict)
    failure: Failure | None = None


async def look(tools: Tools, account_id: UUID, connection_id: UUID) -> bool:
    """Look at a connection whose turn it is; False when another replica does. Raises StorageUnavailable."""
    async with tools.database.account(account_id) as tx:
        if not await leases.take_watch(tx, connection_id, tools.worker, LEASE_SECONDS):
            return False
        connection = await connections.get(tx, connection_id)
        login = await connections.login_of(tx, tools.keys, connection_id)
        directories = {goal.source.directory for goal in (await active_imports(tx, connection_id)).values()}
        began_at = await arrivals.clock(tx)
    with structlog.contextvars.bound_contextvars(account_id=str(account_id), connection_id=str(connection_id)):
        found = await _list(tools, connection, login, directories)
        await _record(tools, connection, found, began_at)
        if found.failure is not None:
            await note_failure(tools, connection, found.failure)
    return True


async def _list(tools: Tools, connection: StoredConnection, login: Login, directories: set[str]) -> Found:
    found = Found()
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await _list_each(tools, connection, login, directories, found)
    except StorageUnavailable:
        raise
    except TimeoutError:
        found.failure = ConnectionLost(f"the look took longer than {LOOK_SECONDS:.0f} seconds")
    except Failure as failure:
        found.failure = failure
    return found


async def _list_each(
    tools: Tools, connection: StoredConnection, login: Login, directories: set[str], found: Found
) -> None:
    async def pin(line: str) -> None:
        async with tools.database.account(connection.account_id) as tx:
            await connections.pin_host_key(tx, connection.id, line)
        log.info("host_key.pinned_on_first_use")

    place = connection.settings.place
    is_hosted = isinstance(place, HostedPlace)
    if not directories and not is_hosted:
        return
    opened = open_folder(place, login, tools.places, account_id=connection.account_id, on_first_key=pin)
    async with opened as folder:
        for directory in sorted(directories or {""}):
            await _list_one(folder, directory, found, is_hosted=is_hosted)


async def _list_one(folder: Folder, directory: str, found: Found, *, is_hosted: bool) -> None:
    """One directory; a partner's that is missing or closed to us keeps no other from being listed."""
    try:
        if is_hosted and directory:
            await folder.make_directory(directory)
        found.listings[directory] = await folder.list(directory)
    except ConnectionLost:
        raise
    except Failure as failure:
        found.failure = found.failure or failure


async def _record(tools: Tools, connection: StoredConnection, found: Found, began_at: datetime) -> None:
    async with tools.database.account(connection.account_id) as tx:
        seen = await _seen(tx, connection, found)
        outcomes = await record(tx, connection.id, seen, began_at, directories=found.listings)
        if found.failure is None:
            await connections.looked(tx, connection.id, connection.settings.interval_seconds, failed=False)
        await leases.leave_watch(tx, connection.id, tools.worker)
    for outcome, count in outcomes.items():
        tools.metrics.arrivals.labels(outcome).inc(count)
    if outcomes.total():
        log.info("connection.looked", **outcomes)
    transport = connection.settings.place.transport
    tools.metrics.looks.labels(transport, "ok" if found.failure is None else "failed").inc()


async def _seen(tx: Tx, connection: StoredConnection, found: Found) -> list[Seen]:
    place = connection.settings.place
    latest = await uploads.latest(tx, place.drop_folder_id) if isinstance(place, HostedPlace) else {}
    seen = []
    for directory, listing in found.listings.items():
        for file in listing.files:
            upload = latest.get(file.path)
            seen.append(Seen(file, upload.id, upload.state) if upload else Seen(file))
        for refused in listing.refused:
            nameless = FileStamp(path=joined(directory, refused.shown), size_bytes=0, modified_at=_EPOCH)
            seen.append(Seen(nameless, refused=refused.reason))
    return seen
