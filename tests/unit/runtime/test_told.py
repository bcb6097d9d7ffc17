"""Whose rows an export wrote, as the database keeps it: a bit for each profile."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.runtime.table_text import Told

EDGES = (0, 1, 63, 64, (1 << 20) - 1, 1 << 20, 5_000_000, (1 << 40) + 63)
NUMBERS = st.lists(st.none() | st.sampled_from(EDGES) | st.integers(min_value=1, max_value=3_000_000))


@settings(max_examples=25)
@given(batches=st.lists(NUMBERS, max_size=3))
def test_the_blocks_hold_everybody_once_and_nobody_else(batches: list[list[int | None]]) -> None:
    told = Told()
    for batch in batches:
        told.add(pl.Series(batch, dtype=pl.Int64))
    blocks = told.blocks()
    found = [
        number * 64 + bit
        for number, bits in zip(blocks.numbers, blocks.bits, strict=True)
        for bit in range(64)
        if bits >> bit & 1
    ]
    expected = sorted({each for batch in batches for each in batch if each is not None})
    assert found == expected
    assert told.count == len(expected)
    assert all(blocks.bits), "blocks without anybody are left out"
