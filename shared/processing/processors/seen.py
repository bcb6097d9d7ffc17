"""Which keys have come already, for as many as there are: 128 bits of each, in a table that may lie on disk.

Two keys of one file are taken for one only where all 128 bits of their hashes agree, which does not happen by chance. A
key costs 32 to 64 bytes. Up to a million keys the table is in memory; beyond that it is a file in the run's workspace,
where there is one, of which the system keeps in memory what it has room for: the process does not grow with the file.
"""

from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import polars as pl

Hashes = npt.NDArray[np.uint64]
"""Of shape (rows, 2)."""

MOST_IN_MEMORY = 1 << 21
"""Places of a table that is kept in memory: 32 MiB."""
_FIRST_PLACES = 1 << 14
_MOVED_AT_ONCE = 1 << 20


def hashes_of(keys: pl.Series) -> Hashes:
    """128 bits of each text; the same in every frame of one process."""
    hashes = np.column_stack([keys.hash(seed=1).to_numpy(), keys.hash(seed=2).to_numpy()])
    # The second half is never zero, so that zero can stand for a free place.
    hashes[:, 1] |= np.uint64(1)
    return hashes


class Seen:
    """A hash table with open addressing, worked on for whole arrays at a time."""

    def __init__(self, scratch: Path | None = None) -> None:
        self._scratch = scratch
        self._file: Path | None = None
        self._count = 0
        self._table = self._made(_FIRST_PLACES)

    def add(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which rows bring a key that has not come before, neither in a row before nor in an earlier call."""
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))
        ordered = hashes[order]
        is_first = np.ones(len(ordered), dtype=bool)
        is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        # The sort is stable, so of equal keys the earliest row comes first.
        rows = order[is_first]
        while 2 * (self._count + rows.size) > len(self._table):
            self._grow()
        is_new = np.zeros(len(hashes), dtype=bool)
        is_new[rows] = self._put(hashes[rows])
        self._count += int(is_new.sum())
        return is_new

    def close(self) -> None:
        """Let go of the file, if there is one."""
        self._table = np.zeros((0, 2), dtype=np.uint64)
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file = None

    def _put(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Put distinct keys into the table; which of them were not there."""
        table, mask = self._table, np.uint64(len(self._table) - 1)
        is_new = np.zeros(len(hashes), dtype=bool)
        places = hashes[:, 0] & mask
        left = np.arange(len(hashes))
        while left.size:
            found = table[places[left]]
            is_free = found[:, 1] == 0
            is_same = (found == hashes[left]).all(axis=1)
            taken, first = np.unique(places[left[is_free]], return_index=True)
            winners = left[is_free][first]
            table[taken] = hashes[winners]
            is_new[winners] = True
            left = left[~is_same & ~is_new[left]]
            places[left] = (places[left] + np.uint64(1)) & mask
        return is_new

    def _grow(self) -> None:
        old, file = self._table, self._file
        self._table = self._made(2 * len(old))
        for start in range(0, len(old), _MOVED_AT_ONCE):
            piece = np.array(old[start : start + _MOVED_AT_ONCE])
            self._put(piece[piece[:, 1] != 0])
        if file is not None:
            file.unlink()

    def _made(self, places: int) -> Hashes:
        if places <= MOST_IN_MEMORY or self._scratch is None:
            return np.zeros((places, 2), dtype=np.uint64)
        self._file = self._scratch / f"seen-{uuid4().hex}"
        return np.memmap(self._file, dtype=np.uint64, mode="w+", shape=(places, 2))
