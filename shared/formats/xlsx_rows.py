"""The rows of a sheet, one by one, as its XML streams by: cells with their kind, nothing interpreted.

Only what has a place in a table is read: where a cell stands, its kind, its format and its value. Cells that follow a
merged one are empty, as they are stored; rows and columns that are hidden or filtered are there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.failures import DamagedWorkbook, RecordTooLong
from shared.formats.limits import Limits
from shared.formats.source import ByteSource
from shared.formats.xml_part import Attributes, parse

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
"""Of a sheet (Excel's specification; ECMA-376 names no other)."""
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


@dataclass(slots=True)
class Cell:
    """One cell that has something."""

    column: int
    """0-based."""
    kind: str
    """ECMA-376-1, 18.18.11: n, s, str, inlineStr, b, e, d."""
    style: str | None
    value: str | None = None
    has_formula: bool = False


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row that has cells."""

    number: int
    """1-based, as the sheet shows it."""
    cells: list[Cell]
    size: int
    """Characters of its values."""


def rows(source: ByteSource, limits: Limits) -> Iterator[SheetRow]:
    """The rows in order. Raises `DamagedWorkbook`, and `RecordTooLong` beyond the limit of a record."""
    gathering = _Rows(limits)
    for _ in parse(source, "the sheet", start=gathering.start, end=gathering.end, text=gathering.text):
        yield from gathering.taken()


class _Rows:
    """Follows the parser through `sheetData/row/c`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._done: list[SheetRow] = []
        self._columns: dict[str, int] = {}
        self._number = 0
        self._cells: list[Cell] | None = None
        self._cell: Cell | None = None
        self._parts: list[str] = []
        self._is_value = False
        self._spoken = 0
        self._size = 0

    def taken(self) -> list[SheetRow]:
        """The rows that are whole; they are given once."""
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        if name == "c" and self._cells is not None:
            self._cell = Cell(self._column(attributes.get("r")), attributes.get("t") or "n", attributes.get("s"))
            self._parts = []
        elif name == "row":
            self._number = self._row_number(attributes.get("r"))
            self._cells, self._size = [], 0
        elif self._cell is not None:
            if name == "v" or (name == "t" and not self._spoken):
                self._is_value = True
                if self._cell.value is None:
                    self._cell.value = ""
            elif name == "f":
                self._cell.has_formula = True
            elif name == "rPh":
                self._spoken += 1

    def end(self, name: str) -> None:
        """An element ends."""
        if name in ("v", "t"):
            self._is_value = False
        elif name == "c" and self._cell is not None and self._cells is not None:
            if self._cell.value is not None:
                self._cell.value = "".join(self._parts)
            if self._cell.value or self._cell.has_formula:
                self._cells.append(self._cell)
            self._column_before = self._cell.column
            self._cell = None
        elif name == "row" and self._cells is not None:
            if self._cells:
                self._done.append(SheetRow(self._number, self._cells, self._size))
            self._cells = None
        elif name == "rPh":
            self._spoken -= 1

    def text(self, data: str) -> None:
        """Text between elements."""
        if not self._is_value:
            return
        self._size += len(data)
        if self._size > self._limits.record_bytes:
            raise RecordTooLong(f"Row {self._number} has more than {self._limits.record_bytes} characters.")
        self._parts.append(data)

    def _row_number(self, text: str | None) -> int:
        if self._cells is not None:
            raise DamagedWorkbook(f"Found a row within row {self._number}.")
        self._column_before = -1
        number = self._number + 1
        if text is not None:
            number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
        if not self._number < number <= MAX_ROWS:
            raise DamagedWorkbook(f"Found a row behind row {self._number} that is not below it, or beyond {MAX_ROWS}.")
        return number

    def _column(self, reference: str | None) -> int:
        column = self._column_before + 1
        if reference is not None:
            found = _REFERENCE.fullmatch(reference)
            letters = found[1] if found is not None else ""
            column = self._columns.get(letters, -1)
            if column < 0:
                column = self._columns[letters] = _column_of(letters)
        if not self._column_before < column < MAX_COLUMNS:
            raise DamagedWorkbook(f"Found a cell in row {self._number} that is not right of the one before it.")
        return column


def _column_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
