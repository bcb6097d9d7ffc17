"""A run's rejects as a file that can be mended and dropped again: the goal's dialect, the original's columns.

Behind them stand _row, _code, _field, _message and _run, which the goal does not map and so ignores. Unlike
shared/formats/csv_writer.py this refuses nothing: what was not imported is often just what a dialect cannot express.
Fields are written as they were read, undecodable bytes as those bytes; formulas are not defused, since that would
change them.
"""

import codecs
from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.domain.dialect import Dialect
from shared.domain.reject import MESSAGES, Reject

OWN_COLUMNS = ("_row", "_code", "_field", "_message", "_run")


class RejectsFile:
    """Turns rejects into the bytes of one file, in order. It opens and keeps nothing."""

    def __init__(self, dialect: Dialect, columns: Sequence[str], run_id: UUID) -> None:
        self._dialect = dialect
        self._columns = columns
        self._run_id = run_id
        # One encoder for the whole file: a byte order mark belongs at its start alone.
        self._encoder = codecs.getincrementalencoder(dialect.encoding)("surrogateescape")
        self._special = [dialect.delimiter, "\r", "\n", *filter(None, (dialect.quote_char, dialect.escape_char))]

    def header(self) -> bytes:
        """The first line; empty for a dialect without a header, which could not tell it from a row."""
        return self._line([*self._columns, *OWN_COLUMNS]) if self._dialect.has_header else b""

    def rows(self, rejects: Iterable[Reject]) -> bytes:
        """Rejected rows. One with too many fields keeps them all; its reason then stands further to the right."""
        return b"".join(self._row(reject) for reject in rejects)

    def _row(self, reject: Reject) -> bytes:
        missing = [""] * (len(self._columns) - len(reject.raw))
        reason = (str(reject.line_number), reject.code.value, reject.field or "", MESSAGES[reject.code])
        return self._line([*reject.raw, *missing, *reason, str(self._run_id)])

    def _line(self, fields: Iterable[str]) -> bytes:
        line = self._dialect.delimiter.join(self._written(field) for field in fields) + "\n"
        try:
            return self._encoder.encode(line)
        except UnicodeEncodeError:
            # A lone byte in UTF-16, or a field of the goal that the file's encoding lacks: shown as "?".
            encoding = self._dialect.encoding
            return self._encoder.encode(line.encode(encoding, "replace").decode(encoding))

    def _written(self, field: str) -> str:
        if not any(character in field for character in self._special):
            return field
        dialect = self._dialect
        if dialect.quote_char is not None and (dialect.double_quote or dialect.escape_char is not None):
            return _quoted(dialect, dialect.quote_char, field)
        # Without quotes and escapes such a character came in no field of the file, only in our own sentences.
        escape = dialect.escape_char
        return "".join((" " if escape is None else escape + c) if c in self._special else c for c in field)


def _quoted(dialect: Dialect, quote: str, field: str) -> str:
    if dialect.escape_char is not None:
        field = field.replace(dialect.escape_char, dialect.escape_char * 2)
    twice = quote * 2 if dialect.double_quote else f"{dialect.escape_char}{quote}"
    return quote + field.replace(quote, twice) + quote
