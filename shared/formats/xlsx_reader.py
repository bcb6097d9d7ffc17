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

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, TooManyColumns
from shared.domain.reject import MESSAGES, Reject, RejectCode
from shared.formats.batch import Batch, Gathering
from shared.formats.cell_text import CellText
from shared.formats.csv_head import joined
from shared.formats.limits import Limits
from shared.formats.source import ByteSource
from shared.formats.xlsx_rows import Cell, SheetRow, rows
from shared.formats.xlsx_strings import unescaped
from shared.formats.xlsx_styles import moment_of, time_of
from shared.formats.xlsx_workbook import Workbook

_PEEKED_ROWS = 100
_SURROGATE = re.compile("[\ud800-\udfff]")
_TEXTS = frozenset({"str", "inlineStr"})


class _Text(NamedTuple):
    """A cell's text, and what is wrong with it."""

    text: str
    code: RejectCode | None = None


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
        self.header: tuple[str, ...] | None = None
        self.is_empty = False
        if dialect.has_header:
            self.header = self._read_header()
            self.width = len(self.header or ())
        else:
            self._skip()
            peeked = list(islice(self._rows, _PEEKED_ROWS))
            self._rows = chain(peeked, self._rows)
            self.is_empty = not peeked
            self.width = max((row.cells[-1].column + 1 for row in peeked), default=0)
        if self.width > self._limits.columns:
            raise TooManyColumns(f"Found {self.width}, expected at most {self._limits.columns}.")

    def __iter__(self) -> Iterator[Batch]:
        gathering = Gathering(self.width, self._limits.slice_bytes)
        record = 0
        for row in self._rows:
            texts = [(cell.column, self._of(cell)) for cell in row.cells]
            if not any(each.text or each.code for _, each in texts) or self._is_comment(texts):
                continue
            record += 1
            fields = [""] * max(self.width, row.cells[-1].column + 1)
            for column, each in texts:
                fields[column] = each.text
            reject = self._judge(record, row, texts, fields)
            if reject is None:
                gathering.add(record, row.number, fields[: self.width], row.size + len(fields))
            else:
                gathering.reject(reject, row.size + len(fields))
            if gathering.is_full and (batch := gathering.batch()) is not None:
                yield batch
        if (batch := gathering.batch()) is not None:
            yield batch

    def _judge(self, record: int, row: SheetRow, texts: list[tuple[int, _Text]], fields: list[str]) -> Reject | None:
        """What is wrong with a row, if anything."""
        code: RejectCode | None = None
        field: str | None = None
        for column, each in texts:
            if column >= self.width:
                if each.text:
                    code, field = RejectCode.TOO_MANY_FIELDS, None
                    break
                continue
            found = each.code if self.mapped is None or column in self.mapped else None
            if "\0" in each.text:
                found = RejectCode.NUL_BYTE
            elif len(each.text) > self._limits.field_bytes // 4 and (
                len(each.text.encode("utf-8", "surrogatepass")) > self._limits.field_bytes
            ):
                found = RejectCode.FIELD_TOO_LONG
            elif not each.text.isascii() and not _is_text(each.text):
                found = RejectCode.UNDECODABLE
            if found is not None and code is None:
                code, field = found, self._name(column)
        if code is None:
            return None
        raw = tuple(text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode() for text in fields)
        return Reject(record_number=record, line_number=row.number, code=code, field=field, raw=raw)

    def _name(self, column: int) -> str | None:
        return self.header[column] if self.header is not None else None

    def _is_comment(self, texts: list[tuple[int, _Text]]) -> bool:
        mark = self._dialect.comment_char
        return mark is not None and texts[0][0] == 0 and texts[0][1].text.startswith(mark)

    def _of(self, cell: Cell) -> _Text:
        if cell.value is None:
            return _Text("", RejectCode.CELL_WITHOUT_VALUE if cell.has_formula else None)
        if cell.kind == "s":
            return _Text(self._book.strings.text(int(cell.value) if _is_number(cell.value) else -1))
        if cell.kind in _TEXTS:
            return _Text(unescaped(cell.value))
        if cell.kind == "b":
            return _Text("true" if cell.value == "1" else "false")
        if cell.kind == "e":
            return _Text(cell.value, RejectCode.CELL_ERROR)
        if cell.kind == "d" or not self._book.styles.is_date(cell.style):
            return _Text(cell.value if cell.kind == "d" else self._text.stored_number(cell.value))
        return _Text(self._dated(cell.value, is_time=self._book.styles.is_time(cell.style)))

    def _dated(self, value: str, *, is_time: bool) -> str:
        moment = moment_of(value, since_1904=self._book.since_1904)
        if moment is None:
            return self._text.stored_number(value)
        return time_of(value) if is_time else self._text.moment(moment)

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
        names = [""] * (row.cells[-1].column + 1)
        for cell in row.cells:
            found = self._of(cell)
            if found.code is not None:
                raise HeaderChanged(f"The header in row {row.number} cannot be read. {MESSAGES[found.code]}")
            names[cell.column] = found.text
        while names and not names[-1]:
            names.pop()
        return tuple(names)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12


def _is_text(text: str) -> bool:
    return _SURROGATE.search(text) is None
