"""What every archive's reader gives: its files, each with a checked name and its content."""

from dataclasses import dataclass

from shared.formats.unpacking.content import Content


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive."""

    path: str
    """Checked and without surprises, for matching and showing only."""
    content: Content
    size_bytes: int | None
    """What the archive says; reading proves it."""
