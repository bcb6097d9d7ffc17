"""Write rejected rows so that a person can mend the file and drop it again.

The rows stand in the original's columns, dialect and order; then come `_row`, `_code`, `_field`, `_message` and
`_run`, which the goal does not map and so ignores. A row that could not be read as it was written carries a surplus
field behind these (what it had too much of, or an empty one): as long as that stands, the row is rejected again,
instead of being imported with values that are shifted or that stand for bytes which were no text.

Unlike csv_writer this refuses nothing: what was not imported is often just what a dialect cannot express. Fields are
written as they were told, undecodable bytes and NUL as `\\xNN`; formulas are not defused, since that would change them.

The original may itself be a file of rejects that was mended: these columns stand there once then, and tell of the new
run. What was a file of rejected values stays one: it has `_values_of_run` instead of `_run`.
"""

import codecs
from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.domain.dialect import AUTO, Dialect
from shared.domain.reject import (
    ALL_OWN_COLUMNS,
    MESSAGES,
    OWN_COLUMNS,
    STANDING_CODES,
    Reject,
    ends_as_ours,
    hands_back,
    own_columns,
)
from shared.domain.trimmed import folded
from shared.formats.csv_writer import rows_around_header


class RejectsFile:
    """Turns rejects into the bytes of one file, in order. It opens and keeps nothing."""

    def __init__(self, dialect: Dialect, columns: Sequence[str], run_id: UUID) -> None:
        """`columns` are the original's header, or any names in its width where it had none."""
        self._lines = DialectLines(dialect)
        ours = ALL_OWN_COLUMNS if hands_back(columns) else ()
        self._own = own_columns(columns)
        self._width = len(columns)
        self._places = [place for place, name in enumerate(columns) if folded(name) not in ours]
        self._columns = [columns[place] for place in self._places]
        self._has_header = dialect.has_header
        self._run_id = run_id

    def header(self) -> bytes:
        """The first line; empty for a dialect without a header, which could not tell it from a row."""
        return self._lines.header([*self._columns, *self._own])

    def rows(self, rejects: Iterable[Reject]) -> bytes:
        """The bytes of these rejects."""
        return b"".join(self._lines.line(self._fields(reject)) for reject in rejects)

    def _fields(self, reject: Reject) -> list[str]:
        read = reject.raw if self._has_header else without_own(reject.raw)
        raw = [read[place] if place < len(read) else "" for place in self._places]
        own = [str(reject.line_number), reject.code.value, reject.field or "", MESSAGES[reject.code], str(self._run_id)]
        surplus = list(read[self._width :]) or [""] if reject.code in STANDING_CODES else []
        return [*raw, *own, *surplus]


def without_own(fields: Sequence[str]) -> Sequence[str]:
    """A row of a file without a header, without what a file of rejects has behind the original's fields."""
    return fields[: -len(OWN_COLUMNS)] if ends_as_ours(fields) else fields


class DialectLines:
    """Writes lines in a dialect, refusing nothing: the bytes of one file, in order."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        # One encoder for the whole file: a byte order mark belongs at its start alone.
        # What was found out of the original is found out of this: UTF-8 reads itself.
        self._encoding = "utf-8" if dialect.encoding == AUTO else dialect.encoding
        self._encoder = codecs.getincrementalencoder(self._encoding)("surrogateescape")
        self._special = [dialect.delimiter[0], "\r", "\n", *filter(None, (dialect.quote_char, dialect.escape_char))]

    def header(self, names: Iterable[str]) -> bytes:
        """What stands before the first row: nothing but what the dialect skips, where it has no header."""
        before, behind = rows_around_header(self._dialect)
        if not self._dialect.has_header:
            return self._encoder.encode(before)
        return self._encoder.encode(before) + self.line(names) + self._encoder.encode(behind)

    def line(self, fields: Iterable[str]) -> bytes:
        """One line, its end included."""
        line = self._first(self._dialect.delimiter.join(self._written(field) for field in fields)) + "\n"
        try:
            return self._encoder.encode(line)
        except UnicodeEncodeError:
            # A lone byte in UTF-16, or a field of the goal that the file's encoding lacks: shown as "?".
            return self._encoder.encode(line.encode(self._encoding, "replace").decode(self._encoding))

    def _first(self, line: str) -> str:
        """The line, so that it is no comment."""
        dialect = self._dialect
        if dialect.comment_char is None or not line.startswith(dialect.comment_char):
            return line
        return line if dialect.escape_char is None else dialect.escape_char + line

    def _written(self, field: str) -> str:
        dialect = self._dialect
        begins_oddly = (dialect.comment_char is not None and field.startswith(dialect.comment_char)) or (
            dialect.skip_initial_space and field.startswith(" ")
        )
        if not begins_oddly and not any(character in field for character in self._special):
            return field
        if dialect.quote_char is not None and (dialect.double_quote or dialect.escape_char is not None):
            return _quoted(dialect, dialect.quote_char, field)
        # Without quotes and escapes such a character came in no field of the file, only in our own sentences.
        escape = dialect.escape_char
        special = ["\r", "\n"] if len(dialect.delimiter) > 1 and escape is None else self._special
        text = "".join((" " if escape is None else escape + c) if c in special else c for c in field)
        return escape + text if escape is not None and dialect.skip_initial_space and text.startswith(" ") else text


def _quoted(dialect: Dialect, quote: str, field: str) -> str:
    if dialect.escape_char is not None:
        field = field.replace(dialect.escape_char, dialect.escape_char * 2)
    twice = quote * 2 if dialect.double_quote else f"{dialect.escape_char}{quote}"
    return quote + field.replace(quote, twice) + quote
