"""A key that comes twice is never missed, wherever it comes; and what is kept has an end."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.processing.repeats import Repeats


def watched(*slices: list[str], most_keys: int = 100) -> Repeats:
    repeats = Repeats(most_keys)
    for keys in slices:
        repeats.watch(pl.Series(keys, dtype=pl.String))
    return repeats


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ([], False),
        ([[]], False),
        ([["a", "b"], ["c"]], False),
        ([["a", "a"]], True),
        ([["a", "b"], [], ["c", "a"]], True),
    ],
)
def test_a_key_that_comes_twice_is_noticed_in_one_slice_and_across_them(
    slices: list[list[str]], expected: bool
) -> None:
    assert watched(*slices).may_be() is expected


@given(st.lists(st.lists(st.text(max_size=3), max_size=6), max_size=5))
def test_no_repeat_is_missed(slices: list[list[str]]) -> None:
    keys = [key for each in slices for key in each]
    assert watched(*slices).may_be() or len(set(keys)) == len(keys)


def test_beyond_so_many_keys_nothing_is_promised() -> None:
    assert not watched(["a", "b"], most_keys=2).may_be()
    assert watched(["a", "b"], ["c"], most_keys=2).may_be()
    assert watched(["a", "b", "c"], ["d"], most_keys=2).may_be()
