"""The meaning of a delimited text file, record by record. This is the definition; the fast path must agree with it.

* A record ends at LF, CRLF or CR outside quotes; the three may be mixed. A wholly empty line is no record, also
  in a file of one column, where an empty value is written as two quote characters.
* A record that begins with the comment character is a comment up to the end of its physical line: like a wholly empty
  line it is no record.
* A delimiter of several characters is found from the left: in `a|||b` the delimiter `||` parts `a` from `|b`.
* A field is quoted if the quote character is its first, behind blanks where the dialect skips them. A quote character
  elsewhere in an unquoted field, or text after a closing quote, is a stray quote.
* The escape character takes the next character literally (a CRLF counts as one), inside quotes and outside.
* A quoted field that spans lines and does not end properly, or not within the field limit, is never closed.
* After a fault of quoting nothing further on that line can be trusted: the record is rejected up to the end of the
  physical line on which the faulty field began, and reading resumes on the next. So one forgotten quote costs one
  line and not the rest of the file.

The time is linear in the input, also for hostile files: between a field's opening and the place where it proves
faulty there are only doubled quotes, so no other long field can open in what is read again.

Bytes in, bytes out. Nothing here knows widths, headers or encodings; callers judge the fields. A record that has more
fields than there may be columns is not taken apart further: its last field is the rest of it.
"""

import re
from typing import NamedTuple

from shared.domain.dialect import Dialect
from shared.domain.reject import RejectCode
from shared.formats.limits import Limits

LINE_END = re.compile(rb"\r\n?|\n")

# So many bytes after a place decide what it means (a CRLF, a doubled quote, a delimiter of eight characters).
LOOKAHEAD = 40
_BLANKS = re.compile(rb" *")


class Record(NamedTuple):
    """One record as read. A blank line and a comment have no fields. `end` is where the next one begins."""

    fields: list[bytes]
    end: int
    code: RejectCode | None = None


class _Fault(NamedTuple):
    """A fault of quoting, at a place inside a field."""

    place: int
    is_open: bool


class _Field(NamedTuple):
    """A field's value, and where the character after it stands."""

    value: bytes
    after: int


class RecordParser:
    """Parses single records of one dialect."""

    def __init__(self, dialect: Dialect, limits: Limits) -> None:
        self.delimiter = dialect.delimiter.encode()
        self.quote = (dialect.quote_char or "").encode()
        self.escape = (dialect.escape_char or "").encode()
        self._comment = (dialect.comment_char or "").encode()
        self._skips_blanks = dialect.skip_initial_space
        self._doubles = dialect.double_quote
        self._field_bytes = limits.field_bytes
        self._most_parted = limits.columns + 1
        special = [mark for mark in (self.quote, self.escape) if mark]
        self._is_careful = re.compile(b"|".join(map(re.escape, special))) if special else None
        self._in_quotes = self._is_careful
        self._in_plain = re.compile(b"|".join(map(re.escape, [self.delimiter, *special])) + rb"|\r|\n")

    def parse(self, data: bytes, start: int, *, is_last: bool) -> Record | None:
        """The record that begins at start, or None where its end needs bytes that are not there yet.

        With is_last, data reaches to the end of the file and a record is always found.
        """
        line = self._line(data, start, is_last=is_last)
        if line is None:
            return None
        stop, end = line
        if self._comment and data.startswith(self._comment, start):
            return Record([], end)
        if self._is_careful is not None and self._is_careful.search(data, start, stop):
            return self._careful(data, start, is_last=is_last)
        fields = data[start:stop].split(self.delimiter, self._most_parted) if stop > start else []
        return Record([field.lstrip(b" ") for field in fields] if self._skips_blanks else fields, end)

    def _line(self, data: bytes, start: int, *, is_last: bool) -> tuple[int, int] | None:
        """Where the physical line ends: before its line end, and after it."""
        match = LINE_END.search(data, start)
        if match is None:
            return (len(data), len(data)) if is_last else None
        if match.end() == len(data) and data.endswith(b"\r") and not is_last:
            return None
        return match.span()

    def _careful(self, data: bytes, start: int, *, is_last: bool) -> Record | None:
        fields: list[bytes] = []
        place = rest = start
        while True:
            begin = self._past_blanks(data, place) if self._skips_blanks else place
            is_quoted = bool(self.quote) and data.startswith(self.quote, begin)
            read = self._quoted if is_quoted else self._plain
            found = read(data, begin, is_last=is_last)
            if found is None:
                return None
            if isinstance(found, _Fault):
                return self._rejected(data, fields, (rest, place), found, is_last=is_last)
            if len(fields) < self._most_parted:
                fields.append(found.value)
                rest = found.after + len(self.delimiter)
            place = found.after
            if data.startswith(self.delimiter, place):
                place += len(self.delimiter)
                continue
            line = self._line(data, place, is_last=is_last)
            if line is None:
                return None
            return Record([*fields, data[rest:place]] if rest <= place else fields, line[1])

    def _rejected(
        self, data: bytes, fields: list[bytes], places: tuple[int, int], fault: _Fault, *, is_last: bool
    ) -> Record | None:
        """The record up to the end of the line on which its faulty field begins; from there on as it stands."""
        rest, place = places
        line = self._line(data, place, is_last=is_last)
        if line is None:
            return None
        stop, end = line
        is_open = fault.is_open or stop < fault.place
        code = RejectCode.UNCLOSED_QUOTE if is_open else RejectCode.STRAY_QUOTE
        parted = data[rest:stop].split(self.delimiter, self._most_parted - len(fields))
        return Record([*fields, *parted], end, code)

    def _plain(self, data: bytes, start: int, *, is_last: bool) -> _Field | _Fault | None:
        parts: list[bytes] = []
        begin = place = start
        while True:
            match = self._in_plain.search(data, place)
            if match is None:
                return _Field(b"".join([*parts, data[begin:]]), len(data)) if is_last else None
            mark = match[0]
            if mark == self.quote:
                return _Fault(match.start(), is_open=False)
            if mark != self.escape:
                return _Field(b"".join([*parts, data[begin : match.start()]]), match.start())
            if not is_last and len(data) - match.start() < LOOKAHEAD:
                return None
            parts.append(data[begin : match.start()])
            begin = match.end() if match.end() < len(data) else match.start()
            place = self._past_escaped(data, match.end())

    def _quoted(self, data: bytes, start: int, *, is_last: bool) -> _Field | _Fault | None:
        assert self._in_quotes is not None
        parts: list[bytes] = []
        begin = place = start + len(self.quote)
        limit = place + self._field_bytes + len(self.quote)
        while True:
            match = self._in_quotes.search(data, place, limit)
            if match is None:
                if is_last or len(data) >= limit + LOOKAHEAD:
                    return _Fault(place, is_open=True)
                return None
            if not is_last and len(data) - match.start() < LOOKAHEAD:
                return None
            at, after = match.span()
            if match[0] == self.escape:
                parts.append(data[begin:at])
                begin = after if after < len(data) else at
                place = self._past_escaped(data, after)
            elif self._doubles and data.startswith(self.quote, after):
                parts.append(data[begin:after])
                begin = place = after + len(self.quote)
            elif after == len(data) or data.startswith((self.delimiter, b"\r", b"\n"), after):
                return _Field(b"".join([*parts, data[begin:at]]), after)
            else:
                return _Fault(after, is_open=False)

    def _past_blanks(self, data: bytes, place: int) -> int:
        match = _BLANKS.match(data, place)
        assert match is not None
        return match.end()

    def _past_escaped(self, data: bytes, place: int) -> int:
        return place + 2 if data.startswith(b"\r\n", place) else place + 1
