"""From what COPY hands over to the bytes of a file: typed text, processors, delimited text. Lives in a thread.

Exports and their previews are written by this alone. A row that a processor cannot work on is held back, whole, and
counted; nothing here opens a file or asks the database.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl

from shared.domain.export_goal import ExportGoal
from shared.domain.property import Several, Written
from shared.formats.batch import names
from shared.formats.copy_text import NUMBER, frame_of
from shared.formats.csv_writer import CsvWriter
from shared.processing.chain import Chain, Rows
from shared.processing.file_columns import FileColumns
from shared.processing.formulas import PROVED, defused, defused_heading
from shared.processing.typed_text import TypedText
from shared.processing.values import nulls_of
from shared.storage.exchanges import Blocks
from shared.storage.selections.selection import Selection

_PAGE = 1 << 20
_BLOCK = 64
_TRUE = "t"
"""As COPY writes it."""


@dataclass(slots=True)
class Told:
    """Whose rows were written: a bit for each profile, in pages, which cost what they hold."""

    pages: dict[int, "np.ndarray[tuple[int], np.dtype[np.bool_]]"] = field(default_factory=dict)

    def add(self, numbers: pl.Series) -> None:
        """Note the numbers of profiles; nulls are nobody's."""
        found = numbers.drop_nulls().to_numpy()
        for page in np.unique(found // _PAGE).tolist():
            bits = self.pages.setdefault(page, np.zeros(_PAGE, dtype=np.bool_))
            bits[found[found // _PAGE == page] % _PAGE] = True

    @property
    def count(self) -> int:
        """How many they are, each once."""
        return sum(int(np.count_nonzero(bits)) for bits in self.pages.values())

    def blocks(self) -> Blocks:
        """The same as the database keeps it."""
        numbers: list[int] = []
        found: list[int] = []
        for page in sorted(self.pages):
            # The first profile is the lowest bit, and the last one the number's sign.
            packed = np.packbits(self.pages[page], bitorder="little").view("<i8")
            (places,) = np.nonzero(packed)
            numbers += (places + page * (_PAGE // _BLOCK)).tolist()
            found += packed[places].tolist()
        return Blocks(numbers, found)


@dataclass(slots=True)
class Tally:
    """What became of the selected rows of one file."""

    rows: int = 0
    """In the file, without its header."""
    held_back: Counter[str] = field(default_factory=Counter)
    """Rows that could not be written, by why."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows that the processors skipped, by reason."""


class TableText:
    """One file while it is written."""

    def __init__(self, selection: Selection, goal: ExportGoal, told: Told, *, scratch: Path | None = None) -> None:
        """`told` is filled with whose rows are written.

        Raises InvalidGoal, UnwritableValue, and HeaderChanged where a processor wants a column that is not there.
        """
        self.tally = Tally()
        self._told = told
        self._dialect, self._is_defused = goal.dialect, goal.defuse_formulas
        self._nulls = nulls_of(goal.dialect)
        self._keys = names(len(selection.columns))
        self._typed = TypedText(goal.dialect, [each.type for each in selection.columns])
        self._segments = {each: f"s{number}" for number, each in enumerate(selection.segments)}
        columns = replace(
            FileColumns.of(tuple(each.header for each in selection.columns), len(selection.columns)),
            segments=self._segments,
        )
        processors = selection.processors if selection.part else goal.processors
        self._chain = Chain.of(processors, columns, goal.dialect, scratch=scratch) if processors else None
        self._after = columns if self._chain is None else self._chain.columns
        self._proved = {
            each.key
            for each in self._after.columns
            if each.position is not None and _is_proved(selection.columns[each.position].type)
        }
        self._writer = CsvWriter(goal.dialect)
        self._rows_seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._chain is not None:
            self._chain.__exit__(kind, error, trace)

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the file, behind the processors."""
        headings = self._after.header or ()
        return tuple(map(defused_heading, headings)) if self._is_defused else headings

    @property
    def looks_first(self) -> bool:
        """Whether all rows must be seen once (`look`, then `seen_all`) before the first is written."""
        return self._chain is not None and self._chain.looks_first

    def look(self, block: bytes) -> None:
        """See rows, and write nothing."""
        assert self._chain is not None
        frame = self._frame(block)
        self._chain.look(self._rows(frame, self._texts(frame)))

    def seen_all(self) -> None:
        """The first pass over the rows is over."""
        assert self._chain is not None
        self._chain.seen_all()
        self._rows_seen = 0

    def head(self) -> bytes:
        """Begin a file, also one more of the same table: what stands before the rows."""
        self._writer = CsvWriter(self._dialect)
        return self._writer.rows([self.header]) if self._dialect.has_header else b""

    def lines(self, frame: pl.DataFrame) -> bytes:
        """Rows of `frames`, as the file has them. Raises UnwritableValue."""
        return self._writer.frame(frame)

    def frames(self, block: bytes) -> Iterator[pl.DataFrame]:
        """The rows of a block as text columns, before they are written as lines; they are counted."""
        frame = self._frame(block)
        texts = self._texts(frame)
        for piece, numbers in [(texts, frame[NUMBER])] if self._chain is None else self._processed(frame, texts):
            self.tally.rows += piece.height
            self._told.add(numbers)
            yield defused(piece, self._proved, self._nulls) if self._is_defused else piece

    def _processed(self, frame: pl.DataFrame, texts: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        assert self._chain is not None
        for done in self._chain.apply(self._rows(frame, texts)):
            self.tally.left_out += done.skipped
            self.tally.held_back.update(reject.code.value for reject in done.rejects)
            yield done.frame, frame[NUMBER].gather(done.places)

    def _frame(self, block: bytes) -> pl.DataFrame:
        return frame_of(block, len(self._keys) + len(self._segments))

    def _texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        return self._typed.frame(frame.select(self._keys))

    def _rows(self, frame: pl.DataFrame, texts: pl.DataFrame) -> Rows:
        """Rows as processors know them: without nulls, as a file of this dialect would have them."""
        nulls = self._dialect.null_sequence
        numbers = np.arange(self._rows_seen + 1, self._rows_seen + 1 + texts.height, dtype=np.int64)
        self._rows_seen += texts.height
        filled = texts.fill_null(nulls[0] if nulls else "")
        behind = names(len(self._keys) + len(self._segments))[len(self._keys) :]
        said = [(frame[key] == _TRUE).alias(name) for key, name in zip(behind, self._segments.values(), strict=True)]
        return Rows(filled.with_columns(said), numbers, numbers)


def _is_proved(kind: Written) -> bool:
    return (kind.of if isinstance(kind, Several) else kind) in PROVED
