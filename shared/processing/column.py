"""What reading a column of text comes to."""

from typing import NamedTuple

import polars as pl


class Column(NamedTuple):
    """Typed values, and why some are not."""

    values: pl.Series
    codes: pl.Series | None = None
    """Reject codes as text, null where there is nothing to say; None where no value is bad."""
    skipped_times: int = 0
    """Local times that no clock showed, moved forward."""
    repeated_times: int = 0
    """Local times that the clocks showed twice, read as the earlier."""
