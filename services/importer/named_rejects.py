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
        """Rows without any identifier that could be read."""

    def add(self, rows: pl.DataFrame) -> None:
        """Keep some more rows, as `typing.named` gives them."""
        keys = [name for name in rows.columns if name not in ("record_number", "opt_out")]
        has_name = rows.select(pl.any_horizontal(pl.col(keys).is_not_null())).to_series()
        known = rows.filter(has_name)
        self.named += known.height
        self.nameless += rows.height - known.height
        if known.height:
            with self.file.open("ab") as out:
                out.write(staging_csv(known))

    def add_unreadable(self, rows: int) -> None:
        """Count rows that could not be read at all."""
        self.nameless += rows
