"""Processors joined: rows are counted, taken out and handed back, and it does not matter how the file was cut."""

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.processing import chain as subject
from shared.processing.chain import Chain, columns_after, in_file_order, originals, stages
from shared.processing.file_columns import FileColumns
from tests.corpora.folder import content, needed
from tests.unit.processing.files import PROCESSORS, processed, rows_of

HEADER = ("mail", "name", "n")
ALL_KINDS: list[dict[str, Any]] = [
    {"kind": "trim"},
    {"kind": "trim", "field": "name", "collapse": True},
    {"kind": "change_case", "field": "name", "to": "title"},
    {"kind": "replace", "fields": "all", "find": "a", "with": "bb"},
    {"kind": "limit_text", "field": "name", "characters": 3},
    {"kind": "limit_text", "field": "name", "characters": 3, "on_longer": "reject"},
    {"kind": "replace_matching", "field": "name", "expression": "(a+)b", "with": "$1-"},
    {"kind": "extract", "field": "name", "expression": "[a-z](.)", "into": "letter"},
    {"kind": "normalize_email", "field": "mail", "on_failure": "clear"},
    {"kind": "normalize_email", "field": "mail"},
    {"kind": "normalize_phone", "field": "n", "default_region": "NL", "on_failure": "keep"},
    {"kind": "reformat_date", "field": "n", "on_failure": "keep"},
    {"kind": "reformat_number", "field": "n"},
    {"kind": "value_map", "field": "name", "values": {"a": "b", "b": "a"}, "on_failure": "keep"},
    {"kind": "fill", "field": "name", "from": "mail"},
    {"kind": "constant", "into": "name", "value": "same"},
    {"kind": "hash", "field": "mail", "algorithm": "md5"},
    {"kind": "split", "field": "mail", "delimiter": "@", "into": ["name", "host"]},
    {"kind": "join", "fields": ["name", "mail"], "into": "both"},
    {"kind": "keep_rows", "where": {"field": "name", "empty": False}},
    {"kind": "drop_rows", "where": {"field": "n", "type": "number", "greater": 5}},
    {"kind": "deduplicate", "fields": ["mail"]},
    {"kind": "deduplicate", "fields": ["name", "n"], "ignore_case": True},
    {"kind": "deduplicate", "fields": ["mail"], "keep": "last"},
]

_rows = st.lists(
    st.tuples(
        st.sampled_from(["", "a@b.nl", "A@B.nl", "b@b.nl", " c@b.nl", "d@"]),
        st.sampled_from(["", "a", "b", "aab", " Ab  c ", "É", "é"]),
        st.sampled_from(["", "1", "7", "07", "2024-01-01", "0612345678", "x"]),
    ),
    min_size=1,
    max_size=12,
)


@given(data=st.data(), rows=_rows)
def test_it_does_not_matter_how_a_file_is_cut(data: st.DataObject, rows: list[tuple[str, ...]]) -> None:
    processors = data.draw(st.lists(st.sampled_from(ALL_KINDS), max_size=6))
    if sum(each.get("keep") == "last" for each in processors) > 1:
        processors = [each for each in processors if each.get("keep") != "last"]
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=4).map(sorted))
    names, whole = processed(processors, HEADER, rows)
    cut_names, cut = processed(processors, HEADER, rows, cuts=cuts)
    assert cut_names == names
    assert cut.frame.rows() == whole.frame.rows()
    assert cut.record_numbers.tolist() == whole.record_numbers.tolist()
    assert sorted(cut.rejects, key=repr) == sorted(whole.rejects, key=repr)
    assert cut.skipped == whole.skipped
    assert cut.skipped_by_processor == whole.skipped_by_processor
    # Every row ends as exactly one of these, and what goes on has no nulls.
    assert len(rows) == whole.frame.height + len(whole.rejects) + whole.skipped.total()
    assert whole.frame.null_count().sum_horizontal().sum() == 0
    assert all(reject.raw == rows[reject.record_number - 1] for reject in whole.rejects)


IDEMPOTENT = [
    ALL_KINDS[0],
    ALL_KINDS[1],
    ALL_KINDS[2],
    ALL_KINDS[4],
    *ALL_KINDS[8:11],
    *ALL_KINDS[14:16],
    *ALL_KINDS[19:23],
]


@given(processor=st.sampled_from(IDEMPOTENT), rows=_rows)
def test_twice_does_what_once_does(processor: dict[str, Any], rows: list[tuple[str, ...]]) -> None:
    _, once = processed([processor], HEADER, rows)
    _, twice = processed([processor, processor], HEADER, rows)
    assert twice.frame.rows() == once.frame.rows()


