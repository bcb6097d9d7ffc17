"""From a snapshot of the profiles to a finished file in the local spool: select, then format.

Nothing goes to the partner before the whole file lies here. The snapshot is one moment of the database.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import BinaryIO

from services.exporter.order import Order
from shared.formats.csv_writer import CsvWriter
from shared.formats.typed_text import TypedText
from shared.runtime.desk import Desk
from shared.storage import export
from shared.storage.database import Record, Tx


async def spool_profiles(tx: Tx, order: Order, spool: Path, desk: Desk) -> tuple[int, str]:
    """Write every profile of the goal to the spool; how many there were, and the file's SHA-256."""
    formatter = _Formatter(order)
    digest = hashlib.sha256()
    rows = 0
    with spool.open("xb") as file:
        _keep(file, digest, formatter.header())
        async for batch in export.profiles(tx, [each for _, each in order.columns], order.domain_group):
            await asyncio.to_thread(_format, formatter, batch, file, digest)
            rows += len(batch)
            desk.advance(rows=len(batch))
    return rows, digest.hexdigest()


class _Formatter:
    """Rows of the database to bytes of the file."""

    def __init__(self, order: Order) -> None:
        dialect = order.goal.dialect
        self._header = [header for header, _ in order.columns] if dialect.has_header else None
        self._texts = TypedText(dialect, [each.type for _, each in order.columns])
        self._writer = CsvWriter(dialect)

    def header(self) -> bytes:
        """The first line, if the dialect has one."""
        return b"" if self._header is None else self._writer.rows([self._header])

    def rows(self, batch: list[Record]) -> bytes:
        """The lines of a batch."""
        return self._writer.rows(self._texts.row(tuple(row)) for row in batch)


def _format(formatter: _Formatter, batch: list[Record], file: BinaryIO, digest: "hashlib._Hash") -> None:
    _keep(file, digest, formatter.rows(batch))


def _keep(file: BinaryIO, digest: "hashlib._Hash", content: bytes) -> None:
    file.write(content)
    digest.update(content)
