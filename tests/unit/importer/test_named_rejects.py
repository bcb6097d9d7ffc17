"""Rejected rows are put aside with whom they name; who has none of the goal's own identifiers counts as nameless."""

from pathlib import Path

import polars as pl

from services.importer.named_rejects import NamedRejects


def _rows(*rows: tuple[int, str | None, str | None, bool | None], doubtful: bool = False) -> pl.DataFrame:
    schema = {"record_number": pl.Int64, "k_email": pl.String, "k_phone": pl.String, "opt_out": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(is_doubtful=pl.lit(doubtful))


def test_who_may_be_somebody_else_is_kept_and_counts_as_nameless(tmp_path: Path) -> None:
    named = NamedRejects(tmp_path / "named")
    named.add(_rows((1, None, "+3161", True), doubtful=True), identifiers=2)
    named.add(_rows((2, "a@b.example", None, None)), identifiers=2)
    assert (named.named, named.nameless) == (2, 1)
    assert named.file.read_text() == "1,,+3161,true\n2,a@b.example,,\n"


def test_a_name_by_which_nobody_is_looked_for_is_kept_and_does_not_count(tmp_path: Path) -> None:
    named = NamedRejects(tmp_path / "named")
    named.add(_rows((1, "a@b.example", None, True), (2, None, "+3161", None)), identifiers=1)
    named.add_unreadable(2)
    named.add(_rows((5, None, None, True), (6, "b@b.example", "+3162", False)), identifiers=1)
    assert (named.named, named.nameless) == (3, 4)
    assert named.file.read_text() == "1,a@b.example,,true\n2,,+3161,\n6,b@b.example,+3162,false\n"


def test_a_goal_without_identifiers_has_only_names_that_do_not_count(tmp_path: Path) -> None:
    named = NamedRejects(tmp_path / "named")
    named.add(_rows((1, "a@b.example", None, True)), identifiers=0)
    named.add(_rows((2, None, None, True)).drop("k_email", "k_phone"), identifiers=0)
    assert (named.named, named.nameless) == (1, 2)
