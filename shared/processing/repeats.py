"""Whether a file may name a profile more than once, told while it is read.

By 64-bit hashes of its keys, which costs a thirtieth of asking the database for it afterwards. What is kept does not
grow with the file: beyond a number of rows nothing is promised any more. It is a hint that saves work; the merge
finds out by itself where there is none.
"""

import numpy as np
import polars as pl

MOST_KEYS = 2_000_000
"""Sixteen megabytes of hashes."""


class Repeats:
    """Watches the keys of one file go by."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        # In one piece: many small ones between what is given back after each slice would hold all of that in memory.
        self._hashes = np.empty(most_keys, dtype=np.uint64)
        self._count = 0

    def watch(self, keys: pl.Series) -> None:
        """The keys of some more rows. Nulls are taken for one and the same."""
        before, self._count = self._count, self._count + keys.len()
        if self._count <= self._hashes.size:
            self._hashes[before : self._count] = keys.hash().to_numpy()

    def may_be(self) -> bool:
        """False where no key has come twice; True where one may have."""
        if self._count > self._hashes.size:
            return True
        known = self._hashes[: self._count]
        known.sort()
        return bool((known[1:] == known[:-1]).any())
