"""Read a delimited text file in batches of columns: fast where it is regular, exact where it is not.

Regular stretches, proved by `csv_structure`, are parsed in bulk by polars; everything else has gone through the
parser of `csv_grammar`, which also defines what the bulk must mean. A batch's columns are all text, named by
position; an empty value is the empty string, whether it was quoted or not. Nulls, types and names are the mapping's
business.

Memory is bounded by the slice, not by the file. The reader is synchronous and belongs into a thread.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.failures import TooManyColumns
from shared.domain.reject import Reject, RejectCode
from shared.formats.batch import Batch, Legible, RawRow, legible_of, names
from shared.formats.csv_grammar import RecordParser
from shared.formats.csv_head import read_head
from shared.formats.csv_region import ExactRow, Region
from shared.formats.csv_scan import Scanner, first_fault
from shared.formats.csv_structure import Positions
from shared.formats.limits import Limits
from shared.formats.source import ByteSource
from shared.formats.text import BOM, shown

_OF_ONE_FIELD = frozenset({RejectCode.NUL_BYTE, RejectCode.UNDECODABLE, RejectCode.FIELD_TOO_LONG})
"""Faults of a value; others are such that nobody knows where one field ends and the next begins."""

_MISTAKEN = (BOM, b"x\x01", b"x^")
"""Beginnings that are values here. The last two are those of zlib streams (RFC 1950); the others' are no UTF-8."""


class CsvReader:
    """One pass over a file's text.

    `header` is None where the dialect has none, or where the file has no record at all. Construction reads the header
    and raises `UndecodableFile`, `HeaderChanged`, `TooManyColumns` or `RecordTooLong`. Without a header, the width is
    that of the first well-formed record among the first hundred.
    """

    def __init__(
        self, source: ByteSource, dialect: Dialect, limits: Limits | None = None, *, only_exact: bool = False
    ) -> None:
        """`source` gives UTF-8, as `text.as_utf8` does. `only_exact` is for tests and for doubts."""
        self._dialect = dialect
        self._limits = limits = limits or Limits()
        self._scanner = Scanner(source, dialect, limits, only_exact=only_exact)
        head = read_head(self._scanner, dialect)
        self.header = head.header
        self.width = head.width
        self.mapped: frozenset[int] | None = None
        self.keeps_legible = False
        self.unknown: dict[str, None] = {}
        self.is_empty = head.is_empty
        """Whether there is no record at all: no byte but a byte order mark, or blank lines and comments alone."""
        if self.width > limits.columns:
            raise TooManyColumns(f"Found {self.width}, expected at most {limits.columns}.")
        self._scanner.width = self.width

    def __iter__(self) -> Iterator[Batch]:
        for region in self._scanner.regions():
            if region.starts.size:
                yield self._fast(region)
            if region.exact:
                yield self._exact(region)

    def _fast(self, region: Region) -> Batch:
        text = region.regular_text()
        if text.startswith(_MISTAKEN):
            # The bulk parser drops one mark at the start of its text, and takes some texts for a compressed file.
            text = BOM + text
        frame = pl.read_csv(
            text,
            has_header=False,
            schema=dict.fromkeys(names(self.width), pl.String),
            separator=self._dialect.delimiter if region.rewriting is None else chr(region.rewriting.separator),
            quote_char=self._dialect.quote_char,
            empty_string_is_null=False,
        )
        # The regularity is proved, so another count would be a mistake of our own: better loud than wrong.
        if frame.height != region.starts.size:
            raise RuntimeError(f"found {frame.height} rows in bulk, expected {region.starts.size}")
        return Batch(frame, region.record_numbers, region.line_numbers, "fast")

    def _exact(self, region: Region) -> Batch:
        rows = region.exact
        is_good = np.array([row.code is None for row in rows])
        records, lines = region.exact_record_numbers, region.exact_line_numbers
        good = [[field.decode() for field in row.fields] for row in rows if row.code is None]
        bad = tuple(
            _reject(row, record, line, self._offset_of(region, row))
            for row, record, line in zip(rows, records.tolist(), lines.tolist(), strict=True)
            if row.code is not None
        )
        schema = dict.fromkeys(names(self.width), pl.String)
        frame = pl.DataFrame(good, schema=schema, orient="row")
        legible = self._legible(rows, records) if self.keeps_legible else None
        return Batch(frame, records[is_good], lines[is_good], "exact", bad, legible)

    def _legible(self, rows: Sequence[ExactRow], records: Positions) -> Legible | None:
        """The bad rows that have as many fields as they should, and well parted: only single ones cannot be read."""
        known = [
            (self._texts(row.fields), record)
            for row, record in zip(rows, records.tolist(), strict=True)
            if row.code in _OF_ONE_FIELD and len(row.fields) == self.width
        ]
        return legible_of([texts for texts, _ in known], [record for _, record in known], self.width)

    def _texts(self, fields: Sequence[bytes]) -> list[str | None]:
        longest = self._limits.field_bytes
        return [
            field.decode() if b"\0" not in field and len(field) <= longest and first_fault(field) is None else None
            for field in fields
        ]

    def _offset_of(self, region: Region, row: ExactRow) -> int | None:
        """Where the first byte of the row stands in the file that is no text; of any other fault nothing."""
        if row.code is not RejectCode.UNDECODABLE:
            return None
        fault = first_fault(region.data[row.start : row.end])
        return None if fault is None else self._scanner.offset_of(region.position + row.start + fault)


