"""Cut a text file into regions of records: those that are proved regular, and those that were read exactly.

The file is read in slices. In each, the structure says which records can be trusted in bulk (their borders are
proved, they have the right number of fields, no NUL, valid text, no excess length); every other record goes through
the exact parser, one by one. Every record gets its number and its physical line. Nothing is typed here, and regular
records are not even taken apart.
"""

import re
from collections.abc import Iterator

import numpy as np

from shared.domain.dialect import Dialect
from shared.domain.failures import RecordTooLong
from shared.domain.reject import RejectCode
from shared.formats.csv_grammar import LINE_END, LOOKAHEAD, Record, RecordParser
from shared.formats.csv_region import ExactRow, Region, Rewriting
from shared.formats.csv_structure import BLANK, RETURN, Flags, Marks, Positions, Structure, View
from shared.formats.limits import Limits
from shared.formats.source import ByteSource
from shared.formats.text import TextSource

_LINE_ENDS = re.compile(rb"[\r\n]*")
NONE = np.empty(0, dtype=np.int64)


class Scanner:
    """Walks through a source of UTF-8 and yields its regions."""

    def __init__(self, source: ByteSource, dialect: Dialect, limits: Limits, *, only_exact: bool = False) -> None:
        self._source = source
        self._offset_of = source.offset_of if isinstance(source, TextSource) else None
        self._limits = limits
        self._parser = RecordParser(dialect, limits)
        self._marks = None if only_exact or not Marks.fit(dialect) else Marks(dialect)
        self._data = b""
        self._is_last = False
        self._lines_before = 0
        self._records_before = 0
        self._bytes_before = 0
        self._fault: int | None = None
        self.width = 0
        """How many fields a record must have; to be set before the regions are read."""

    @property
    def is_exhausted(self) -> bool:
        """Whether the end of the source has been reached and nothing is left."""
        return self._is_last and not self._data

    def skip_blank_lines(self) -> None:
        """Go to the first record, past comments too; to the end where there is none. Gigabytes may lie before it."""
        place = 0
        while True:
            place = _past_blank_lines(self._data, place)
            if place >= self._limits.slice_bytes:
                # Not for each comment: what is left is copied.
                self._advance(place)
                place = 0
            record = self._at(place)
            if record is None or record.fields:
                self._advance(place)
                return
            place = record.end

    def take(self) -> tuple[Record, int] | None:
        """The next record, which is no blank line, with its line number; it is not counted. None at the end."""
        self.skip_blank_lines()
        return None if self._at(0) is None else self.take_here()

    def take_here(self) -> tuple[Record, int]:
        """What comes next, be it a blank line or a comment; there must be something. It is not counted."""
        record, line_number = self._at(0), self.line_number
        assert record is not None
        self._fault = first_fault(self._data[: record.end])
        self._fault = None if self._fault is None else self.offset_of(self._bytes_before + self._fault)
        self._advance(record.end)
        return record, line_number

    @property
    def fault_taken(self) -> int | None:
        """The offset in the file of the first undecodable byte of what was taken last, where it can be told."""
        return self._fault

    def offset_of(self, position: int) -> int | None:
        """The offset in the file of the undecodable byte at this position of the text."""
        return position if self._offset_of is None else self._offset_of(position)

    @property
    def line_number(self) -> int:
        """The physical line that comes next."""
        return self._lines_before + 1

    def skip_line(self) -> bytes | None:
        """Skip one physical line, whatever is on it, and give it; None at the end. Raises `RecordTooLong`."""
        while True:
            match = LINE_END.search(self._data)
            is_whole = self._is_last or (match is not None and match.end() < len(self._data))
            stop, end = match.span() if match is not None else (len(self._data), len(self._data))
            # A CR that is the last of what there is may end a line or not.
            if stop > self._limits.record_bytes + (not is_whole):
                raise RecordTooLong(f"Line {self.line_number} has more than {self._limits.record_bytes} bytes.")
            if is_whole:
                line = self._data[:stop]
                self._advance(end)
                return line if end else None
            self._fill()

    def peek(self, count: int) -> Iterator[Record]:
        """The next records, at most count of them and not much beyond one field limit, without taking them."""
        place = 0
        while count > 0 and place <= self._limits.field_bytes:
            record = self._at(place)
            if record is None:
                return
            place = record.end
            if record.fields:
                count -= 1
                yield record

    def judge(self, record: Record, raw: bytes) -> RejectCode | None:
        """What is wrong with a record of the body, if anything; `raw` are all its bytes."""
        if record.code is not None:
            return record.code
        if b"\0" in raw:
            return RejectCode.NUL_BYTE
        if not raw.isascii() and not all(_is_text(field) for field in record.fields):
            return RejectCode.UNDECODABLE
        if len(raw) > self._limits.field_bytes and max(map(len, record.fields)) > self._limits.field_bytes:
            return RejectCode.FIELD_TOO_LONG
        if len(record.fields) != self.width:
            return RejectCode.TOO_FEW_FIELDS if len(record.fields) < self.width else RejectCode.TOO_MANY_FIELDS
        return None

    def regions(self) -> Iterator[Region]:
        """What is left of the source, slice by slice."""
        while not self.is_exhausted:
            self._fill()
            if self._data:
                walk = _Walk(self, self._data, self._is_last)
                region = walk.region(self._records_before, self._lines_before, self._bytes_before)
                self._records_before += region.starts.size + len(region.exact)
                self._lines_before += walk.line_count
                self._bytes_before += walk.place
                self._data = self._data[walk.place :]
                yield region

    def _fill(self) -> None:
        """Read more: a slice, or as much again as there is, so that a long record is not read over and over."""
        wanted = max(self._limits.slice_bytes, len(self._data))
        parts = [self._data]
        while wanted > 0 and not self._is_last:
            data = self._source.read(wanted)
            self._is_last = not data
            parts.append(data)
            wanted -= len(data)
        self._data = b"".join(parts)

    def _at(self, place: int) -> Record | None:
        """The record at a place, reading more where it is needed; None at the end of the source."""
        while True:
            if place < len(self._data):
                record = self.parse(self._data, place, is_last=self._is_last)
                if record is not None:
                    return record
            elif self._is_last:
                return None
            self._fill()

    def _advance(self, place: int) -> None:
        self._lines_before += _count_line_ends(self._data, place)
        self._bytes_before += place
        self._data = self._data[place:]

    def parse(self, data: bytes, place: int, *, is_last: bool) -> Record | None:
        """One record by the exact parser. Raises `RecordTooLong`."""
        record = self._parser.parse(data, place, is_last=is_last)
        # What is not whole yet may still be cut back to where its last field began.
        size = len(data) - self._limits.field_bytes - LOOKAHEAD if record is None else record.end
        if size - place > self._limits.record_bytes:
            line = self._lines_before + _count_line_ends(data, place) + 1
            raise RecordTooLong(f"The record on line {line} has more than {self._limits.record_bytes} bytes.")
        return record

    @property
    def marks(self) -> Marks | None:
        """The dialect's characters, or None where only the exact path can read it."""
        return self._marks

    @property
    def limits(self) -> Limits:
        """The bounds of this reader."""
        return self._limits


