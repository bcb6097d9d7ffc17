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
"""Of shape (2, rows)."""

MOST_IN_MEMORY = 1 << 21
"""Places of a table that is kept in memory: 32 MiB."""
_FIRST_PLACES = 1 << 14
_MOVED_AT_ONCE = 1 << 20


def hashes_of(keys: pl.Series) -> Hashes:
    """128 bits of each text; the same in every frame of one process."""
    hashes = np.stack([keys.hash(seed=1).to_numpy(), keys.hash(seed=2).to_numpy()])
    # The second half is never zero, so that zero can stand for a free place, and for no key.
    hashes[1] |= np.uint64(1)
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
        while 2 * (self._count + hashes.shape[1]) > self._table.shape[1]:
            self._grow()
        is_new = self._put(hashes)
        self._count += int(is_new.sum())
        return is_new

    def close(self) -> None:
        """Let go of the file, if there is one."""
        self._table = np.zeros((2, 0), dtype=np.uint64)
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file = None

    def _put(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Put keys into the table, each at the first free place from where its hash points; which were not there."""
        (low, high), (known_low, known_high) = hashes, self._table
        mask = np.uint64(self._table.shape[1] - 1)
        is_new = np.zeros(low.size, dtype=bool)
        places = low & mask
        left = np.arange(low.size)
        while left.size:
            there = places[left]
            found = known_high[there]
            is_free = found == 0
            is_same = (found == high[left]) & (known_low[there] == low[left])
            # Several may want one free place: the earliest row gets it, the others look again.
            taken, first = np.unique(there[is_free], return_index=True)
            winners = left[is_free][first]
            known_low[taken], known_high[taken] = low[winners], high[winners]
            is_new[winners] = True
            goes_on = ~is_same & ~is_new[left]
            left, is_free = left[goes_on], is_free[goes_on]
            places[left[~is_free]] = (places[left[~is_free]] + np.uint64(1)) & mask
        return is_new

    def _grow(self) -> None:
        old, file = self._table, self._file
        self._table = self._made(2 * old.shape[1])
        for start in range(0, old.shape[1], _MOVED_AT_ONCE):
            piece = np.array(old[:, start : start + _MOVED_AT_ONCE])
            self._put(piece[:, piece[1] != 0])
        if file is not None:
            file.unlink()

    def _made(self, places: int) -> Hashes:
        if places <= MOST_IN_MEMORY or self._scratch is None:
            return np.zeros((2, places), dtype=np.uint64)
        self._file = self._scratch / f"seen-{uuid4().hex}"
        return np.memmap(self._file, dtype=np.uint64, mode="w+", shape=(2, places))
