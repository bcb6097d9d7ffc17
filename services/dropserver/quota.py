"""How much of its quota a drop folder has used.

The tree is measured when an upload begins and the last measure is old; what is written in between is added. Several
dropservers on one folder each measure for themselves, so a folder may overshoot by what they write meanwhile.
"""

import asyncio
import stat
from collections.abc import Callable
from contextlib import suppress

from shared.domain.names import joined
from shared.transfer.tree import Tree

_MEASURE_AFTER_SECONDS = 10.0


class Usage:
    """Bytes and entries of one drop folder."""

    def __init__(self, tree: Tree, clock: Callable[[], float]) -> None:
        self.used_bytes = 0
        self.entries = 0
        self._tree = tree
        self._clock = clock
        self._measured_at: float | None = None

    async def refresh(self) -> None:
        """Measure again, unless that was done just now."""
        now = self._clock()
        if self._measured_at is None or now - self._measured_at > _MEASURE_AFTER_SECONDS:
            self._measured_at = now
            self.used_bytes, self.entries = await asyncio.to_thread(_measured, self._tree)

    def forget(self) -> None:
        """Something was taken away: measure when it is asked for again."""
        self._measured_at = None


def _measured(tree: Tree) -> tuple[int, int]:
    total = entries = 0
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        # A directory may vanish meanwhile, and one that somebody else put there may have a name that we do not walk.
        with suppress(FileNotFoundError, ValueError):
            for name, found in tree.scan(directory):
                entries += 1
                if stat.S_ISREG(found.st_mode):
                    total += found.st_size
                elif stat.S_ISDIR(found.st_mode):
                    waiting.append(joined(directory, name.decode("utf-8", "surrogateescape")))
    return total, entries
