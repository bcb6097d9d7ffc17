"""Whether a file may name a profile more than once, told while it is read.

By 64-bit hashes of its keys, which costs a thirtieth of asking the database for it afterwards. What is kept does not
grow with the file: beyond a number of rows nothing is promised any more. It is a hint that saves work; the merge
finds out by itself where there is none.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

MOST_KEYS = 2_000_000
"""Sixteen megabytes of hashes, and as much again for the moment in which they are sorted."""


class Repeats:
    """Watches the keys of one file go by."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._most_keys = most_keys
        self._hashes: list[npt.NDArray[np.uint64]] | None = []
        self._count = 0

    def watch(self, keys: pl.Series) -> None:
        """The keys of some more rows. Nulls are taken for one and the same."""
        self._count += keys.len()
        if self._hashes is None or self._count > self._most_keys:
            self._hashes = None
            return
        self._hashes.append(keys.hash().to_numpy())

    def may_be(self) -> bool:
        """False where no key has come twice; True where one may have."""
        if self._hashes is None:
            return True
        if not self._hashes:
            return False
        hashes = np.sort(np.concatenate(self._hashes))
        return bool((hashes[1:] == hashes[:-1]).any())
