"""A place could not be looked at: note it, back off, and tell people once where they must act."""

from datetime import datetime

from shared.domain.failures import Failure, HostBusy, Permanent
from shared.runtime.trouble import STOPPING, note_trial, tell
from shared.storage import connections
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx

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
        await tell(tx, connection, failure, "fails")
