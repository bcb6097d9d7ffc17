"""What every reader gives: rows of text in frames, with their numbers, and the rows that could not be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from shared.domain.reject import Reject

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Legible:
    """Rows that could not be read whole, of which it is known which value is whose: they are among the bad ones.

    Whom they name, and what they say of that person, may count all the same.
    """

    frame: pl.DataFrame
    """As the frame of good rows; null is a value that could not be read."""
    record_numbers: Positions


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one slice that took the same path, in file order.

    A slice may give a fast and an exact batch whose record numbers interleave.
    """

    frame: pl.DataFrame
    """The good rows: text columns `c0`, `c1`, ...; no nulls."""
    record_numbers: Positions
    """Per row of the frame, 1-based after the header."""
    line_numbers: Positions
    """Per row of the frame, the 1-based physical line, or row of the sheet, on which it begins."""
    path: Literal["fast", "exact"]
    bad: tuple[Reject, ...] = ()
    """The rows that could not be read; the exact path alone tells of any."""
    legible: Legible | None = None
    """Those of them that can be read in part, where a reader was asked and there are any."""


class RawRow(NamedTuple):
    """A row as it was read, good or bad."""

    record_number: int
    line_number: int
    fields: tuple[str, ...]


class TableReader(Protocol):
    """One pass over a file's rows."""

    header: tuple[str, ...] | None
    width: int
    is_empty: bool
    """Whether there is no record at all, nor a header."""
    unknown: dict[str, None]
    """Names that rows read so far have beside the columns; only an object of JSON can have any."""
    mapped: frozenset[int] | None
    """The columns that somebody wants, by position; None means all. A value that is unfit to be read rejects its row
    only in these. To be set before the first batch; delimited text has no such values."""
    keeps_legible: bool
    """Whether batches shall tell what can be read of bad rows. To be set before the first one."""

    def __iter__(self) -> Iterator[Batch]: ...


class RowFetcher(Protocol):
    """A second pass over the same file, for rows that proved unfit only after reading."""

    def rows(self, record_numbers: Sequence[int]) -> list[RawRow]:
        """The fields of these records: ascending numbers, beyond all that were asked for before."""
        ...


def names(width: int) -> list[str]:
    """The names of a batch's columns."""
    return [f"c{position}" for position in range(width)]


def legible_of(rows: Sequence[Sequence[str | None]], record_numbers: Sequence[int], width: int) -> Legible | None:
    """Rows of so many columns; None where there are none."""
    if not rows:
        return None
    schema = dict.fromkeys(names(width), pl.String)
    return Legible(pl.DataFrame(rows, schema=schema, orient="row"), np.array(record_numbers, dtype=np.int64))


class Gathering:
    """Rows that are read one by one, until there are enough for a batch."""

    def __init__(self, width: int, wanted_bytes: int) -> None:
        self._schema = dict.fromkeys(names(width), pl.String)
        self._wanted_bytes = wanted_bytes
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Sequence[str]] = []
        self._records: list[int] = []
        self._lines: list[int] = []
        self._bad: list[Reject] = []
        self._legible: list[Sequence[str | None]] = []
        self._legible_records: list[int] = []
        self._bytes = 0

    def add(self, record_number: int, line_number: int, fields: Sequence[str], size: int) -> None:
        """Note a good row that took so many bytes or characters."""
        self._rows.append(fields)
        self._records.append(record_number)
        self._lines.append(line_number)
        self._bytes += size

    def reject(self, reject: Reject, size: int, legible: Sequence[str | None] | None = None) -> None:
        """Note a bad row; `legible` is what can be read of it, by columns, where that is to be told."""
        self._bad.append(reject)
        if legible is not None:
            self._legible.append(legible)
            self._legible_records.append(reject.record_number)
        self._bytes += size

    @property
    def is_full(self) -> bool:
        """Whether it is time for a batch."""
        return self._bytes >= self._wanted_bytes

    def batch(self) -> Batch | None:
        """What was gathered, which is then forgotten; None where there is nothing."""
        if not self._rows and not self._bad:
            return None
        batch = Batch(
            pl.DataFrame(self._rows, schema=self._schema, orient="row"),
            np.array(self._records, dtype=np.int64),
            np.array(self._lines, dtype=np.int64),
            "exact",
            tuple(self._bad),
            legible_of(self._legible, self._legible_records, len(self._schema)),
        )
        self._clear()
        return batch


class Refetched:
    """Fetches rows by reading a file once more as it was read before; for readers that know no quicker way."""

    def __init__(self, reader: TableReader) -> None:
        self._batches = iter(reader)
        self._rows: dict[int, RawRow] = {}
        self._last = 0

    def rows(self, record_numbers: Sequence[int]) -> list[RawRow]:
        """The fields of these records: ascending numbers, beyond all that were asked for before."""
        found: list[RawRow] = []
        for number in record_numbers:
            while self._last < number:
                batch = next(self._batches, None)
                if batch is None:
                    return found
                self._rows = _rows_of(batch)
                self._last = max(self._rows)
            if number in self._rows:
                found.append(self._rows[number])
        return found


def _rows_of(batch: Batch) -> dict[int, RawRow]:
    numbers = zip(batch.record_numbers.tolist(), batch.line_numbers.tolist(), strict=True)
    good = (RawRow(*each, row) for each, row in zip(numbers, batch.frame.iter_rows(), strict=True))
    bad = (RawRow(each.record_number, each.line_number, each.raw) for each in batch.bad)
    return {row.record_number: row for row in (*good, *bad)}
