"""A place could not be looked at: note it, back off, and tell people once where they must act."""

import structlog

from services.poller.tools import Tools
from shared.domain.failures import (
    AddressRefused,
    Failure,
    HostKeyFailure,
    LoginRefused,
    Permanent,
    UnsupportedKey,
)
from shared.storage import connections, notifications
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx

log = structlog.get_logger()

STOPPING = (HostKeyFailure, LoginRefused, UnsupportedKey, AddressRefused)
"""No blind retry: a refused login tried again and again locks users out, and a changed key is nobody's to ignore."""
LONGEST_PAUSE_SECONDS = 3600.0
TELL_TRANSIENT_AFTER = 5


async def note_failure(tools: Tools, connection: StoredConnection, failure: Failure) -> None:
    """Write the failure down; stop looking where only a person can mend it."""
    tools.metrics.connection_failures.labels(failure.code).inc()
    log.warning("connection.failed", code=failure.code)
    pause = min(connection.settings.interval_seconds * 2**connection.failures_in_a_row, LONGEST_PAUSE_SECONDS)
    async with tools.database.account(connection.account_id) as tx:
        if isinstance(failure, HostKeyFailure) and failure.presented_key:
            await connections.offer_host_key(tx, connection.id, failure.presented_key)
        in_a_row = await connections.looked(tx, connection.id, pause, failed=True)
        if isinstance(failure, STOPPING):
            if await connections.stop(tx, connection.id, failure.code, failure.detail):
                await _tell(tx, connection, failure, "was stopped")
        elif in_a_row == (1 if isinstance(failure, Permanent) else TELL_TRANSIENT_AFTER):
            await _tell(tx, connection, failure, "fails")


async def _tell(tx: Tx, connection: StoredConnection, failure: Failure, what: str) -> None:
    await notifications.raise_(
        tx,
        notifications.News(
            code=failure.code,
            title=f"Connection {connection.settings.name!r} {what}",
            detail=f"{failure.sentence} {failure.detail}".strip(),
            what_to_do=failure.what_to_do,
            connection_id=connection.id,
        ),
    )
