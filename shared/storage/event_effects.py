"""What follows from events that were written: suppressed profiles, and exports that wait for the last response.

Asked at the end of a transaction that wrote events, of those alone. Writes nothing itself.
"""

from datetime import UTC, datetime
from uuid import UUID

from shared.domain.consent import Suppression
from shared.storage import consent, dues, events
from shared.storage.database import Tx


async def take_effect(tx: Tx, *, run_id: UUID | None, source: str) -> dict[Suppression, int]:
    """Let events do what they do; how many profiles that suppressed, by reason. As `consent.suppress`."""
    await dues.responded(tx, await events.responded(tx), datetime.now(UTC))
    return await consent.suppress(tx, run_id=run_id, source=source)
