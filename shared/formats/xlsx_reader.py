"""Read a sheet of a workbook in batches of text columns.

* A row's number is the sheet's. Rows without any value are no records. Columns are the sheet's, from A on; the header
  tells how many there are, and a value beyond them rejects its row. Without a header the widest of the first hundred
  rows tells it.
* Numbers are as they are stored: whole ones exactly, others to the fifteen digits that Excel shows. A number whose
  format is that of a date is a date in the dialect's dateFormat, followed by its time in ISO notation where it has one;
  a time alone is `HH:MM:SS`. Other formats (a percent sign, leading zeros, a currency) are not part of a value.
* true and false; of a formula the result that was stored with it. An error such as #N/A, and a formula without a
  result, reject the row where the column is wanted; elsewhere they are their text, or nothing.
* Of merged cells the first one has the value, the others none. Hidden rows, columns and filters hide nothing here.
"""

from collections.abc import Iterator
from itertools import chain, islice

from shared.domain.dialect import Dialect
from shared.domain.failures import DamagedWorkbook, HeaderChanged, TooManyColumns
from shared.domain.reject import MESSAGES, Reject, RejectCode
from shared.formats.batch import Batch, Gathering
from shared.formats.cell_text import CellText
from shared.formats.csv_head import joined
from shared.formats.limits import Limits
from shared.formats.source import ByteSource
from shared.formats.text import is_text
from shared.formats.xlsx_rows import Cell, SheetRow, rows
from shared.formats.xlsx_strings import unescaped
from shared.formats.xlsx_styles import moment_of, time_of
from shared.formats.xlsx_workbook import Workbook

_PEEKED_ROWS = 100
_SURPLUS_FIELDS = 10
"""So many values beyond the columns are told of a row that has any."""
_MAX_DIGITS = 12
_TEXTS = frozenset({"str", "inlineStr"})


