"""The records of one slice of a text file, as the scanner hands them over.

Values without any reading of their own; the bytes stay where they are until somebody asks for them.
"""

from dataclasses import dataclass

import numpy as np

from shared.domain.reject import RejectCode
from shared.formats.csv_structure import RETURN, Positions


@dataclass(frozen=True, slots=True)
class ExactRow:
    """A record that the exact parser read; `code` says why it is bad, if it is."""

    start: int
    fields: list[bytes]
    code: RejectCode | None


@dataclass(frozen=True, slots=True)
class Region:
    """The records of one slice. Positions count from the slice's start; both kinds are in file order."""

    data: bytes
    starts: Positions
    ends: Positions
    """First and last byte, line end included, of the regular records."""
    record_numbers: Positions
    line_numbers: Positions
    exact: list[ExactRow]
    exact_record_numbers: Positions
    exact_line_numbers: Positions

    def regular_text(self) -> bytes:
        """The regular records as one text whose line ends are LF or CRLF."""
        if not self.starts.size:
            return b""
        data = self._with_line_feeds()
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
