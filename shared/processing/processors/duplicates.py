"""The processor that keeps one of several rows with the same values: deduplicate.

Rows come in file order, in frames of any size; what is kept does not depend on it. To keep the first, a row is asked
whether its key has come before. To keep the last, the file is read twice: the first time every row's key is noted,
16 bytes each, then the notes are gone through backwards, and what is left is one bit a row, by which the second reading
goes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
import numpy.typing as npt
import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.processors.rows import Deduplicate
from shared.processing.conditions import folded
from shared.processing.file_columns import FileColumns
from shared.processing.processors.seen import Hashes, Seen, hashes_of
from shared.processing.processors.step import Outcome, SkipReason, Step, bytes_of, nothing_in

_NOTED_AT_ONCE = 1 << 16


class Notes:
    """The keys of all rows that reach the step, and then which of them is the last of its kind."""

    def __init__(self, scratch: Path | None) -> None:
        self._scratch = scratch
        self._file: IO[bytes] | None = None
        self._is_kept: list[npt.NDArray[np.uint8]] = []
        self._rows = 0
        self._next = 0

    def note(self, hashes: Hashes) -> None:
        """Some more rows; zeros where there is no key."""
        if self._file is None:
            self._file = TemporaryFile(dir=self._scratch)  # noqa: SIM115 - closed by close()
        self._file.write(np.ascontiguousarray(hashes.T).tobytes())
        self._rows += hashes.shape[1]

    def judge(self) -> None:
        """All rows have been noted."""
        seen = Seen(self._scratch)
        try:
            self._is_kept = [np.packbits(_are_new(seen, piece[:, ::-1])[::-1]) for piece in self._backwards()][::-1]
        finally:
            seen.close()
            self.close()

    def kept(self, rows: int) -> npt.NDArray[np.bool_]:
        """Whether the next so many rows are kept, in the second reading."""
        numbers = np.arange(self._next, self._next + rows)
        self._next += rows
        found = np.zeros(rows, dtype=bool)
        for piece in np.unique(numbers // _NOTED_AT_ONCE).tolist():
            are_there = numbers // _NOTED_AT_ONCE == piece
            found[are_there] = np.unpackbits(self._is_kept[piece])[numbers[are_there] % _NOTED_AT_ONCE]
        return found

    def close(self) -> None:
        """Let go of the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _backwards(self) -> Iterator[Hashes]:
        for start in reversed(range(0, self._rows, _NOTED_AT_ONCE)):
            assert self._file is not None
            self._file.seek(16 * start)
            data = self._file.read(16 * _NOTED_AT_ONCE)
            yield np.frombuffer(data, dtype=np.uint64).reshape(-1, 2).T


def deduplicate_first(processor: Deduplicate, columns: FileColumns, dialect: Dialect, scratch: Path | None) -> Step:
    """Keeps the first row of each key. The step remembers: it belongs to one reading of one file."""
    seen = Seen(scratch)

    def keeps(hashes: Hashes) -> npt.NDArray[np.bool_]:
        return _are_new(seen, hashes)

    step = _step(processor, columns, dialect, keeps)
    return replace(step, close=seen.close)


def deduplicate_last(processor: Deduplicate, columns: FileColumns, dialect: Dialect, notes: Notes) -> Step:
    """Keeps the last row of each key, as the notes say."""
    return _step(processor, columns, dialect, lambda hashes: notes.kept(hashes.shape[1]))


def noting(processor: Deduplicate, columns: FileColumns, dialect: Dialect, notes: Notes) -> Step:
    """Keeps nothing, and notes every row."""

    def keeps(hashes: Hashes) -> npt.NDArray[np.bool_]:
        notes.note(hashes)
        return np.zeros(hashes.shape[1], dtype=bool)

    return replace(_step(processor, columns, dialect, keeps), close=notes.close)


def _are_new(seen: Seen, hashes: Hashes) -> npt.NDArray[np.bool_]:
    has_key = hashes[1] != 0
    if has_key.all():
        return seen.add(hashes)
    is_new: npt.NDArray[np.bool_] = ~has_key
    is_new[has_key] = seen.add(hashes[:, has_key])
    return is_new


def _step(
    processor: Deduplicate, columns: FileColumns, dialect: Dialect, keeps: Callable[[Hashes], npt.NDArray[np.bool_]]
) -> Step:
    keys = [column.key for column in columns.find(processor.fields)]

    def apply(frame: pl.DataFrame) -> Outcome:
        hashes = hashes_of(_joined(frame, keys, ignore_case=processor.ignore_case))
        hashes[:, _have_nothing(frame, keys, dialect)] = 0
        return Outcome(frame, keeps=pl.Series(keeps(hashes)), reason=SkipReason.DUPLICATE)

    def size(frame: pl.DataFrame) -> int:
        return int(frame.estimated_size()) + bytes_of(frame, keys) + 64 * frame.height

    return Step(columns, apply, size, only_chooses=True)


def _joined(frame: pl.DataFrame, keys: list[str], *, ignore_case: bool) -> pl.Series:
    """One text a row, different where any of the values is."""
    values = pl.col(keys)
    if ignore_case:
        values = folded(values)
    chosen = frame.select(values)
    if len(keys) == 1:
        return chosen.to_series()
    # Lengths before the values, or ("a", "bc") and ("ab", "c") would be one.
    pieces = [
        piece for key in keys for piece in (pl.col(key).str.len_bytes().cast(pl.String), pl.lit(":"), pl.col(key))
    ]
    return chosen.select(pl.concat_str(pieces)).to_series()


def _have_nothing(frame: pl.DataFrame, keys: list[str], dialect: Dialect) -> npt.NDArray[np.bool_]:
    have = np.ones(frame.height, dtype=bool)
    for key in keys:
        np.logical_and(have, nothing_in(frame[key], dialect).to_numpy(), out=have)
    return have