@pytest.mark.parametrize("processor", ALL_KINDS, ids=lambda each: each["kind"])
@needed
def test_naughty_strings_are_worked_on_or_handed_back(processor: dict[str, Any]) -> None:
    strings = [each for each in json.loads(content("blns", "blns.json")) if "\0" not in each]
    rows = [(one, one, one) for one in (*strings, "x" * 900_000, "\u0301" * 1_000, "a" * 2_001)]
    _, done = processed([processor], HEADER, rows)
    assert len(rows) == done.frame.height + len(done.rejects) + done.skipped.total()
    assert done.frame.null_count().sum_horizontal().sum() == 0
    for record, place in zip(done.record_numbers.tolist(), done.places.tolist(), strict=True):
        assert record == place + 1


def test_duplicates_are_skipped_and_rows_without_a_key_are_none() -> None:
    rows = [("a", "1"), ("b", "2"), ("a", "3"), ("", "4"), (" ", "5"), ("A", "6"), ("b", "7")]
    for keep, expected in (("first", [1, 2, 4, 5, 6]), ("last", [3, 4, 5, 6, 7])):
        for cuts in ([], [3], list(range(1, 7))):
            _, done = processed([{"kind": "deduplicate", "fields": ["k"], "keep": keep}], ("k", "v"), rows, cuts=cuts)
            assert done.record_numbers.tolist() == expected
            assert done.skipped == {"duplicate": 2}
    _, done = processed([{"kind": "deduplicate", "fields": ["k"], "ignore_case": True}], ("k", "v"), rows)
    assert done.record_numbers.tolist() == [1, 2, 4, 5]


def test_a_row_that_went_before_is_no_duplicate() -> None:
    rows = [("a@b.nl", "x"), ("a@b.nl", "1"), ("a@b.nl", "2")]
    processors = [{"kind": "reformat_number", "field": "n"}, {"kind": "deduplicate", "fields": ["k"]}]
    _, done = processed(processors, ("k", "n"), rows)
    assert (done.record_numbers.tolist(), [each.record_number for each in done.rejects]) == ([2], [1])


def test_values_of_several_columns_are_told_apart_where_they_meet() -> None:
    rows = [("a", "bc"), ("ab", "c"), ("a:", "c"), ("a", ":c"), ("a", "bc")]
    _, done = processed([{"kind": "deduplicate", "fields": ["x", "y"]}], ("x", "y"), rows)
    assert done.record_numbers.tolist() == [1, 2, 3, 4]


def test_the_last_of_many_is_found_backwards_through_many_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.processing.processors.duplicates._NOTED_AT_ONCE", 64)
    rows = [(str(number * 7919 % 300),) for number in range(1_000)]
    last = {key: number for number, (key,) in enumerate(rows, 1)}
    _, done = processed(
        [{"kind": "deduplicate", "fields": ["k"], "keep": "last"}], ("k",), rows, cuts=[100, 101, 700], scratch=tmp_path
    )
    assert done.record_numbers.tolist() == sorted(last.values())
    assert list(tmp_path.iterdir()) == []


def test_batches_that_interleave_are_put_in_file_order() -> None:
    fast, exact = rows_of([("a",), ("c",), ("d",)], 1, [1, 3, 4]), rows_of([("b",), ("e",)], 1, [2, 5])
    following = rows_of([("f",)], 1, [6])
    found = list(in_file_order([fast, exact, rows_of([], 1, []), following]))
    assert [each.frame["c0"].to_list() for each in found] == [["a", "b", "c", "d", "e"], ["f"]]
    assert [each.line_numbers.tolist() for each in found] == [[2, 3, 4, 5, 6], [7]]


def test_what_may_grow_large_leaves_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_FRAME_BYTES", 10_000)
    processors = PROCESSORS.validate_python(
        [
            {"kind": "constant", "into": "k", "value": "x" * 200},
            {"kind": "normalize_email", "field": "m"},
            {"kind": "replace", "field": "k", "find": "x", "with": "yz"},
            {"kind": "deduplicate", "fields": ["m"]},
        ]
    )
    batch = rows_of([(f"a{number % 300}@b.nl" if number % 7 else "x",) for number in range(700)], 1)
    with Chain.of(processors, FileColumns.of(("m",), 1), Dialect()) as chain:
        pieces = list(chain.apply(batch))
    assert len(pieces) > 10
    assert all(piece.frame.estimated_size() < 20_000 for piece in pieces)
    done = subject.as_one(pieces)
    assert done.record_numbers.tolist() == sorted(done.record_numbers.tolist())
    assert (len(done.rejects), done.frame.height, done.skipped) == (100, 300, {"duplicate": 300})
    assert done.frame["c1"].unique().to_list() == ["yz" * 200]
    assert originals(batch, done.places)[0] == batch.frame.row(1)


