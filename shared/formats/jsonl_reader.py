"""Read JSON Lines: an object of JSON (RFC 8259) on each line, its keys the columns.

* The columns are all keys of the file, in the order in which they first appear, which one pass finds before the rows
  are read in another. A key that an object lacks and others have, null and "" are all nothing; one that no object has
  is no column.
* An object in an object is flattened: `{"home": {"city": "Ghent"}}` has the column `home.city`. Ten levels at most.
* A list of scalars becomes their text, joined with the dialect's listDelimiter; null items are dropped. A list of
  objects or lists is no value of a property: it rejects the row where the column is wanted, and else is its JSON.
* Numbers are taken as they are written, never through binary floating point: with the dialect's decimal character, and
  without an exponent.
* A line that is no object or has more than a hundred levels, a key that comes twice, NaN, Infinity, half a surrogate
  pair: the row is a reject. A line of white space alone is none.

Lines end with LF; a CR before it is white space. Memory is bounded by the slice and by the longest line.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing

from shared.domain.dialect import Dialect
from shared.domain.failures import RecordTooLong, TooManyColumns
from shared.domain.reject import Reject, RejectCode
from shared.formats.batch import Batch, Gathering
from shared.formats.cell_text import CellText
from shared.formats.csv_scan import first_fault
from shared.formats.json_object import UNREAD, Number, Unfit, as_json, flattened, object_in_part, object_of
from shared.formats.limits import Limits
from shared.formats.text import TextSource, is_text, shown

TextOpener = Callable[[], AbstractContextManager[TextSource]]


class JsonLinesReader:
    """Rows of a file that is opened anew for each pass. `header` is None where the file has no object at all."""

    def __init__(
        self,
        open_text: TextOpener,
        dialect: Dialect,
        limits: Limits | None = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> None:
        """`columns`: these and no others, as they are known from another file of the same archive or from a first
        reading; then none has to be looked for.

        Construction reads the file once. Raises `TooManyColumns`, `RecordTooLong`, `UndecodableFile`.
        """
        self._open_text = open_text
        self._limits = limits or Limits()
        self._text = CellText(dialect)
        self.mapped: frozenset[int] | None = None
        self.keeps_legible = False
        self.unknown: dict[str, None] = {}
        """Keys that are no columns, of the rows read so far, where the columns were given; so many at most as there may
        be columns."""
        found = self._find_columns() if columns is None else self._given(columns)
        self.is_empty = found is None
        self.header: tuple[str, ...] | None = None if found is None else tuple(found)
        self.width = len(self.header or ())
        self._places = {name: place for place, name in enumerate(self.header or ())}
        self._sorted = sorted(self._places)

    def __iter__(self) -> Iterator[Batch]:
        gathering = Gathering(self.width, self._limits.slice_bytes)
        with self._open_text() as source, closing(_lines(source, self._limits)) as lines:
            record = 0
            for line_number, position, line in lines:
                if not line or line.isspace():
                    continue
                record += 1
                # A row has a place for every column, however few of them its line names.
                size = len(line) + self.width
                try:
                    fields = self._fields(line)
                except Unfit as unfit:
                    reject = self._reject(record, line_number, position, line, unfit, source)
                    gathering.reject(reject, size, self._legible(line) if self.keeps_legible else None)
                else:
                    gathering.add(record, line_number, fields, size)
                if gathering.is_full and (batch := gathering.batch()) is not None:
                    yield batch
        if (batch := gathering.batch()) is not None:
            yield batch

    def _find_columns(self) -> list[str] | None:
        """Every key of the file, flattened; None where there is nothing but white space."""
        known: dict[str, None] = {}
        has_lines = False
        with self._open_text() as source, closing(_lines(source, self._limits)) as lines:
            for _, _, line in lines:
                if not line or line.isspace():
                    continue
                has_lines = True
                try:
                    found = json.loads(line, parse_int=Number, parse_float=Number)
                except (ValueError, RecursionError):
                    continue  # A reject, of which the pass over the rows tells.
                if not isinstance(found, dict):
                    continue
                if found.keys() <= known.keys() and not any(isinstance(value, dict) for value in found.values()):
                    continue
                for name, _ in flattened(found):
                    known[name] = None
                    if len(known) > self._limits.columns:
                        raise TooManyColumns(f"Found more than {self._limits.columns} keys.")
        return list(known) if has_lines else None

    def _given(self, columns: Sequence[str]) -> list[str] | None:
        with self._open_text() as source, closing(_lines(source, self._limits)) as lines:
            has_lines = any(line and not line.isspace() for _, _, line in lines)
        return list(columns) if has_lines else None

    def _fields(self, line: bytes) -> list[str]:
        fields = [""] * self.width
        seen: set[str] = set()
        total = 0
        for name, value in flattened(object_of(line)):
            place = self._places.get(name)
            if place is None:
                if len(self.unknown) < self._limits.columns:
                    self.unknown[name] = None
                continue
            if name in seen:
                raise Unfit(RejectCode.DUPLICATE_KEY, name)
            seen.add(name)
            if value is None:
                continue
            text = self._text_of(value, name, place)
            total += len(text)
            fields[place] = text
        if total * 4 > self._limits.field_bytes:
            for name, place in self._places.items():
                if len(fields[place].encode()) > self._limits.field_bytes:
                    raise Unfit(RejectCode.FIELD_TOO_LONG, name)
        return fields

    def _legible(self, line: bytes) -> list[str | None] | None:
        """What can be read of a bad line, by columns; nothing where it is no object with keys that can be read."""
        fields: list[str | None] = [""] * self.width
        found = object_in_part(line)
        if found is None:
            return None
        seen: set[int] = set()
        for name, value in flattened(found):
            # Of a key that comes twice it cannot be said which value is meant, nor which of those that lie under it.
            places = self._under(name) if value is UNREAD else [self._places[name]] if name in self._places else []
            for place in places:
                fields[place] = None if value is UNREAD or place in seen else self._legible_text(value, name, place)
            seen.update(places)
        return fields

    def _under(self, name: str) -> list[int]:
        """The column of a name, and those of what would lie under it."""
        # Looked up and not looked through: a line may have as many such names as it has bytes.
        first, last = (bisect_left(self._sorted, f"{name}{mark}") for mark in "./")
        own = [name] if name in self._places else []
        return [self._places[column] for column in own + self._sorted[first:last]]

    def _legible_text(self, value: object, name: str, place: int) -> str | None:
        if value is None:
            return ""
        if isinstance(value, list) and any(item is UNREAD for item in value):
            return None
        try:
            text = self._text_of(value, name, place)
        except Unfit:
            return None
        return text if len(text.encode()) <= self._limits.field_bytes else None

    def _text_of(self, value: object, name: str, place: int) -> str:
        text = self._written(value, name, is_wanted=self.mapped is None or place in self.mapped)
        if "\0" in text:
            raise Unfit(RejectCode.NUL_BYTE, name)
        if not text.isascii() and not is_text(text):
            raise Unfit(RejectCode.UNDECODABLE, name)
        return text

    def _written(self, value: object, name: str, *, is_wanted: bool) -> str:
        if isinstance(value, list):
            return self._listed(value, name, is_wanted=is_wanted)
        if isinstance(value, dict):
            if is_wanted:
                raise Unfit(RejectCode.NESTED_VALUE, name)
            return as_json(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        return self._text.number(value) if isinstance(value, Number) else str(value)

    def _listed(self, items: list[object], name: str, *, is_wanted: bool) -> str:
        if any(isinstance(item, (list, dict)) for item in items):
            if is_wanted:
                raise Unfit(RejectCode.NESTED_VALUE, name)
            return as_json(items)
        texts = [self._written(item, name, is_wanted=is_wanted) for item in items if item is not None]
        delimiter = self._text.list_delimiter
        if is_wanted and any(delimiter in text for text in texts):
            raise Unfit(RejectCode.LIST_DELIMITER_IN_ITEM, name)
        return delimiter.join(texts)

    def _reject(
        self, record: int, line_number: int, position: int, line: bytes, unfit: Unfit, source: TextSource
    ) -> Reject:
        fault = first_fault(line) if unfit.code is RejectCode.UNDECODABLE else None
        return Reject(
            record_number=record,
            line_number=line_number,
            code=unfit.code,
            field=unfit.field,
            raw=self._raw(line),
            byte_offset=None if fault is None else source.offset_of(position + fault),
        )

    def _raw(self, line: bytes) -> tuple[str, ...]:
        """The row as far as it can be told; else the line, as if it were the first value."""
        fields = [""] * self.width
        try:
            for name, value in flattened(object_of(line)):
                place = self._places.get(name)
                if place is not None and value is not None:
                    fields[place] = self._told(value, name)
        except Unfit:
            return (shown(line.strip()),)
        return tuple(shown(field.encode("utf-8", "surrogatepass")) for field in fields)

    def _told(self, value: object, name: str) -> str:
        """A value as good rows have it; else in JSON."""
        try:
            return self._written(value, name, is_wanted=True)
        except Unfit:
            return as_json(value)


def _lines(source: TextSource, limits: Limits) -> Generator[tuple[int, int, bytes], None, None]:
    """Each line with its number and its position in the text. Raises `RecordTooLong`."""
    number, position, rest = 0, 0, b""
    while True:
        data = source.read(limits.slice_bytes)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            number += 1
            _check_length(line, number, limits)
            yield number, position, line
            position += len(line) + 1
        _check_length(rest, number + 1, limits)
        if not data:
            break
    if rest:
        yield number + 1, position, rest


def _check_length(line: bytes, number: int, limits: Limits) -> None:
    if len(line) > limits.record_bytes:
        raise RecordTooLong(f"Line {number} has more than {limits.record_bytes} bytes.")
