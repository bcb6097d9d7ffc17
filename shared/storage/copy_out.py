"""Carry out a selection: COPY ... TO STDOUT from a snapshot, in blocks of whole lines. Reads only.

The text is COPY's own (https://www.postgresql.org/docs/15/sql-copy.html, "Text Format"): every value exactly as
PostgreSQL writes it, so that no number goes through a float and no date through a calendar that ends. In it a line end
is always a row's end. Whoever takes a block is waited for, and the database with it: memory is bounded by the block, or
by a row that is larger.
"""

from collections.abc import Awaitable, Callable

from shared.storage.database import Tx
from shared.storage.errors import translated
from shared.storage.selections.selection import Counted, Selection

BLOCK_BYTES = 4 << 20

Take = Callable[[bytes], Awaitable[None]]


async def copy_out(tx: Tx, selection: Selection, take: Take, *, block_bytes: int = BLOCK_BYTES) -> None:
    """Hand the selection's rows to `take`, block by block, as COPY writes them. `tx` must be a snapshot.

    Raises what the database raises, and what `take` raises: then the connection is of no more use.
    """
    lines = _Lines(take, block_bytes)
    text = selection.text.replace("{schema}", tx.schema)
    with translated():
        await tx.connection.copy_from_query(text, *selection.parameters, output=lines.add, format="text")
    await lines.rest()


async def counted(tx: Tx, what: Counted) -> int:
    """How many rows a selection holds back. `tx` must be the same snapshot."""
    with translated():
        return int(await tx.connection.fetchval(what.text.replace("{schema}", tx.schema), *what.parameters))


class _Lines:
    """Gathers what the driver hands over, until it makes a block."""

    def __init__(self, take: Take, block_bytes: int) -> None:
        self._take = take
        self._block_bytes = block_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    async def add(self, piece: bytes) -> None:
        """One piece, of whatever size."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size < self._block_bytes:
            return
        end = piece.rfind(b"\n") + 1
        if end:
            block = b"".join([*self._pieces[:-1], piece[:end]])
            self._pieces, self._size = [piece[end:]], len(piece) - end
            await self._take(block)

    async def rest(self) -> None:
        """What is left at the end."""
        if self._size:
            await self._take(b"".join(self._pieces))