class XlsxReader:
    """One pass over a sheet. `header` is None where the dialect has none, or where the sheet has no value at all."""

    def __init__(self, sheet: ByteSource, book: Workbook, dialect: Dialect, limits: Limits | None = None) -> None:
        """Raises `HeaderChanged`, `TooManyColumns`, `DamagedWorkbook`, `RecordTooLong`."""
        self._book = book
        self._dialect = dialect
        self._limits = limits or Limits()
        self._text = CellText(dialect)
        self._rows: Iterator[SheetRow] = rows(sheet, self._limits)
        self.mapped: frozenset[int] | None = None
        self.keeps_legible = False
        self.unknown: dict[str, None] = {}
        self.header: tuple[str, ...] | None = None
        self.width = 0
        self.is_empty = False
        if dialect.has_header:
            self.header = self._read_header()
            self.width = len(self.header or ())
        else:
            self._skip()
            peeked = list(islice(self._rows, _PEEKED_ROWS))
            self._rows = chain(peeked, self._rows)
            self.is_empty = not peeked
            self.width = max((row.cells[-1][0] + 1 for row in peeked), default=0)
        if self.width > self._limits.columns:
            raise TooManyColumns(f"Found {self.width}, expected at most {self._limits.columns}.")

    def __iter__(self) -> Iterator[Batch]:
        gathering = Gathering(self.width, self._limits.slice_bytes)
        record = 0
        for row in self._rows:
            faults: dict[int, RejectCode] = {}
            fields = self._fields(row.cells, faults)
            if not (faults or any(fields)) or self._is_comment(fields):
                continue
            record += 1
            reject = self._judge(record, row.number, fields, faults)
            if reject is None:
                gathering.add(record, row.number, fields[: self.width], row.size + len(fields))
            else:
                legible = self._legible(fields, faults) if self.keeps_legible else None
                gathering.reject(reject, row.size + len(fields), legible)
            if gathering.is_full and (batch := gathering.batch()) is not None:
                yield batch
        if (batch := gathering.batch()) is not None:
            yield batch

    def _judge(
        self, record_number: int, row_number: int, fields: list[str], faults: dict[int, RejectCode]
    ) -> Reject | None:
        """What is wrong with a row, if anything."""
        found = self._fault(fields, faults)
        if found is None:
            return None
        code, column = found
        # A cell may stand far to the right of all others: what lies between is nothing that anybody wrote.
        surplus = fields[self.width :]
        if len(surplus) > _SURPLUS_FIELDS:
            surplus = list(islice(filter(None, surplus), _SURPLUS_FIELDS))
        told = [*fields[: self.width], *surplus]
        raw = tuple(text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode() for text in told)
        name = self.header[column] if self.header is not None and column is not None else None
        return Reject(record_number=record_number, line_number=row_number, code=code, field=name, raw=raw)

    def _fault(self, fields: list[str], faults: dict[int, RejectCode]) -> tuple[RejectCode, int | None] | None:
        if len(fields) > self.width and any(fields[self.width :]):
            return RejectCode.TOO_MANY_FIELDS, None
        for column, code in faults.items():
            if column < self.width and self._is_wanted(column):
                return code, column
        text = "".join(fields)
        if text.isascii() and "\0" not in text and len(text) <= self._limits.field_bytes:
            return None
        for column, text in enumerate(fields):
            text_fault = self._text_fault(text)
            if text_fault is not None:
                return text_fault, column
        return None

    def _text_fault(self, text: str) -> RejectCode | None:
        if "\0" in text:
            return RejectCode.NUL_BYTE
        if not is_text(text):
            return RejectCode.UNDECODABLE
        return RejectCode.FIELD_TOO_LONG if len(text.encode()) > self._limits.field_bytes else None

    def _is_wanted(self, column: int) -> bool:
        return self.mapped is None or column in self.mapped

    def _legible(self, fields: list[str], faults: dict[int, RejectCode]) -> list[str | None]:
        """What can be read of a bad row: a cell says itself in which column it stands."""
        unread = {column for column in faults if self._is_wanted(column)}
        return [
            None if column in unread or self._text_fault(text) is not None else text
            for column, text in enumerate(fields[: self.width])
        ]

    def _is_comment(self, fields: list[str]) -> bool:
        mark = self._dialect.comment_char
        return mark is not None and fields[0].startswith(mark)

    def _fields(self, cells: list[Cell], faults: dict[int, RejectCode]) -> list[str]:
        """The row's texts, at least as many as there are columns, and what is wrong with some of them."""
        fields = [""] * max(self.width, cells[-1][0] + 1)
        texts = self._book.strings.text
        for cell in cells:
            column, kind, _, value, _ = cell
            if kind == "s" and value and value.isdecimal() and len(value) < _MAX_DIGITS:
                fields[column] = texts(int(value))
            else:
                fields[column] = self._of(cell, faults)
        return fields

    def _of(self, cell: Cell, faults: dict[int, RejectCode]) -> str:
        column, kind, style, value, has_formula = cell
        # Some programs write an empty number where they have not calculated; an empty text is a result.
        if value is None or (not value and kind not in _TEXTS):
            if has_formula:
                faults[column] = RejectCode.CELL_WITHOUT_VALUE
            return ""
        if kind == "n":
            is_date = style is not None and self._book.styles.is_date(style)
            return self._dated(value, style) if is_date else self._text.stored_number(value)
        if kind in _TEXTS:
            return unescaped(value)
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind == "e":
            faults[column] = RejectCode.CELL_ERROR
        elif kind == "s":
            raise DamagedWorkbook("Found a cell with a shared text that has no number.")
        return value

    def _dated(self, value: str, style: str | None) -> str:
        moment = moment_of(value, since_1904=self._book.since_1904)
        if moment is None:
            return self._text.stored_number(value)
        return time_of(value) if self._book.styles.is_time(style) else self._text.moment(moment)

    def _skip(self) -> None:
        last = max(self._dialect.comment_rows, default=0)
        while last:
            row = next(self._rows, None)
            if row is None or row.number > last:
                self._rows = chain([] if row is None else [row], self._rows)
                return

    def _read_header(self) -> tuple[str, ...] | None:
        wanted = self._dialect.header_rows
        parts: list[tuple[str, ...]] = []
        has_rows = False
        for row in self._rows:
            has_rows = True
            if wanted and row.number != wanted[len(parts)]:
                if row.number > wanted[len(parts)]:
                    break
                continue
            names = self._names(row)
            if not wanted and (not any(names) or names[0].startswith(self._dialect.comment_char or "\0")):
                continue
            parts.append(names)
            if len(parts) == max(len(wanted), 1):
                self._skip()
                return joined(parts, self._dialect.header_join)
        if wanted and has_rows:
            raise HeaderChanged(
                f"Expected a row of the header in row {wanted[len(parts)]} of the sheet, found none there."
            )
        self.is_empty = True
        return None

    def _names(self, row: SheetRow) -> tuple[str, ...]:
        faults: dict[int, RejectCode] = {}
        names = self._fields(row.cells, faults)
        for code in faults.values():
            raise HeaderChanged(f"The header in row {row.number} cannot be read. {MESSAGES[code]}")
        if not all(map(is_text, names)):
            raise HeaderChanged(f"The header in row {row.number} has a NUL or half a surrogate pair, as no name has.")
        while names and not names[-1]:
            names.pop()
        return tuple(names)
