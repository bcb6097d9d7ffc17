"""How these tests read: bytes in memory, results as plain values that can be compared."""

import io
from typing import NamedTuple

from shared.domain.dialect import Dialect
from shared.formats.batch import TableReader
from shared.formats.csv_reader import CsvReader
from shared.formats.limits import Limits
from shared.formats.text import as_utf8

Row = tuple[str, ...]


class Read(NamedTuple):
    """All that a reader says of a file, by record number."""

    header: Row | None
    width: int
    good: dict[int, tuple[int, Row]]
    """record number -> line number, fields"""
    bad: dict[int, tuple[int, str, Row]]
    """record number -> line number, code, raw fields"""


def read(
    data: bytes, dialect: Dialect | None = None, *, only_exact: bool = False, slice_bytes: int = 1 << 20, **bounds: int
) -> Read:
    """Read bytes whole."""
    return read_with_shares(data, dialect, only_exact=only_exact, slice_bytes=slice_bytes, **bounds)[0]


def read_with_shares(
    data: bytes, dialect: Dialect | None = None, *, only_exact: bool = False, slice_bytes: int = 1 << 20, **bounds: int
) -> tuple[Read, dict[str, int]]:
    """Read bytes whole, and say how many good rows took which path."""
    dialect = dialect or Dialect()
    limits = Limits(slice_bytes=slice_bytes, **bounds)
    return _read_whole(CsvReader(as_utf8(io.BytesIO(data), dialect.encoding), dialect, limits, only_exact=only_exact))


def read_from(reader: TableReader) -> Read:
    """All that a reader has to say."""
    return _read_whole(reader)[0]


def legible_in(reader: TableReader) -> dict[int, tuple[str | None, ...]]:
    """What can be read of the bad rows, by record number: all that a reader says when it is asked."""
    reader.keeps_legible = True
    found: dict[int, tuple[str | None, ...]] = {}
    for batch in reader:
        if batch.legible is not None:
            bad = {each.record_number for each in batch.bad}
            told = zip(batch.legible.record_numbers.tolist(), batch.legible.frame.iter_rows(), strict=True)
            found |= {record: row for record, row in told if record in bad}
    return found


def _read_whole(reader: TableReader) -> tuple[Read, dict[str, int]]:
    good: dict[int, tuple[int, Row]] = {}
    bad: dict[int, tuple[int, str, Row]] = {}
    shares = {"fast": 0, "exact": 0}
    for batch in reader:
        shares[batch.path] += batch.frame.height
        numbers = zip(batch.record_numbers.tolist(), batch.line_numbers.tolist(), strict=True)
        for (record, line), row in zip(numbers, batch.frame.iter_rows(), strict=True):
            assert record not in good
            good[record] = (line, row)
        for reject in batch.bad:
            assert reject.record_number not in bad
            bad[reject.record_number] = (reject.line_number, reject.code.value, reject.raw)
    assert sorted([*good, *bad]) == list(range(1, len(good) + len(bad) + 1))
    ordered = Read(reader.header, reader.width, dict(sorted(good.items())), dict(sorted(bad.items())))
    return ordered, shares
