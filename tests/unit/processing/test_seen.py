"""The table of keys that have come: new ones are told from old ones, however many and wherever it lies."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shared.processing.processors import seen as subject
from shared.processing.processors.seen import Seen, hashes_of


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_key_is_new_once(on_disk: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_IN_MEMORY", 1 << 15)
    source = np.random.default_rng(5)
    keys = source.integers(0, 60_000, 200_000)
    seen, known = Seen(tmp_path if on_disk else None), set[int]()
    for piece in np.array_split(keys, [1, 2, 50, 20_000, 150_000]):
        expected = []
        for key in piece.tolist():
            expected.append(key not in known)
            known.add(key)
        found = seen.add(hashes_of(pl.Series(piece.astype(str), dtype=pl.String)))
        assert found.tolist() == expected
    assert len(list(tmp_path.iterdir())) == on_disk
    seen.close()
    assert list(tmp_path.iterdir()) == []


def test_keys_whose_first_halves_meet_are_told_apart() -> None:
    hashes = np.array([[7, 1], [7, 3], [7, 1], [7, 5], [16384 + 7, 1]], dtype=np.uint64).T
    seen = Seen()
    assert seen.add(hashes).tolist() == [True, True, False, True, True]
    assert not seen.add(hashes).any()
    assert seen.add(np.zeros((2, 0), dtype=np.uint64)).tolist() == []
