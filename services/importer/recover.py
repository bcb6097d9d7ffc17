"""The rows that the merge rejected, with their fields as they were read: a second pass over the file.

Part by part, because a million rows may be rejected for one profile's sum.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from services.importer.order import Order
from shared.domain.reject import Reject
from shared.formats.csv_reader import RecordFetcher, open_text
from shared.storage.merge import LateReject

Result = TypeVar("Result")


async def recovered(
    file: Path, order: Order, late: AsyncIterator[list[LateReject]], *, max_unpacked_bytes: int
) -> AsyncGenerator[list[Reject], None]:
    """The rejects of these rows, in the order of the file. Close it where it is not read to its end."""
    dialect = order.goal.dialect
    with open_text(file, dialect, compression=order.goal.unpack.compression, max_bytes=max_unpacked_bytes) as source:
        fetcher = await _in_thread(RecordFetcher, source, dialect)
        async for part in late:
            yield await _in_thread(_fetched, fetcher, part)


async def _in_thread(work: Callable[..., Result], *given: object) -> Result:
    working = asyncio.ensure_future(asyncio.to_thread(work, *given))
    try:
        return await asyncio.shield(working)
    finally:
        # Whoever is cancelled waits until the thread has let go of the file.
        await asyncio.wait([working])


def _fetched(fetcher: RecordFetcher, late: list[LateReject]) -> list[Reject]:
    rows = fetcher.rows([each.record_number for each in late])
    return [
        Reject(
            record_number=row.record_number,
            line_number=row.line_number,
            code=reject.code,
            field=reject.field,
            raw=row.fields,
        )
        for row, reject in zip(rows, late, strict=True)
    ]
