"""A place could not be looked at: note it, back off, and tell people once where they must act."""

from datetime import datetime

from shared.domain.failures import (
    AddressRefused,
    CertificateFailure,
    Failure,
    HostBusy,
    HostKeyFailure,
    LoginRefused,
    Permanent,
    UnsupportedKey,
)
from shared.storage import connections, notifications
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx

STOPPING = (HostKeyFailure, CertificateFailure, LoginRefused, UnsupportedKey, AddressRefused)
"""No blind retry: a refused login tried again and again locks users out, and a changed key or a
certificate that proves nothing is nobody's to ignore."""
LONGEST_PAUSE_SECONDS = 3600.0
TELL_TRANSIENT_AFTER = 5


async def note_failure(
    tx: Tx, connection: StoredConnection, failure: Failure, *, since: datetime, version: int
) -> None:
    """Write the failure down; stop looking where only a person can mend it, unless one did so during the look."""
    if isinstance(failure, HostBusy):
        # Others of ours are at work there: nothing is wrong with the place, and its next turn is no later for it.
        await connections.put_off(tx, connection.id, connection.settings.interval_seconds, since=since)
        return
    pause = min(connection.settings.interval_seconds * 2**connection.failures_in_a_row, LONGEST_PAUSE_SECONDS)
    in_a_row = await connections.looked(tx, connection.id, pause, failed=True, since=since)
    await note_trial(tx, connection, failure, version=version)
    told_after = 1 if isinstance(failure, Permanent) else TELL_TRANSIENT_AFTER
    if not isinstance(failure, STOPPING) and in_a_row == told_after:
        await _tell(tx, connection, failure, "fails")


async def note_trial(tx: Tx, connection: StoredConnection, failure: Failure, *, version: int) -> None:
    """What was found when the place was opened: the same whether it was looked at, or a person had it tried.

    A look behind a trial whose login was refused would be the next refused login.
    """
    if isinstance(failure, HostKeyFailure) and failure.presented_key:
        await connections.offer_host_key(tx, connection.id, failure.presented_key)
    if isinstance(failure, STOPPING) and await connections.stop(
        tx, connection.id, version, failure.code, failure.detail
    ):
        await _tell(tx, connection, failure, "was stopped")


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