class _Walk:
    """One pass over a slice: trusted stretches are noted, doubtful records parsed, until no whole record is left."""

    def __init__(self, scanner: Scanner, data: bytes, is_last: bool) -> None:
        self._scanner = scanner
        self._data = data
        self._is_last = is_last
        self._exact: list[ExactRow] = []
        self._starts: list[Positions] = []
        self._ends: list[Positions] = []
        self._delimiters: list[Positions] = []
        self.place = 0
        """Where the first record begins that is not whole yet."""
        if scanner.marks is None:
            self._structure = None
            self._walk_exactly()
            self._line_ends = self._found_line_ends()
        else:
            self._structure = Structure(data, scanner.marks, is_last=is_last)
            self._line_ends = self._structure.line_ends
            # The structure must not know its views: a cycle would keep every slice until the collector comes by.
            self._walk((View(self._structure, 0), View(self._structure, 1)), self._structure)

    def region(self, records_before: int, lines_before: int, position: int) -> Region:
        """All records of the slice, numbered."""
        starts, ends = self._settle()
        rewriting = self._rewriting(starts, ends)
        if rewriting is None and starts.size and self._must_rewrite:
            # Every character of ASCII is in use, so none can stand in for the delimiter.
            self._parse(starts)
            starts, ends = NONE, NONE
        self._exact.sort(key=lambda row: row.start)
        exact_starts = np.array([row.start for row in self._exact], dtype=np.int64)
        line_ends = self._line_ends
        number = records_before + 1
        return Region(
            data=self._data,
            position=position,
            starts=starts,
            ends=ends,
            record_numbers=number + np.arange(starts.size) + np.searchsorted(exact_starts, starts),
            line_numbers=lines_before + 1 + np.searchsorted(line_ends, starts),
            exact=self._exact,
            exact_record_numbers=number + np.arange(exact_starts.size) + np.searchsorted(starts, exact_starts),
            exact_line_numbers=lines_before + 1 + np.searchsorted(line_ends, exact_starts),
            rewriting=rewriting,
        )

    @property
    def line_count(self) -> int:
        """How many physical lines end before the place."""
        return int(np.searchsorted(self._line_ends, self.place))

    def _walk_exactly(self) -> None:
        while self.place < len(self._data) and self._take_exactly():
            pass

    def _walk(self, views: tuple[View, View], structure: Structure) -> None:
        while self.place < len(self._data):
            view = views[structure.parity(self.place)]
            at = int(np.searchsorted(view.doubts, self.place))
            doubt = int(view.doubts[at]) if at < view.doubts.size else None
            self._trust(view, doubt)
            is_stuck = doubt is None and not self._is_last
            # A rest without an end may be long because a quote is never closed: only the exact parser can tell.
            if is_stuck and len(self._data) - self.place <= self._scanner.limits.field_bytes:
                return
            if self.place < len(self._data) and not self._take_exactly():
                return

    def _trust(self, view: View, doubt: int | None) -> None:
        """Note every whole record between the place and the doubt; excessive length casts doubt as well."""
        first = int(np.searchsorted(view.ends, self.place))
        last = view.ends.size if doubt is None else int(np.searchsorted(view.ends, doubt))
        if last <= first:
            return
        ends = view.ends[first:last]
        starts = np.concatenate([[self.place], ends[:-1] + 1])
        is_long = ends - starts > self._scanner.limits.field_bytes
        if is_long.any():
            whole = int(np.argmax(is_long))
            starts, ends = starts[:whole], ends[:whole]
            if not whole:
                return
        low, high = np.searchsorted(view.delimiters, [self.place, ends[-1]])
        self._starts.append(starts)
        self._ends.append(ends)
        self._delimiters.append(view.delimiters[low:high])
        self.place = int(ends[-1]) + 1

    def _take_exactly(self) -> bool:
        """Parse the record at the place; False where it is not whole yet."""
        record = self._scanner.parse(self._data, self.place, is_last=self._is_last)
        if record is None:
            return False
        self._note(record, self.place)
        self.place = record.end
        return True

    def _note(self, record: Record, start: int) -> None:
        if record.fields:
            code = self._scanner.judge(record, self._data[start : record.end])
            self._exact.append(ExactRow(start, record.end, record.fields, code))

    def _settle(self) -> tuple[Positions, Positions]:
        """The trusted records that are regular in themselves; the others are parsed exactly."""
        if self._structure is None or not self._starts:
            return NONE, NONE
        starts, ends = np.concatenate(self._starts), np.concatenate(self._ends)
        is_blank = self._are_blank(starts, ends)
        is_fit = self._have_the_right_width(ends) & ~is_blank
        self._exclude_nul(ends, is_fit)
        if self._scanner.width == 1 and self._structure.marks.skips_blanks:
            # A line of blanks would become an empty line, which is no row to the bulk parser.
            is_fit &= self._structure.bytes[starts] != BLANK
        self._exclude_bad_text(starts, ends, is_fit)
        if is_fit.all():
            return starts, ends
        self._parse(starts[~is_fit & ~is_blank])
        return starts[is_fit], ends[is_fit]

    def _parse(self, starts: Positions) -> None:
        """Read these records exactly."""
        for start in starts.tolist():
            # Its end is proved, so nothing behind it can matter.
            record = self._scanner.parse(self._data, start, is_last=True)
            assert record is not None
            self._note(record, start)

    @property
    def _must_rewrite(self) -> bool:
        marks = self._scanner.marks
        return marks is not None and (len(marks.delimiter) > 1 or marks.skips_blanks)

    def _rewriting(self, starts: Positions, ends: Positions) -> Rewriting | None:
        """What the regular records need before the bulk parser; None where nothing, or where it cannot be had."""
        marks, structure = self._scanner.marks, self._structure
        if marks is None or structure is None or not starts.size or not self._must_rewrite:
            return None
        separator = marks.delimiter[0]
        if len(marks.delimiter) > 1:
            taken = {marks.quote, ord("\r"), ord("\n")}
            free = (byte for byte in range(1, 128) if byte not in taken and bytes([byte]) not in self._data)
            separator = next(free, 0)
            if not separator:
                return None
        delimiters = _within(np.concatenate(self._delimiters), starts, ends)
        blanks = (NONE, NONE)
        if marks.skips_blanks:
            fields = np.sort(np.concatenate([starts, delimiters + len(marks.delimiter)]))
            over = structure.past_blanks(fields)
            is_some = over > fields
            blanks = fields[is_some], over[is_some]
        return Rewriting(separator, delimiters, len(marks.delimiter), blanks)

    def _are_blank(self, starts: Positions, ends: Positions) -> Flags:
        """Which are blank lines, and so no records: there may be millions, from a few kilobytes of gzip."""
        is_blank: Flags = starts == ends
        if b"\r" in self._data:
            text = np.frombuffer(self._data, dtype=np.uint8)
            is_blank |= (ends - starts == 1) & (text[starts] == RETURN)
        return is_blank

    def _have_the_right_width(self, ends: Positions) -> Flags:
        """Which records have the right number of fields."""
        delimiters = np.concatenate(self._delimiters)
        counts = np.diff(np.searchsorted(delimiters, ends), prepend=0)
        is_fit: Flags = counts == self._scanner.width - 1
        return is_fit

    def _exclude_nul(self, ends: Positions, is_fit: Flags) -> None:
        if b"\0" in self._data:
            text = np.frombuffer(self._data, dtype=np.uint8)
            _exclude(np.flatnonzero(text == 0), ends, is_fit)

    def _exclude_bad_text(self, starts: Positions, ends: Positions, is_fit: Flags) -> None:
        if self._data.isascii() or _is_text(self._data[: self.place]):
            return
        text = np.frombuffer(self._data, dtype=np.uint8)
        touched = np.searchsorted(ends, np.flatnonzero(text >= 0x80))
        for index in np.unique(touched[touched < ends.size]).tolist():
            is_fit[index] &= _is_text(self._data[int(starts[index]) : int(ends[index]) + 1])

    def _found_line_ends(self) -> Positions:
        ends = [match.end() - 1 for match in LINE_END.finditer(self._data, 0, self.place)]
        return np.array(ends, dtype=np.int64)