def test_columns_are_known_before_any_row() -> None:
    processors = PROCESSORS.validate_python(
        [
            {"kind": "drop_columns", "fields": ["a"]},
            {"kind": "constant", "into": "d", "value": ""},
            {"kind": "rename_columns", "columns": [{"field": "b", "to": "B"}]},
        ]
    )
    found = columns_after(processors, FileColumns.of(("a", "b", "c"), 3), Dialect())
    assert [(each.key, each.name, each.position) for each in found.columns] == [
        ("c0", "B", 1),
        ("c1", "c", 2),
        ("c2", "d", None),
    ]
    assert found.header == ("B", "c", "d")
    assert (found.place("d"), found.place(2), found.place("B ")) == (2, 1, 0)


def test_a_preview_shows_the_rows_after_each_processor() -> None:
    processors = PROCESSORS.validate_python(
        [
            {"kind": "trim"},
            {"kind": "deduplicate", "fields": ["m"], "keep": "last"},
            {"kind": "normalize_email", "field": "m"},
            {"kind": "split", "field": "m", "delimiter": "@", "into": ["who", "where"]},
        ]
    )
    batch = rows_of([(" A@b.nl",), ("A@b.nl",), ("x",)], 1)
    found = stages(processors, FileColumns.of(("m",), 1), Dialect(), batch)
    assert [each.processed.frame.rows() for each in found] == [
        [("A@b.nl",), ("A@b.nl",), ("x",)],
        [("A@b.nl",), ("x",)],
        [("a@b.nl",)],
        [("a@b.nl", "a", "b.nl")],
    ]
    assert [each.columns.header for each in found][2:] == [("m",), ("m", "who", "where")]
    assert [each.processed.record_numbers.tolist() for each in found] == [[1, 2, 3], [2, 3], [2], [2]]
    assert [each.processed.skipped for each in found] == [Counter(), {"duplicate": 1}, Counter(), Counter()]
    assert [len(each.processed.rejects) for each in found] == [0, 0, 1, 0]


def test_without_processors_nothing_is_touched() -> None:
    batch = rows_of([("a", " b")], 2)
    with Chain.of((), FileColumns.of(None, 2), Dialect()) as chain:
        [done] = chain.apply(batch)
        assert not chain.looks_first
    assert done.frame.equals(pl.DataFrame({"c0": ["a"], "c1": [" b"]}))
    assert done.record_numbers is batch.record_numbers


@needed
def test_hostile_expressions_replace_in_bounded_time() -> None:
    texts = [sign * 100_000 + "!" for sign in ("a", "x", "0", " ", ",", "abc")] + ["a" * 2_000] * 20
    rows, tried = [(text,) for text in texts], 0
    for each in json.loads(content("redos", "patterns.json")):
        settings_of_it = [{"kind": "replace_matching", "field": "x", "expression": each["pattern"], "with": "-"}]
        try:
            PROCESSORS.validate_python(settings_of_it)
        except ValidationError:
            continue
        tried += 1
        began = time.monotonic()
        processed(settings_of_it, ("x",), rows)
        # The square of 100,000 characters takes most of a minute, a backtracking engine longer than anybody lives.
        assert time.monotonic() - began < 30, each["pattern"]
    assert tried > 20


def test_rows_are_chosen_by_segment_though_no_column_says_so() -> None:
    """What says who is in one goes along unseen, whatever becomes of the columns."""
    fans, others = UUID(int=1), UUID(int=2)
    columns = replace(FileColumns.of(HEADER, 3), segments={fans: "s0"})
    wanted = {"any": [{"segment": str(fans)}, {"field": "Name", "equals": "x"}]}
    given: list[dict[str, Any]] = [
        {"kind": "deduplicate", "fields": ["mail"], "keep": "last"},
        {"kind": "trim"},
        {"kind": "drop_columns", "fields": ["n"]},
        {"kind": "rename_columns", "columns": [{"field": "name", "to": "Name"}]},
        {"kind": "join", "fields": ["mail", "Name"], "into": "both", "separator": "+"},
        {"kind": "keep_rows", "where": wanted},
        {
            "kind": "drop_rows",
            "where": {"all": [{"segment": str(fans)}, {"field": "mail", "equals": "c"}]},
        },
    ]
    rows = [("a", "x", "1"), ("b", "y", "2"), ("c", "x", "3"), ("d", "y", "4")]
    batch = rows_of(rows, len(HEADER))
    marked = batch._replace(frame=batch.frame.with_columns(pl.Series("s0", [False, False, True, True])))
    with Chain.of(PROCESSORS.validate_python(given), columns, Dialect()) as chain:
        chain.look(marked)
        chain.seen_all()
        found = [row for done in chain.apply(marked) for row in done.frame.rows()]
    assert chain.columns.header == ("mail", "Name", "both")
    assert found == [("a", "x", "a+x"), ("d", "y", "d+y")]
    unknown = PROCESSORS.validate_python([{"kind": "keep_rows", "where": {"segment": str(others)}}])
    with pytest.raises(InvalidGoal, match="only rows of an export"):
        Chain.of(unknown, columns, Dialect())
