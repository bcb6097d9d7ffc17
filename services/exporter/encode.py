"""From a snapshot of the database to finished files in the local spool: select, process and format, file by file.

Nothing goes to the partner before all files lie here whole. One thread makes texts of a block's values while another
writes the lines of the block before, and the next one comes. An export that has lasted steps back for those that have
not.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl

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

LONGEST_STEP_BACK_SECONDS: Final = 1.0
"""Between two blocks, for runs that are in hand beside this one."""


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
    # Threads for the whole file: the memory allocator keeps what a thread gives back for that thread.
    with (
        # Told here: to the database's side a failing disk is a failing connection.
        has_room(),
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="formatting") as thread,
        TableText(selection, goal, told, scratch=path.parent) as text,
        Pieces(path, text.head, goal.split) as pieces,
        _Writing(text, pieces, desk) as writing,
    ):
        for each in selection.held_back:
            text.tally.held_back[each.reason] += await counted(tx, each)
        if text.looks_first:
            await _worked(tx, selection, text.look, thread, desk)
            text.seen_all()

        def work(block: bytes) -> None:
            writing.begin(list(text.frames(block)))

        try:
            await _worked(tx, selection, work, thread, desk)
        finally:
            # Here and not where the thread is closed, which would stop the whole process for as long.
            await writing.over()
        writing.require_done()
        return Spooled(selection.part, pieces.finish(), text.tally, text.header)


class _Writing:
    """Writes the lines of one block at a time, in a thread of its own."""

    def __init__(self, text: TableText, pieces: Pieces, desk: Desk) -> None:
        self._text, self._pieces, self._desk = text, pieces, desk
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writing")
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    def begin(self, frames: Sequence[pl.DataFrame]) -> None:
        """Wait for the block before, in the thread that asks, and write these. Raises what the one before raised."""
        self.require_done()
        self._last = self._thread.submit(self._write, frames)

    def require_done(self) -> None:
        """Wait for the last block. Raises what it raised."""
        if self._last is not None:
            self._last.result()

    async def over(self) -> None:
        """Wait for the last block, whatever came of it."""
        if self._last is not None:
            await asyncio.wait([asyncio.wrap_future(self._last)])

    def _write(self, frames: Sequence[pl.DataFrame]) -> None:
        for frame in frames:
            self._pieces.keep(frame.height, lambda at, rows, frame=frame: self._text.lines(frame.slice(at, rows)))  # type: ignore[misc]  # bound at once
            self._desk.advance(rows=frame.height)


async def _worked(
    tx: Tx, selection: Selection, work: Callable[[bytes], None], thread: ThreadPoolExecutor, desk: Desk
) -> None:
    """Have all blocks of a selection worked on, one after the other, each while the next one comes."""
    loop = asyncio.get_running_loop()
    working: asyncio.Future[float] | None = None

    async def take(block: bytes) -> None:
        nonlocal working
        if working is not None:
            seconds = await asyncio.shield(working)
            if desk.place.has_younger():
                # So much the database and we leave to them. Who lasts takes twice as long then, at most.
                await asyncio.sleep(min(seconds, LONGEST_STEP_BACK_SECONDS))
        working = loop.run_in_executor(thread, _timed, work, block)

    try:
        await copy_out(tx, selection, take)
        if working is not None:
            await asyncio.shield(working)
    finally:
        # Here and not where the thread is closed, which would stop the whole process for as long.
        if working is not None:
            await asyncio.wait([working])


def _timed(work: Callable[[bytes], None], block: bytes) -> float:
    """Work on a block; how many seconds it took."""
    began = time.monotonic()
    work(block)
    return time.monotonic() - began