def _exclude(places: Positions, ends: Positions, is_fit: Flags) -> None:
    """Mark the records at these places; one that lies between two records marks the later in vain, which is safe."""
    touched = np.searchsorted(ends, places)
    is_fit[touched[touched < ends.size]] = False


def _within(places: Positions, starts: Positions, ends: Positions) -> Positions:
    """Those of the places that lie in one of the records."""
    record = np.searchsorted(ends, places)
    is_inside = record < ends.size
    is_inside &= places >= starts[np.minimum(record, ends.size - 1)]
    return places[is_inside]


def first_fault(data: bytes) -> int | None:
    """Where the first byte stands that is no UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _is_text(data: bytes) -> bool:
    return first_fault(data) is None


def _past_blank_lines(data: bytes, place: int) -> int:
    """Where the line ends that follow each other from a record's start are over, with the last of the data left."""
    match = _LINE_ENDS.match(data, place)
    assert match is not None
    stop = match.end()
    if stop == len(data):
        # More of them may follow, and a CRLF must not be cut.
        stop -= 2
    return max(place, stop - data.startswith(b"\r\n", stop - 1))


def _count_line_ends(data: bytes, stop: int) -> int:
    """Physical line ends before stop, which is not in the middle of a CRLF."""
    returns = data.count(b"\r", 0, stop)
    pairs = data.count(b"\r\n", 0, stop) if returns else 0
    return data.count(b"\n", 0, stop) + returns - pairs
