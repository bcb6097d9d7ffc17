"""The benchmark's files: the same bytes every time, and exactly what they are said to be."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench import generate
from bench.generate import delta, first_load, people, small
from bench.goal import GOAL, PROPERTIES, goal
from shared.domain.merge import MergeRule

ROWS = 2_000


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


@pytest.fixture
def both(tmp_path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    first_load(tmp_path / "first.csv", ROWS)
    delta(tmp_path / "delta.csv", ROWS)
    return read(tmp_path / "first.csv"), read(tmp_path / "delta.csv")


def test_the_same_number_of_rows_is_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for make in (first_load, delta):
        make(tmp_path / "file.csv", ROWS)
        found.append(hashlib.sha256((tmp_path / "file.csv").read_bytes()).hexdigest()[:16])
    # A change of these is a change of what all earlier figures were measured on.
    assert found == ["d110666e70760b6f", "99a6b33d6899cc82"]


def test_stretches_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delta(tmp_path / "whole.csv", ROWS)
    monkeypatch.setattr(generate, "STRETCH_ROWS", 300)
    delta(tmp_path / "stretched.csv", ROWS)
    assert (tmp_path / "stretched.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_every_person_is_in_the_first_file_once(both: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    first, _ = both
    assert first.height == first["email"].n_unique() == ROWS
    assert first["email"].to_list() != sorted(first["email"].to_list())


def test_the_header_is_what_the_goal_maps(both: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    names = [each.name for each in PROPERTIES]
    assert [frame.columns for frame in both] == [names, names]
    assert {each.field for each in goal().mapping} == set(names) - {"email"}


def test_all_five_rules_are_mapped() -> None:
    assert {entry["rule"] for entry in GOAL["mapping"]} == {rule.value for rule in MergeRule}


def test_half_of_the_delta_is_known_and_four_in_five_of_these_have_nothing_new(
    both: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path
) -> None:
    first, later = both
    said = delta(tmp_path / "again.csv", ROWS)
    known = later.join(first, on="email", how="inner", suffix="_before")
    has_nothing_to_sum = pl.col("points").is_null() & pl.col("revenue").is_null()
    compared = [name for name in first.columns if name not in ("email", "points", "revenue")]
    is_equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_before")) for name in compared)
    equal = known.filter(is_equal & has_nothing_to_sum).height
    changed = known.filter(~is_equal & ~has_nothing_to_sum).height
    assert later["email"].n_unique() == ROWS
    assert (known.height, equal, changed) == (ROWS // 2, ROWS * 4 // 10, ROWS // 10)
    assert (said.created, said.unchanged, said.updated) == (ROWS - known.height, equal, changed)


def test_who_brings_something_to_sum_brings_more_than_zero() -> None:
    least = people(np.arange(ROWS)).select(pl.col("points", "revenue").cast(pl.Float64).min()).row(0)
    assert min(least) >= 1


def test_half_of_a_small_file_was_in_the_one_before(tmp_path: Path) -> None:
    said = [small(tmp_path / f"{number}.csv", number, 100) for number in range(2)]
    files = [read(made.path) for made in said]
    assert files[1].join(files[0], on="email", how="semi").height == said[1].updated == 50
    assert [(made.created, made.updated) for made in said] == [(100, 0), (50, 50)]


def test_a_delta_that_cannot_be_parted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of ten"):
        delta(tmp_path / "delta.csv", 1_005)