class RecordFetcher:
    """A second pass over the same text, for rows that proved unfit only after reading: when they were merged."""

    def __init__(self, source: ByteSource, dialect: Dialect, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._regions = CsvReader(source, dialect, limits)._scanner.regions()
        self._parser = RecordParser(dialect, limits)
        self._region: Region | None = None

    def rows(self, record_numbers: Sequence[int]) -> list[RawRow]:
        """The fields of the given records: ascending numbers, after the header, beyond all that were asked for before.

        Reads no further than the last of them.
        """
        wanted = np.asarray(record_numbers, dtype=np.int64)
        found: list[RawRow] = []
        while wanted.size:
            self._region = self._region or next(self._regions, None)
            if self._region is None:
                break
            region = self._region
            found += sorted([*_fetched(region, wanted, self._parser), *_fetched_exactly(region, wanted)])
            last = max([*region.record_numbers[-1:].tolist(), *region.exact_record_numbers[-1:].tolist()], default=0)
            wanted = wanted[wanted > last]
            if wanted.size:
                self._region = None
        return found


def _fetched(region: Region, wanted: Positions, parser: RecordParser) -> Iterator[RawRow]:
    _, places, _ = np.intersect1d(region.record_numbers, wanted, assume_unique=True, return_indices=True)
    for place in places.tolist():
        # A regular record has its line end, so the slice need not be the file's last to make it whole.
        record = parser.parse(region.data, int(region.starts[place]), is_last=True)
        assert record is not None
        yield _raw_row(record.fields, int(region.record_numbers[place]), int(region.line_numbers[place]))


def _fetched_exactly(region: Region, wanted: Positions) -> Iterator[RawRow]:
    _, places, _ = np.intersect1d(region.exact_record_numbers, wanted, assume_unique=True, return_indices=True)
    for place in places.tolist():
        yield _raw_row(
            region.exact[place].fields,
            int(region.exact_record_numbers[place]),
            int(region.exact_line_numbers[place]),
        )


def _raw_row(fields: list[bytes], record_number: int, line_number: int) -> RawRow:
    return RawRow(record_number, line_number, tuple(map(shown, fields)))


def _reject(row: ExactRow, record_number: int, line_number: int, byte_offset: int | None) -> Reject:
    assert row.code is not None
    return Reject(
        record_number=record_number,
        line_number=line_number,
        code=row.code,
        raw=tuple(map(shown, row.fields)),
        byte_offset=byte_offset,
    )
