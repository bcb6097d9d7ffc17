"""A finished file of an export, and what is said of it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Piece:
    """One file, whole, in the local spool."""

    path: Path
    rows: int
    """Without the header."""
    size_bytes: int
    sha256: str
