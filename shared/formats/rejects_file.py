"""Write rejected rows so that a person can mend the file and drop it again.

The rows stand in the original's columns, dialect and order; then come `_row`, `_code`, `_field`, `_message` and
`_run`, which the goal does not map and so ignores. A row that could not be read as it was written carries a surplus
field behind these (what it had too much of, or an empty one): as long as that stands, the row is rejected again,
instead of being imported with values that are shifted or that stand for bytes which were no text.

Unlike csv_writer this refuses nothing: what was not imported is often just what a dialect cannot express. Fields are
written as they were read, undecodable bytes as those bytes; formulas are not defused, since that would change them.
"""

import codecs
from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.domain.dialect import Dialect
from shared.domain.reject import MESSAGES, READING_CODES, Reject

OWN_COLUMNS = ("_row", "_code", "_field", "_message", "_run")


class RejectsFile:
    """Turns rejects into the bytes of one file, in order. It opens and keeps nothing."""

    def __init__(self, dialect: Dialect, columns: Sequence[str], run_id: UUID) -> None:
        """`columns` are the original's header, or any names in its width where it had none."""
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
        """The bytes of these rejects."""
        return b"".join(self._line(self._fields(reject)) for reject in rejects)

    def _fields(self, reject: Reject) -> list[str]:
        width = len(self._columns)
        raw = [*reject.raw[:width], *[""] * (width - len(reject.raw))]
        own = [str(reject.line_number), reject.code.value, reject.field or "", MESSAGES[reject.code], str(self._run_id)]
        surplus = list(reject.raw[width:]) or [""] if reject.code in READING_CODES else []
        return [*raw, *own, *surplus]

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
