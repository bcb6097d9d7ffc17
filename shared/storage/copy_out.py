"""Carry out a selection: COPY ... TO STDOUT from a snapshot, in blocks of whole lines. Reads only.

The text is COPY's own (https://www.postgresql.org/docs/15/sql-copy.html, "Text Format"): every value exactly as
PostgreSQL writes it, so that no number goes through a float and no date through a calendar that ends. In it a line end
is always a row's end. Whoever takes a block is waited for, and the database with it: memory is bounded by the block, or
by a row that is larger.
"""

import re
from collections.abc import Awaitable, Callable, Sequence

from shared.domain.failures import InvalidGoal
from shared.storage.database import Tx
from shared.storage.errors import translated
from shared.storage.selections.selection import Counted, Selection
from shared.storage.statements import statement

BLOCK_BYTES = 4 << 20
PARAMETERS_AT_ONCE = 1_000
"""A row has at most 1,664 columns."""
MOST_PARAMETERS = 30_000
"""Of one selection: a statement has 16 bits for their number, of which the driver uses 15."""
_PARAMETER = re.compile(r"\$(\d+)\b")

Take = Callable[[bytes], Awaitable[None]]


async def copy_out(tx: Tx, selection: Selection, take: Take, *, block_bytes: int = BLOCK_BYTES) -> None:
    """Hand the selection's rows to `take`, block by block, as COPY writes them. `tx` must be a snapshot.

    Raises InvalidGoal where the selection compares with too many values; and what the database raises, and what `take`
    raises: then the connection is of no more use.
    """
    lines = _Lines(take, block_bytes)
    text = selection.text.replace("{schema}", tx.schema)
    with translated():
        text = await _written_out(tx, text, selection.parameters)
        await tx.connection.copy_from_query(text, output=lines.add, format="text")
    await lines.rest()


async def counted(tx: Tx, what: Counted) -> int:
    """How many rows a selection holds back. `tx` must be the same snapshot."""
    with translated():
        return int(await tx.connection.fetchval(what.text.replace("{schema}", tx.schema), *what.parameters))


async def _written_out(tx: Tx, text: str, parameters: Sequence[object]) -> str:
    """The statement with its parameters in their places, as literals that PostgreSQL itself wrote: COPY takes none.

    The driver's own way asks for all of them in one row, too few for what segments may ask. Raises InvalidGoal.
    """
    if not parameters:
        return text
    if len(parameters) > MOST_PARAMETERS:
        asked = f"Found {len(parameters)} values to compare with, expected {MOST_PARAMETERS} at most"
        raise InvalidGoal(f"{asked}: show fewer segments, or segments that ask less.")
    prepared = await tx.connection.prepare(text)
    types = [f'"{each.schema}"."{_type_name(each.name)}"' for each in prepared.get_parameters()]
    literal, together = statement("selections.literal"), statement("selections.literals")
    literals: list[str] = []
    for begin in range(0, len(parameters), PARAMETERS_AT_ONCE):
        some = parameters[begin : begin + PARAMETERS_AT_ONCE]
        columns = [
            literal.replace("{number}", str(number)).replace("{type}", kind)
            for number, kind in enumerate(types[begin : begin + len(some)], start=1)
        ]
        row = await tx.connection.fetchrow(together.replace("{literals}", ", ".join(columns)), *some)
        assert row is not None
        literals += row.values()
    return _PARAMETER.sub(lambda found: literals[int(found[1]) - 1], text)


def _type_name(name: str) -> str:
    """As the catalogue has it: an array's begins with a low line."""
    return f"_{name[:-2]}" if name.endswith("[]") else name


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
