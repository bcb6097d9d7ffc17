"""Whom rejected rows name, put aside while a file is read: a CSV in the workspace, copied when the rows are staged.

In a file, because rejected rows can be as many as good ones, and the connection that writes them is busy copying those.
"""

from pathlib import Path

import polars as pl

from shared.processing.typing import staging_csv


class NamedRejects:
    """The rows of one file that were rejected before the merge. Lives in the thread that reads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.named = 0
        """Rows in the file."""
        self.nameless = 0
        """Rows that may name somebody who cannot be told: one of the goal's identifiers, or all, could not be read."""

    def add(self, rows: pl.DataFrame, identifiers: int) -> None:
        """Keep some more rows, as `typing.named` gives them; so many of the goal's identifiers lead their keys."""
        keys = rows.columns[1:-2]
        known = rows.filter(pl.any_horizontal(pl.col(key).is_not_null() for key in keys)) if keys else rows.clear()
        own = keys[:identifiers]
        found = known.filter(pl.any_horizontal(pl.col(key).is_not_null() for key in own)) if own else known.clear()
        self.named += known.height
        self.nameless += rows.height - found.height + int(found["is_doubtful"].sum())
        if known.height:
            with self.file.open("ab") as out:
                out.write(staging_csv(known.drop("is_doubtful")))

    def add_unreadable(self, rows: int) -> None:
        """Count rows that could not be read at all."""
        self.nameless += rows
