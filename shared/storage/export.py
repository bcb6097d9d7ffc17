"""Profiles for an export, streamed from a snapshot. Reads only."""

from collections.abc import AsyncIterator, Sequence

from shared.domain.property import Property
from shared.storage import columns
from shared.storage.database import Record, Tx
from shared.storage.errors import translated
from shared.storage.statements import statement

BATCH_ROWS = 20_000


async def profiles(tx: Tx, chosen: Sequence[Property], domain_group: int) -> AsyncIterator[list[Record]]:
    """The chosen properties of every profile, in batches, in the order chosen. `tx` must be a snapshot."""
    text = statement("export.select_profiles").replace(
        "{columns}", columns.listed((each.column for each in chosen), "p")
    )
    with translated():
        cursor = await tx.connection.cursor(text.replace("{schema}", tx.schema), domain_group)
        while rows := await cursor.fetch(BATCH_ROWS):
            yield rows
