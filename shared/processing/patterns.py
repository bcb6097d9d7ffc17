"""Which file names a goal's pattern takes. The engine of regular expressions is Rust's, through polars: linear time."""

from collections.abc import Sequence

import polars as pl

from shared.domain.names import matches
from shared.domain.pattern import Pattern
from shared.domain.regular_expression import regular_expression


def taken(pattern: Pattern, names: Sequence[str]) -> list[bool]:
    """For each name whether the pattern takes it. The time is linear in the names, whatever they are."""
    if pattern.wildcard is not None:
        return [matches(pattern.wildcard, name) for name in names]
    expression = regular_expression(pattern.text).for_rust()
    fits = pl.Series(names, dtype=pl.String).str.contains(rf"\A(?:{expression})\z")
    return fits.to_list()
