"""See where the records of a stretch of text begin and end, for all of them at once, and prove it.

Quotes cut the text into outside and inside by parity. That reading is right as long as every quote that opens stands
at the start of a field, and every quote that closes stands at its end (or doubles one). The first quote that does
not, and any escape character, is a *doubt*: everything before its record is proved, its record is for the exact
parser, and behind it the parity may be the other one. Both parities are therefore prepared, each at most once, which
keeps the work linear however many doubts there are.

Only positions are computed here; no field is taken out, and nothing is said about encodings.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from shared.domain.dialect import Dialect

Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEWLINE, RETURN = 10, 13


class Marks:
    """The characters of a dialect that mean something, as byte values."""

    def __init__(self, dialect: Dialect) -> None:
        self.delimiter = ord(dialect.delimiter)
        self.quote = None if dialect.quote_char is None else ord(dialect.quote_char)
        self.escape = None if dialect.escape_char is None else ord(dialect.escape_char)
        self.doubles = dialect.double_quote

    @staticmethod
    def fit(dialect: Dialect) -> bool:
        """Whether every such character is a single byte, which the vectorised reading needs."""
        return all(c is None or ord(c) < 128 for c in (dialect.delimiter, dialect.quote_char, dialect.escape_char))


class View:
    """The text read with one parity: where records end, where fields are parted, where doubt begins."""

    def __init__(self, structure: "Structure", parity: int) -> None:
        self._structure = structure
        self._parity = parity

    @cached_property
    def ends(self) -> Positions:
        """The last byte of every line end outside quotes."""
        ends, inside = self._structure.line_ends, self._inside
        return ends if inside is None else ends[~inside[ends]]

    @cached_property
    def delimiters(self) -> Positions:
        """Every delimiter outside quotes."""
        is_delimiter = self._structure.bytes == self._structure.marks.delimiter
        if self._inside is not None:
            is_delimiter &= ~self._inside
        return _places(is_delimiter)

    @cached_property
    def doubts(self) -> Positions:
        """Every quote that is not where a quote may be under this parity, and every escape character."""
        structure = self._structure
        found = [structure.escapes]
        if structure.quotes.size:
            found += [self._misplaced(self._parity, -1), self._misplaced(1 - self._parity, +1)]
        return np.sort(np.concatenate(found))

    @cached_property
    def _inside(self) -> Flags | None:
        """For every byte, whether it is inside quotes; None where there are no quotes at all."""
        flips = self._structure.flips
        return flips if flips is None or self._parity == 0 else ~flips

    def _misplaced(self, first: int, step: int) -> Positions:
        """Openers (step -1) not after, or closers (step +1) not before, a field's border or another quote."""
        structure, marks = self._structure, self._structure.marks
        quotes = structure.quotes[first::2]
        beside = quotes + step
        # The stretch begins at a record's start; what follows its last byte is not known yet, and is not used.
        is_border = (beside < 0) | (beside >= structure.bytes.size)
        neighbours = structure.bytes[np.where(is_border, 0, beside)]
        is_fine = is_border | (neighbours == marks.delimiter) | (neighbours == NEWLINE) | (neighbours == RETURN)
        if marks.doubles:
            is_fine |= neighbours == marks.quote
        misplaced: Positions = quotes[~is_fine]
        return misplaced


class Structure:
    """The positions of everything that matters in a stretch of text that begins with a record."""

    def __init__(self, data: bytes, marks: Marks, *, is_last: bool) -> None:
        self.marks = marks
        self.bytes = np.frombuffer(data, dtype=np.uint8)
        self._is_last = is_last
        self.returns = self._bare_returns(data)
        line_feeds = np.flatnonzero(self.bytes == NEWLINE)
        self.line_ends = np.sort(np.concatenate([line_feeds, self.returns])) if self.returns.size else line_feeds
        """The last byte of every physical line end, inside quotes and outside."""

    @cached_property
    def quotes(self) -> Positions:
        """Every quote character."""
        if self.marks.quote is None:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.bytes == self.marks.quote)

    @cached_property
    def escapes(self) -> Positions:
        """Every escape character."""
        if self.marks.escape is None:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.bytes == self.marks.escape)

    @cached_property
    def flips(self) -> Flags | None:
        """For every byte, whether an odd number of quotes stands up to it."""
        if not self.quotes.size:
            return None
        flips: Flags = np.logical_xor.accumulate(self.bytes == self.marks.quote)
        return flips

    def parity(self, start: int) -> int:
        """The parity in which start, a record's begin, is outside quotes."""
        return int(np.searchsorted(self.quotes, start)) & 1

    def _bare_returns(self, data: bytes) -> Positions:
        """Every CR that is a line end of its own; one at the very end may still become a CRLF."""
        if b"\r" not in data:
            return np.empty(0, dtype=np.int64)
        returns = np.flatnonzero(self.bytes == RETURN)
        if returns[-1] == self.bytes.size - 1 and not self._is_last:
            returns = returns[:-1]
        following = np.minimum(returns + 1, self.bytes.size - 1)
        bare: Positions = returns[self.bytes[following] != NEWLINE]
        return bare


def _places(is_wanted: Flags) -> Positions:
    return np.flatnonzero(is_wanted)
