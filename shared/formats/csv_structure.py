"""See where the records of a stretch of text begin and end, for all of them at once, and prove it.

Quotes cut the text into outside and inside by parity. That reading is right as long as every quote that opens stands
at the start of a field, and every quote that closes stands at its end (or doubles one). The first quote that does
not, and any escape character, is a *doubt*: everything before its record is proved, its record is for the exact
parser, and behind it the parity may be the other one. Both parities are therefore prepared, each at most once, which
keeps the work linear however many doubts there are.

Only positions are computed here; no field is taken out, and nothing is said about encodings.
"""

import re
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shared.domain.dialect import Dialect

Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEWLINE, RETURN, BLANK = 10, 13, 32
_NEVER_TEXT = (b"\xff", b"\xfe", b"\xc0", b"\xc1", b"\xf8")
"""Bytes that no UTF-8 has (RFC 3629)."""


class Marks:
    """The characters of a dialect that mean something, as bytes."""

    def __init__(self, dialect: Dialect) -> None:
        self.delimiter = dialect.delimiter.encode()
        self.quote = None if dialect.quote_char is None else ord(dialect.quote_char)
        self.escape = None if dialect.escape_char is None else ord(dialect.escape_char)
        self.doubles = dialect.double_quote
        self.comment = (dialect.comment_char or "").encode()
        self.skips_blanks = dialect.skip_initial_space

    @staticmethod
    def fit(dialect: Dialect) -> bool:
        """Whether quote and escape character are single bytes, which the vectorised reading needs."""
        return all(c is None or ord(c) < 128 for c in (dialect.quote_char, dialect.escape_char))


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
        """The first byte of every delimiter outside quotes."""
        structure, inside = self._structure, self._inside
        if len(structure.marks.delimiter) > 1:
            return structure.delimiters if inside is None else structure.delimiters[~inside[structure.delimiters]]
        is_delimiter = structure.bytes == structure.marks.delimiter[0]
        if inside is not None:
            is_delimiter &= ~inside
        return np.flatnonzero(is_delimiter)

    @cached_property
    def doubts(self) -> Positions:
        """Every quote that is not where a quote may be under this parity, every escape character, every comment."""
        structure = self._structure
        found = [structure.escapes]
        if structure.quotes.size:
            found += [self._misplaced(self._parity, -1), self._misplaced(1 - self._parity, +1)]
        if structure.marks.comment:
            found.append(structure.comments(self.ends))
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
        places, is_border = structure.inner(quotes + step)
        values = structure.bytes[places]
        is_fine = is_border
        if marks.doubles:
            is_fine = is_fine | (values == marks.quote)
        if step < 0 and marks.skips_blanks:
            places, is_border = structure.inner(structure.before_blanks(quotes))
            values = structure.bytes[places]
            is_fine = is_fine | is_border
        is_fine = is_fine | (values == NEWLINE) | (values == RETURN)
        is_fine |= structure.are_delimiters(places, values, step)
        misplaced: Positions = quotes[~is_fine]
        return misplaced


class Structure:
    """The positions of everything that matters in a stretch of text that begins with a record."""

    def __init__(self, data: bytes, marks: Marks, *, is_last: bool) -> None:
        self.marks = marks
        self._data = data
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
    def delimiters(self) -> Positions:
        """The first byte of every delimiter of several bytes, inside quotes and outside, found from the left."""
        delimiter = self.marks.delimiter
        stand_in = next((byte for byte in _NEVER_TEXT if byte not in self._data), None)
        if stand_in is None:
            return np.array([match.start() for match in re.finditer(re.escape(delimiter), self._data)], dtype=np.int64)
        # Replacing is the fastest search there is; the length stays, so places do.
        marked = self._data.replace(delimiter, stand_in.ljust(len(delimiter), b"\0"))
        return np.flatnonzero(np.frombuffer(marked, dtype=np.uint8) == stand_in[0])

    def are_delimiters(self, places: Positions, values: npt.NDArray[np.uint8], step: int) -> Flags:
        """At which places a delimiter begins (step +1) or ends (step -1); `values` are the bytes there."""
        if len(self.marks.delimiter) == 1:
            single: Flags = values == self.marks.delimiter[0]
            return single
        # A quote parts the text: what follows it is searched anew, so these are the exact parser's delimiters.
        found = self._delimiter_starts if step > 0 else self._delimiter_ends
        several: Flags = found[places]
        return several

    @cached_property
    def _delimiter_starts(self) -> Flags:
        found = np.zeros(self.bytes.size, dtype=np.bool_)
        found[self.delimiters] = True
        return found

    @cached_property
    def _delimiter_ends(self) -> Flags:
        found = np.zeros(self.bytes.size, dtype=np.bool_)
        found[self.delimiters + len(self.marks.delimiter) - 1] = True
        return found

    def inner(self, places: Positions) -> tuple[Positions, Flags]:
        """The places, or any other for one beyond the stretch, and which these are.

        The stretch begins at a record's start; what follows its last byte is not known yet, and is not used.
        """
        is_beyond = (places < 0) | (places >= self.bytes.size)
        return np.where(is_beyond, 0, places), is_beyond

    def before_blanks(self, places: Positions) -> Positions:
        """For each place, the last one before it that holds no blank; -1 where there is none."""
        full = self._full
        before = np.searchsorted(full, places) - 1
        return np.where(before < 0, -1, full[np.maximum(before, 0)])

    def past_blanks(self, places: Positions) -> Positions:
        """For each place, the first one from there on that holds no blank."""
        full = self._full
        at = np.searchsorted(full, places)
        return np.where(at < full.size, full[np.minimum(at, full.size - 1)], self.bytes.size)

    @cached_property
    def _full(self) -> Positions:
        return np.flatnonzero(self.bytes != BLANK)

    def comments(self, ends: Positions) -> Positions:
        """Where records begin as comments do, if records end there."""
        starts = np.concatenate([[0], ends + 1])
        for offset, byte in enumerate(self.marks.comment):
            starts = starts[starts + offset < self.bytes.size]
            starts = starts[self.bytes[starts + offset] == byte]
        return starts

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
