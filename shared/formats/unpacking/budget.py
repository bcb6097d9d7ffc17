"""How much may come out of one file: bytes, growth, entries, depth, names and the decoders' memory.

One budget belongs to one opening of one file and counts over all its members together. Reading the same bytes a second
time costs nothing, so that rejects can be fetched again.
"""

from dataclasses import dataclass, replace

from shared.domain.failures import PackedTooDeep, TooManyMembers, UnpackedTooLarge, UnpackRatioTooHigh
from shared.domain.unpack import Unpack

MAX_DECODER_BYTES = 256 << 20
"""What one decoder may take for its dictionary or window: what 7-Zip takes at its highest level."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows beside the number of bytes. A goal can only ask for less."""

    max_ratio: int = 500
    """Unpacked bytes for each packed one. A table of a thousand columns, all empty but a key, comes to 220; a bomb of
    deflate to 1,030, which is the most that it can do (RFC 1951)."""
    max_dense_ratio: int = 2_000
    """The same where bzip2, xz, zstd or 7z take part: the table comes to 870 at most, a bomb to many thousand."""
    max_members: int = 10_000
    max_depth: int = 4
    free_bytes: int = 64 << 20
    """So much may come of any file: it harms nobody, and small files may well repeat one line."""

    def narrowed(self, how: Unpack) -> "Limits":
        """The stricter of these and the goal's."""
        return replace(
            self,
            max_ratio=stricter(self.max_ratio, how.max_ratio),
            max_dense_ratio=stricter(self.max_dense_ratio, how.max_ratio),
            max_members=stricter(self.max_members, how.max_members),
            max_depth=stricter(self.max_depth, how.max_depth),
        )


class Budget:
    """What of the limits has been used by one file."""

    def __init__(self, limits: Limits, max_bytes: int, packed_bytes: int) -> None:
        self._limits = limits
        self._max_bytes = max_bytes
        self._packed_bytes = packed_bytes
        self._ratio = limits.max_ratio
        self._bytes = 0
        self._entries = 0
        self.had_password = False
        """Whether anything in it is under a password."""

    def take_bytes(self, count: int) -> None:
        """Count what came out. Raises UnpackedTooLarge, UnpackRatioTooHigh."""
        self._bytes += count
        if self._bytes > self._max_bytes:
            raise UnpackedTooLarge(f"Found more than {self._max_bytes} bytes.")
        honest_bytes = max(self._limits.free_bytes, self._packed_bytes * self._ratio)
        if self._bytes > honest_bytes:
            raise UnpackRatioTooHigh(f"Found more than {honest_bytes} bytes, {self._ratio} for each packed one.")

    def expect_density(self) -> None:
        """Say that something is packed by a method that packs denser than deflate."""
        self._ratio = self._limits.max_dense_ratio

    def take_entries(self, count: int = 1) -> None:
        """Count entries of an archive, directories too. Raises TooManyMembers."""
        self._entries += count
        if self._entries > self._limits.max_members:
            raise TooManyMembers(f"Found more than {self._limits.max_members} entries.")

    @property
    def entries_left(self) -> int:
        """How many more entries there may be."""
        return self._limits.max_members - self._entries

    def check_depth(self, depth: int) -> None:
        """Raise PackedTooDeep where so many packings within each other are too many."""
        if depth > self._limits.max_depth:
            raise PackedTooDeep(f"Found more than {self._limits.max_depth} packings within each other.")


class Meter:
    """One source's share in a budget: only what reaches further than any reading before is counted."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._furthest = 0

    def note(self, position: int) -> None:
        """Say that a reading has come as far as this many bytes. Raises what the budget raises."""
        if position > self._furthest:
            self._budget.take_bytes(position - self._furthest)
            self._furthest = position


def stricter(allowed: int, asked: int | None) -> int:
    """The lower of two limits, where the second is set."""
    return allowed if asked is None else min(allowed, asked)
