"""From what COPY hands over to the bytes of a file: typed text, processors, delimited text. Lives in a thread.

Exports and their previews are written by this alone. A row that a processor cannot work on is held back, whole, and
counted; nothing here opens a file or asks the database.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.processor import Processor
from shared.formats.batch import names
from shared.formats.copy_text import NUMBER, frame_of
from shared.formats.csv_writer import CsvWriter
from shared.processing.chain import Chain, Rows
from shared.processing.file_columns import FileColumns
from shared.processing.typed_text import TypedText
from shared.storage.selections.selection import SelectedColumn


@dataclass(slots=True)
class Tally:
    """What became of the selected rows of one file."""

    rows: int = 0
    """In the file, without its header."""
    held_back: Counter[str] = field(default_factory=Counter)
    """Rows that a processor could not work on, by reject code."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows that the processors skipped, by reason."""


class TableText:
    """One file while it is written."""

    def __init__(
        self,
        columns: Sequence[SelectedColumn],
        dialect: Dialect,
        processors: Sequence[Processor] = (),
        *,
        scratch: Path | None = None,
    ) -> None:
        """Raises InvalidGoal, UnwritableValue, and HeaderChanged where a processor wants a column that is not there."""
        self.tally = Tally()
        self._dialect = dialect
        self._keys = names(len(columns))
        self._typed = TypedText(dialect, [each.type for each in columns])
        headers = FileColumns.of(tuple(each.header for each in columns), len(columns))
        self._chain = Chain.of(processors, headers, dialect, scratch=scratch) if processors else None
        self.header: tuple[str, ...] = (headers if self._chain is None else self._chain.columns).header or ()
        """The columns of the file, behind the processors."""
        self._writer = CsvWriter(dialect)
        self._rows_seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._chain is not None:
            self._chain.__exit__(kind, error, trace)

    @property
    def looks_first(self) -> bool:
        """Whether all rows must be seen once (`look`, then `seen_all`) before the first is written."""
        return self._chain is not None and self._chain.looks_first

    def look(self, block: bytes) -> None:
        """See rows, and write nothing."""
        assert self._chain is not None
        self._chain.look(self._rows(self._texts(frame_of(block, len(self._keys)))))

    def seen_all(self) -> None:
        """The first pass over the rows is over."""
        assert self._chain is not None
        self._chain.seen_all()
        self._rows_seen = 0

    def head(self) -> bytes:
        """What stands before the rows."""
        return self._writer.rows([self.header]) if self._dialect.has_header else b""

    def lines(self, block: bytes) -> bytes:
        """The rows of a block, as the file has them. Raises UnwritableValue."""
        return b"".join(self._writer.frame(frame) for frame in self.frames(block))

    def frames(self, block: bytes) -> Iterator[pl.DataFrame]:
        """The same as text columns, before they are written as lines; counts them."""
        texts = self._texts(frame_of(block, len(self._keys)))
        if self._chain is None:
            self.tally.rows += texts.height
            yield texts
            return
        for done in self._chain.apply(self._rows(texts)):
            self.tally.rows += done.frame.height
            self.tally.left_out += done.skipped
            self.tally.held_back.update(reject.code.value for reject in done.rejects)
            yield done.frame

    def _texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        return self._typed.frame(frame.drop(NUMBER))

    def _rows(self, texts: pl.DataFrame) -> Rows:
        """Rows as processors know them: without nulls, as a file of this dialect would have them."""
        nulls = self._dialect.null_sequence
        numbers = np.arange(self._rows_seen + 1, self._rows_seen + 1 + texts.height, dtype=np.int64)
        self._rows_seen += texts.height
        return Rows(texts.fill_null(nulls[0] if nulls else ""), numbers, numbers)
