"""A partner's place does not let us in: what only a person can mend stops the connection, and people are told once.

The same whether it was found by a look, by a trial that a person asked for, or by a run: whoever goes on trying a login
that was refused locks a user out. Nothing here says when a place is looked at again.
"""

from shared.domain.failures import (
    AddressRefused,
    CertificateFailure,
    Failure,
    HostKeyFailure,
    LoginRefused,
    UnsupportedKey,
)
from shared.storage import connections, notifications, pinned_keys
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx

STOPPING = (HostKeyFailure, CertificateFailure, LoginRefused, UnsupportedKey, AddressRefused)
"""No blind retry: a refused login tried again and again locks users out, and a changed key or a
certificate that proves nothing is nobody's to ignore."""


async def note_trial(tx: Tx, connection: StoredConnection, failure: Failure, *, version: int) -> None:
    """Stop the connection where only a person can mend it, unless one has changed it since that version."""
    if isinstance(failure, HostKeyFailure) and failure.presented_key:
        await pinned_keys.offer_host_key(tx, connection.id, failure.presented_key)
    if isinstance(failure, STOPPING) and await connections.stop(
        tx, connection.id, version, failure.code, failure.detail
    ):
        await tell(tx, connection, failure, "was stopped")


async def tell(tx: Tx, connection: StoredConnection, failure: Failure, what: str) -> None:
    """Say what became of a connection, and why."""
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
