"""Write rejected rows so that a person can mend the file and drop it again.

The rows stand in the original's columns, dialect and order; then come `_row`, `_code`, `_field`, `_message` and
`_run`. A row that could not be read as it was written carries a surplus field behind these (what it had too much of,
or an empty one): as long as that stands, the row is rejected again, instead of being imported with values that are
shifted or that stand for bytes which were no text. Nothing is counted or chosen here.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.domain.dialect import Dialect
from shared.domain.reject import MESSAGES, READING_CODES, Reject
from shared.formats.csv_writer import CsvWriter

OWN_COLUMNS = ("_row", "_code", "_field", "_message", "_run")


class RejectsFile:
    """Turns rejects into the bytes of one file, in order."""

    def __init__(self, dialect: Dialect, columns: Sequence[str], run_id: UUID) -> None:
        """`columns` are the original's header, or any names in its width where it had none."""
        self._has_header = dialect.has_header
        self._writer = CsvWriter(dialect)
        self._columns = columns
        self._run = str(run_id)

    def header(self) -> bytes:
        """The first line; empty for a dialect without a header, which could not tell it from a row."""
        return self._writer.rows([[*self._columns, *OWN_COLUMNS]]) if self._has_header else b""

    def rows(self, rejects: Iterable[Reject]) -> bytes:
        """The bytes of these rejects. Raises `UnwritableValue` where the dialect cannot express them."""
        return self._writer.rows(self._fields(reject) for reject in rejects)

    def _fields(self, reject: Reject) -> list[str]:
        width = len(self._columns)
        raw = [*reject.raw[:width], *[""] * (width - len(reject.raw))]
        own = [str(reject.line_number), reject.code.value, reject.field or "", MESSAGES[reject.code], self._run]
        surplus = list(reject.raw[width:]) or [""] if reject.code in READING_CODES else []
        return [*raw, *own, *surplus]
