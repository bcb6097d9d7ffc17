"""The rows that the merge rejected, with their fields as they were read: a second pass over the file.

Part by part, because a million rows may be rejected for one profile's sum.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import islice
from pathlib import Path

from services.importer.order import Order
from shared.domain.reject import Reject
from shared.formats.csv_reader import fetch_records, open_text
from shared.storage.merge import LateReject

PART_ROWS = 5_000


async def recovered(
    file: Path, order: Order, late: Sequence[LateReject], *, max_unpacked_bytes: int
) -> AsyncGenerator[list[Reject], None]:
    """The rejects of these rows, in the order of the file. Close it where it is not read to its end."""
    rows = _read_again(file, order, late, max_unpacked_bytes)
    while True:
        reading = asyncio.ensure_future(asyncio.to_thread(_part, rows))
        try:
            part = await asyncio.shield(reading)
        finally:
            # Whoever is cancelled waits until the thread has let go of the file.
            await asyncio.wait([reading])
        if not part:
            return
        yield part


def _part(rows: Iterator[Reject]) -> list[Reject]:
    return list(islice(rows, PART_ROWS))


def _read_again(file: Path, order: Order, late: Sequence[LateReject], max_bytes: int) -> Iterator[Reject]:
    by_number = {each.record_number: each for each in late}
    dialect = order.goal.dialect
    with open_text(file, dialect, compression=order.goal.unpack.compression, max_bytes=max_bytes) as source:
        for row in fetch_records(source, dialect, sorted(by_number)):
            reject = by_number[row.record_number]
            yield Reject(
                record_number=row.record_number,
                line_number=row.line_number,
                code=reject.code,
                field=reject.field,
                raw=row.fields,
            )
