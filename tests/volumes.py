"""A volume that is away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def away(what: Path) -> Iterator[None]:
    """While inside that is not there; where it is the volume's (`drop`), its mount point is, and nothing in it."""
    elsewhere = what.with_name("elsewhere")
    what.rename(elsewhere)
    if what.name == "drop":
        what.mkdir()
    yield
    if what.name == "drop":
        # Nobody has put anything there.
        what.rmdir()
    elsewhere.rename(what)
