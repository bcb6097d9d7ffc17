"""Write rows to one file, or to several where a goal splits them: cut between rows, each with what stands before.

Nothing here knows how a row is written: whoever does is asked for the bytes of some rows, and asked for fewer where
they do not fit. Lives in a thread.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from shared.domain.failures import TooManyPieces
from shared.domain.packing import MOST_PIECES, Split
from shared.formats.packing.piece import Piece

Lines = Callable[[int, int], bytes]
"""The bytes of rows: from which on, and how many."""


Head = Callable[[], bytes]
"""Begins a file anew, and says what stands before its rows. Asked again where the first rows turn out too many."""


class Pieces:
    """The files that rows are written to, one after the other."""

    def __init__(self, stem: Path, head: Head, split: Split | None = None) -> None:
        """The first is called as `stem`, with a number behind it; they must not exist."""
        self._stem = stem
        self._head = head
        self._most_rows = None if split is None else split.rows
        self._most_bytes = None if split is None else split.bytes
        self._done: list[Piece] = []
        self._open: _Open | None = None
        self._bytes_per_row = 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.file.close()

    def keep(self, rows: int, lines: Lines) -> None:
        """Write so many more rows. Raises TooManyPieces, and what `lines` raises."""
        at = 0
        while at < rows:
            at += self._kept(at, rows - at, lines)

    def finish(self) -> tuple[Piece, ...]:
        """All files, whole; one with nothing but its head where there were no rows."""
        self._close(self._opened())
        return tuple(self._done)

    def _kept(self, at: int, rows: int, lines: Lines) -> int:
        """Write some of the rows; how many."""
        piece = self._opened()
        if piece.rows == self._most_rows:
            self._close(piece)
            piece = self._opened()
        if self._most_rows is not None:
            rows = min(rows, self._most_rows - piece.rows)
        if self._most_bytes is not None:
            rows = min(rows, max(1, int((self._most_bytes - piece.size) / self._bytes_per_row)))
        content = lines(at, rows)
        while self._is_too_much(piece, rows, content):
            if rows == 1:
                self._close(piece)
                return 0
            rows //= 2
            if not piece.rows:
                # Whoever writes the lines has begun the file with those that were too many.
                piece.begin(self._head())
            content = lines(at, rows)
        piece.keep(content, rows)
        self._bytes_per_row = len(content) / rows
        return rows

    def _is_too_much(self, piece: "_Open", rows: int, content: bytes) -> bool:
        """Whether the file would be too large. A row that fits in none has one of its own."""
        if self._most_bytes is None or piece.size + len(content) <= self._most_bytes:
            return False
        return rows > 1 or piece.rows > 0

    def _opened(self) -> "_Open":
        if self._open is None:
            number = len(self._done) + 1
            if number > MOST_PIECES:
                raise TooManyPieces(f"Found more rows than {MOST_PIECES} files take.")
            self._open = _Open(self._stem.with_name(f"{self._stem.name}-{number}"))
            self._open.begin(self._head())
        return self._open

    def _close(self, piece: "_Open") -> None:
        self._done.append(piece.closed())
        self._open = None


class _Open:
    """A file that is counted and hashed while it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: BinaryIO = path.open("xb")
        self.rows = self.size = 0

    def begin(self, head: bytes) -> None:
        """Begin with nothing but what stands before the rows."""
        self.file.seek(0)
        self.file.truncate()
        self.size = 0
        self._digest = hashlib.sha256()
        self.keep(head, 0)

    def keep(self, content: bytes, rows: int) -> None:
        """Write so much more."""
        self.file.write(content)
        self._digest.update(content)
        self.size += len(content)
        self.rows += rows

    def closed(self) -> Piece:
        """The file, whole."""
        self.file.close()
        return Piece(self.path, self.rows, self.size, self._digest.hexdigest())
