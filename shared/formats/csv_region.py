"""The records of one slice of a text file, as the scanner hands them over.

Values without any reading of their own; the bytes stay where they are until somebody asks for them.
"""

from dataclasses import dataclass

import numpy as np

from shared.domain.reject import RejectCode
from shared.formats.csv_structure import RETURN, Flags, Positions


@dataclass(frozen=True, slots=True)
class ExactRow:
    """A record that the exact parser read; `code` says why it is bad, if it is."""

    start: int
    end: int
    fields: list[bytes]
    code: RejectCode | None


@dataclass(frozen=True, slots=True)
class Region:
    """The records of one slice. Positions count from the slice's start; both kinds are in file order."""

    data: bytes
    position: int
    """Where the slice begins in the text."""
    starts: Positions
    ends: Positions
    """First and last byte, line end included, of the regular records."""
    record_numbers: Positions
    line_numbers: Positions
    exact: list[ExactRow]
    exact_record_numbers: Positions
    exact_line_numbers: Positions

    rewriting: "Rewriting | None" = None
    """What the bulk parser must be spared, where it does not know the dialect."""

    def regular_text(self) -> bytes:
        """The regular records as one text whose line ends are LF or CRLF, and whose delimiter is a single byte."""
        if not self.starts.size:
            return b""
        data = self._with_line_feeds()
        if self.rewriting is not None:
            return self.rewriting.of(data, self.starts, self.ends)
        gaps = np.flatnonzero(self.starts[1:] != self.ends[:-1] + 1) + 1
        firsts = self.starts[np.concatenate([[0], gaps])]
        lasts = self.ends[np.concatenate([gaps - 1, [-1]])] + 1
        if not gaps.size:
            return data[int(firsts[0]) : int(lasts[0])]
        view = memoryview(data)
        return b"".join([view[first:last] for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)])

    def _with_line_feeds(self) -> bytes:
        text = np.frombuffer(self.data, dtype=np.uint8)
        bare = self.ends[text[self.ends] == RETURN]
        if not bare.size:
            return self.data
        text = text.copy()
        text[bare] = ord("\n")
        return text.tobytes()


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How regular records become what the bulk parser knows: one byte as delimiter, no blanks before fields."""

    separator: int
    """An ASCII character that does not occur in the slice."""
    delimiters: Positions
    """The first byte of each delimiter of the regular records."""
    delimiter_bytes: int
    blanks: tuple[Positions, Positions]
    """Where runs of blanks begin that are to be dropped, and where they are over."""

    def of(self, data: bytes, starts: Positions, ends: Positions) -> bytes:
        """The records between these first and last bytes."""
        text = np.frombuffer(data, dtype=np.uint8).copy()
        text[self.delimiters] = self.separator
        # Borders, summed up, say which bytes lie in a record and not in what is dropped.
        depth = np.zeros(text.size + 1, dtype=np.int8)
        depth[starts] += 1
        depth[ends + 1] -= 1
        if self.delimiter_bytes > 1:
            depth[self.delimiters + 1] -= 1
            depth[self.delimiters + self.delimiter_bytes] += 1
        depth[self.blanks[0]] -= 1
        depth[self.blanks[1]] += 1
        is_kept: Flags = np.cumsum(depth[:-1], dtype=np.int8) == 1
        return bytes(text[is_kept])
