"""The rows of a sheet, one by one, as its XML streams by: cells with their kind, nothing interpreted.

Only what has a place in a table is read: where a cell stands, its kind, its format and its value. Cells that follow a
merged one are empty, as they are stored; rows and columns that are hidden or filtered are there.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.domain.failures import DamagedWorkbook, RecordTooLong
from shared.formats.limits import Limits
from shared.formats.source import ByteSource
from shared.formats.xml_part import Attributes, local, parse

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
"""Of a sheet (Excel's specification; ECMA-376 names no other)."""
_LETTERS = re.compile("[A-Z]{1,3}")


Cell = tuple[int, str, str | None, str | None, bool]
"""A cell that has something: its column (0-based); its kind (n, s, str, inlineStr, b, e or d: ECMA-376-1, 18.18.11);
its format; its value, None where the file has none; whether it has a formula. A plain tuple: there are millions."""


class SheetRow(NamedTuple):
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
        self._max_size = limits.record_bytes
        self._done: list[SheetRow] = []
        self._columns: dict[str, int] = {}
        self._number = 0
        self._cells: list[Cell] | None = None
        self._is_cell = False
        self._column = -1
        self._kind = "n"
        self._style: str | None = None
        self._parts: list[str] | None = None
        """Of the value; None where there is none yet."""
        self._has_formula = False
        self._is_value = False
        self._spoken = 0
        self._size = 0

    def taken(self) -> list[SheetRow]:
        """The rows that are whole; they are given once."""
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        if name == "c":
            if self._cells is not None:
                self._is_cell = True
                self._column = self._column_of(attributes.get("r"))
                self._kind = attributes.get("t") or "n"
                self._style = attributes.get("s")
        elif name == "v" or (name == "t" and not self._spoken):
            if self._is_cell:
                self._is_value = True
                if self._parts is None:
                    self._parts = []
        elif name == "row":
            self._number = self._row_number(attributes.get("r"))
            self._cells, self._size, self._column = [], 0, -1
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._spoken += 1
        elif ":" in name:
            self.start(local(name), attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "c":
            if self._cells is not None and (self._parts or self._has_formula):
                value = None if self._parts is None else "".join(self._parts)
                self._cells.append((self._column, self._kind, self._style, value, self._has_formula))
            self._is_cell = self._has_formula = False
            self._parts = None
        elif name in ("v", "t"):
            self._is_value = False
        elif name == "row":
            if self._cells:
                self._done.append(SheetRow(self._number, self._cells, self._size))
            self._cells = None
        elif name == "rPh":
            self._spoken -= 1
        elif ":" in name:
            self.end(local(name))

    def text(self, data: str) -> None:
        """Text between elements."""
        if not self._is_value or self._parts is None:
            return
        self._size += len(data)
        if self._size > self._max_size:
            raise RecordTooLong(f"Row {self._number} has more than {self._max_size} characters.")
        self._parts.append(data)

    def _row_number(self, text: str | None) -> int:
        if self._cells is not None:
            raise DamagedWorkbook(f"Found a row within row {self._number}.")
        number = self._number + 1
        if text is not None:
            number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
        if not self._number < number <= MAX_ROWS:
            raise DamagedWorkbook(f"Found a row behind row {self._number} that is not below it, or beyond {MAX_ROWS}.")
        return number

    def _column_of(self, reference: str | None) -> int:
        column = self._column + 1
        if reference is not None:
            letters = reference.rstrip("0123456789")
            found = self._columns.get(letters)
            column = self._columns.setdefault(letters, _number_of(letters)) if found is None else found
        if not self._column < column < MAX_COLUMNS:
            raise DamagedWorkbook(f"Found a cell in row {self._number} that is not right of the one before it.")
        return column


def _number_of(letters: str) -> int:
    """0 for A; beyond all columns for what is none."""
    number = 0
    if not _LETTERS.fullmatch(letters):
        return MAX_COLUMNS
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
