"""From a snapshot of the database to finished files in the local spool: select, process and format, file by file.

Nothing goes to the partner before all files lie here whole. One thread formats a block while the next one comes.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from services.exporter.remember import Remembered
from shared.domain.export_goal import ExportGoal
from shared.formats.packing.piece import Piece
from shared.formats.packing.pieces import Pieces
from shared.runtime.desk import Desk
from shared.runtime.table_text import TableText, Tally, Told
from shared.runtime.workspace import has_room
from shared.storage.copy_out import copy_out, counted
from shared.storage.database import Tx
from shared.storage.selections.selection import Selection


@dataclass(frozen=True, slots=True)
class Spooled:
    """What was selected for one file, whole, in the local spool: one piece, or as many as the goal splits it into."""

    part: str
    pieces: tuple[Piece, ...]
    tally: Tally
    header: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spool:
    """All files of a run."""

    files: Sequence[Spooled]
    """The main one first."""
    told: Told
    """Whose rows are in them."""
    remembered: Remembered | None
    """What the goal's next export goes by, once these are delivered."""

    @property
    def main(self) -> Spooled:
        """The file that the goal is named after."""
        return self.files[0]


async def spool(tx: Tx, selection: Selection, goal: ExportGoal, path: Path, told: Told, desk: Desk) -> Spooled:
    """Write the selected rows to new files, and note in `told` whose they are. `tx` must be a snapshot.

    Raises UnwritableValue, InvalidGoal, TooManyPieces, DiskFull.
    """
    # One thread for the whole file: the memory allocator keeps what a thread gives back for that thread.
    with (
        # Told here: to the database's side a failing disk is a failing connection.
        has_room(),
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="formatting") as thread,
        TableText(selection, goal, told, scratch=path.parent) as text,
        Pieces(path, text.head, goal.split) as pieces,
    ):
        for each in selection.held_back:
            text.tally.held_back[each.reason] += await counted(tx, each)
        if text.looks_first:
            await _worked(tx, selection, text.look, thread)
            text.seen_all()

        def write(block: bytes) -> None:
            for frame in text.frames(block):
                pieces.keep(frame.height, lambda at, rows, frame=frame: text.lines(frame.slice(at, rows)))  # type: ignore[misc]  # bound at once
                desk.advance(rows=frame.height)

        await _worked(tx, selection, write, thread)
        return Spooled(selection.part, pieces.finish(), text.tally, text.header)


async def _worked(tx: Tx, selection: Selection, work: Callable[[bytes], None], thread: ThreadPoolExecutor) -> None:
    """Have all blocks of a selection worked on, one after the other, each while the next one comes."""
    loop = asyncio.get_running_loop()
    working: asyncio.Future[None] | None = None

    async def take(block: bytes) -> None:
        nonlocal working
        if working is not None:
            await asyncio.shield(working)
        working = loop.run_in_executor(thread, work, block)

    try:
        await copy_out(tx, selection, take)
        if working is not None:
            await asyncio.shield(working)
    finally:
        # Here and not where the thread is closed, which would stop the whole process for as long.
        if working is not None:
            await asyncio.wait([working])
