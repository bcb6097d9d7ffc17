"""The room of a hosted folder, as who writes there needs it; what counts it is wired in. And a look at the disk."""

import stat
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from shared.domain.names import from_bytes, joined
from shared.transfer.tree import Tree


class Room(Protocol):
    """How much may still be written to one folder, counted for everybody who writes there."""

    async def take(self, least: int, wished: int, files: int = 0) -> int:
        """Set aside as many bytes as are wished for, at least so many, and so many files. Raises PlaceFull."""

    async def change(self, bytes_: int, files: int = 0) -> None:
        """So many more, or fewer, are used than was counted."""


@dataclass(slots=True)
class Measured:
    """What lies in a folder. Directories are files here; `sizes` are those of paths that were asked for."""

    bytes: int = 0
    files: int = 0
    sizes: dict[str, int] = field(default_factory=dict)


def measured(tree: Tree, asked: Collection[str] = ()) -> Measured:
    """Walk the whole folder; it blocks."""
    found = Measured()
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        # A directory may vanish meanwhile, and one that somebody else put there may have a name that we do not walk.
        with suppress(FileNotFoundError, ValueError):
            for name, facts in tree.scan(directory):
                path = joined(directory, from_bytes(name))
                found.files += 1
                if stat.S_ISREG(facts.st_mode):
                    found.bytes += facts.st_size
                    if path in asked:
                        found.sizes[path] = facts.st_size
                elif stat.S_ISDIR(facts.st_mode):
                    waiting.append(path)
    return found
