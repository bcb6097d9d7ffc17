"""A run's rejects as a file that can be mended and dropped again: the goal's dialect, the original's columns.

Behind them stand _row, _code, _field, _message and _run, which the goal does not map and so ignores. Fields are
written as they were read, undecodable bytes as those bytes; formulas are not defused, since that would change them.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.domain.dialect import Dialect
from shared.domain.reject import MESSAGES, Reject

OWN_COLUMNS = ("_row", "_code", "_field", "_message", "_run")


def header_line(dialect: Dialect, columns: Sequence[str]) -> bytes:
    """The first line; empty for a dialect without a header, which could not tell it from a row."""
    return _line(dialect, [*columns, *OWN_COLUMNS]) if dialect.has_header else b""


def reject_line(dialect: Dialect, columns: Sequence[str], reject: Reject, run_id: UUID) -> bytes:
    """One rejected row. A row with too few or too many fields keeps its fields; its reason then moves along."""
    missing = [""] * (len(columns) - len(reject.raw))
    own = (str(reject.line_number), reject.code.value, reject.field or "", MESSAGES[reject.code], str(run_id))
    return _line(dialect, [*reject.raw, *missing, *own])


def _line(dialect: Dialect, fields: Iterable[str]) -> bytes:
    text = dialect.delimiter.join(_written(dialect, field) for field in fields) + "\r\n"
    return text.encode(dialect.encoding, "surrogateescape")


def _written(dialect: Dialect, field: str) -> str:
    special = [dialect.delimiter, "\r", "\n", *filter(None, (dialect.quote_char, dialect.escape_char))]
    if not any(character in field for character in special):
        return field
    if dialect.quote_char is not None and (dialect.double_quote or dialect.escape_char is not None):
        return _quoted(dialect, dialect.quote_char, field)
    if dialect.escape_char is not None:
        return "".join(dialect.escape_char + c if c in special else c for c in field)
    # Neither quotes nor escapes: such a character came in no field of the file, only in our own sentences.
    return "".join(" " if c in special else c for c in field)


def _quoted(dialect: Dialect, quote: str, field: str) -> str:
    if dialect.escape_char is not None:
        field = field.replace(dialect.escape_char, dialect.escape_char * 2)
    twice = quote * 2 if dialect.double_quote else f"{dialect.escape_char}{quote}"
    return quote + field.replace(quote, twice) + quote
