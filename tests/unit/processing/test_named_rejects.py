"""Whom rejected rows name: found as for good rows, whatever rejected them, and never out of what was not there."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from shared.domain.goal import ImportGoal
from shared.processing.chain import Chain, Rows, in_file_order
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import plan_of
from shared.processing.typing import apply, named
from tests.unit.processing.files import PROCESSORS, rows_of
from tests.unit.processing.goals import goal, properties

PROPERTIES = properties("email", "customer", email="email", customer="text", points="integer")
HEADER = ("mail", "id", "n")
NAMES = [{"field": "mail", "property": "email"}, {"field": "id", "property": "customer"}]


class _Asking(ImportGoal):
    @property
    def wants_named_rejects(self) -> bool:
        return True


def _asking(opt_in: dict[str, Any] | None = None) -> _Asking:
    settings = goal(NAMES, [{"field": "n", "property": "points"}], opt_in=opt_in or {"declaration": "undefined"})
    return _Asking.model_validate(settings.model_dump(by_alias=True))


def _named(processors: Sequence[dict[str, Any]], *rows: tuple[str, str, str], cut: int | None = None) -> list[Any]:
    """Record number and keys of every row that is not imported."""
    found = _told(processors, *rows, cut=cut)
    return sorted(found.drop("opt_out", "is_doubtful").rows()) if found.width else []


def _told(
    processors: Sequence[dict[str, Any]],
    *rows: tuple[str, str, str],
    cut: int | None = None,
    opt_in: dict[str, Any] | None = None,
) -> pl.DataFrame:
    asking = _asking(opt_in)
    columns = FileColumns.of(HEADER, len(HEADER))
    steps = PROCESSORS.validate_python(list(processors))
    with Chain.of(steps, columns, asking.dialect) as chain:
        plan = plan_of(asking, PROPERTIES, chain.columns)
    pieces = (
        [rows_of(rows[:cut], 3), rows_of(rows[cut:], 3, range(cut + 1, len(rows) + 1))] if cut else [rows_of(rows, 3)]
    )
    found = []
    with Chain.of(steps, columns, asking.dialect, following=plan.naming) as chain:
        for piece in in_file_order(pieces):
            for done in chain.apply(piece):
                found += [named(each.frame, each.record_numbers, plan) for each in done.followed]
                typed = apply(done.frame, done.record_numbers, done.line_numbers, plan)
                found += [typed.named] if typed.named is not None else []
    return pl.concat(found) if found else pl.DataFrame()


@pytest.mark.parametrize(
    ("opt_in", "says"),
    [
        ({"declaration": "from_file", "field": "id"}, {1: True, 2: False, 3: None, 4: True, 5: None}),
        ({"declaration": "unsubscribe_everyone"}, dict.fromkeys(range(1, 6), True)),
        ({"declaration": "everyone"}, dict.fromkeys(range(1, 6), False)),
        ({"declaration": "undefined"}, dict.fromkeys(range(1, 6))),
    ],
)
def test_who_opts_out_is_told_of_rejected_rows_too(opt_in: dict[str, Any], says: dict[int, bool | None]) -> None:
    found = _told(
        [{"kind": "reformat_number", "field": "n"}],
        ("a@x.example", "no", "much"),
        ("b@x.example", "YES", "much"),
        ("c@x.example", "perhaps", "much"),
        ("d@x.example", "0", "1.5"),
        ("e@x.example", "", "1.5"),
        opt_in=opt_in,
    )
    assert dict(found.select("record_number", "opt_out").rows()) == says


def test_a_bad_value_leaves_its_row_the_names_that_can_be_read() -> None:
    assert _named(
        [],
        ("Ann@X.example", "c1", "x"),
        ("ben", " c2 ", "1"),
        ("", "", "1"),
        ("cid@x.example", "", "3"),
        ("dan@x.example", "é" * 501, "1"),
        ("", "c3", "1e3"),
    ) == [(1, "ann@x.example", "c1"), (2, None, "c2"), (3, None, None), (5, "dan@x.example", None), (6, None, "c3")]


def test_a_name_that_cannot_be_read_may_be_anybodys() -> None:
    rows = [("ben", " c2 ", "1"), ("", "c3", "x"), ("dan@x.example", "é" * 501, "1"), ("cid@x.example", "c4", "x")]
    found = _told([], *rows)
    assert dict(found.select("record_number", "is_doubtful").rows()) == {1: True, 2: False, 3: True, 4: False}


def test_rows_that_a_processor_rejects_are_named_by_what_later_processors_make_of_them() -> None:
    processors = [
        {"kind": "reformat_number", "field": "n"},
        {"kind": "drop_rows", "where": {"field": "id", "equals": "c1"}},
        {"kind": "extract", "field": "id", "expression": "[0-9]+", "on_failure": "keep"},
        {"kind": "rename_columns", "columns": [{"field": "mail", "to": "m"}, {"field": "id", "to": "mail"}]},
        {"kind": "rename_columns", "columns": [{"field": "mail", "to": "id"}, {"field": "m", "to": "mail"}]},
        {"kind": "change_case", "field": "mail", "to": "upper"},
        {"kind": "deduplicate", "fields": ["mail"]},
    ]
    rows = [
        ("a@x.example", "c1", "x"),
        ("b@x.example", "c2", "1"),
        ("b@x.example", "c3", "y"),
        ("a@x.example", "c1", "2"),
    ]
    for cut in (None, 1, 2, 3):
        assert _named(processors, *rows, cut=cut) == [(1, "a@x.example", "1"), (3, "b@x.example", "3")]


@pytest.mark.parametrize(
    "behind",
    [
        [],
        [{"kind": "fill", "field": "mail", "value": "everyone@x.example"}],
        [
            {"kind": "hash", "field": "mail", "algorithm": "sha256"},
            {"kind": "join", "fields": ["mail"], "into": "mail"},
        ],
        [{"kind": "value_map", "field": "mail", "values": {"a": "b"}, "on_failure": "keep"}],
        [{"kind": "normalize_email", "field": "mail"}, {"kind": "fill", "field": "mail", "value": "all@x.example"}],
    ],
    ids=["nothing", "fill", "hash", "value_map", "another failure"],
)
def test_what_could_not_be_made_names_nobody(behind: list[dict[str, Any]]) -> None:
    first = {"kind": "normalize_email", "field": "mail"}
    assert _named([first, *behind], ("not an address", "c1", "1")) == [(1, None, "c1")]


@pytest.mark.parametrize(
    ("processors", "named_as", "lacks"),
    [
        ([], {"mail": None, "id": "c1"}, (True, False)),
        ([{"kind": "fill", "field": "mail", "value": "all@x.example"}], {"mail": None, "id": "c1"}, (True, False)),
        ([{"kind": "join", "fields": ["mail", "id"], "into": "id"}], {"mail": None, "id": None}, (True, True)),
        (
            [{"kind": "constant", "into": "mail", "value": "a@x.example"}],
            {"mail": "a@x.example", "id": "c1"},
            (False,) * 2,
        ),
        (
            [
                {"kind": "reformat_number", "field": "n"},
                {"kind": "drop_rows", "where": {"field": "id", "empty": False}},
            ],
            {"mail": None, "id": "c1"},
            (True, False),
        ),
        (
            [{"kind": "rename_columns", "columns": [{"field": "mail", "to": "id"}, {"field": "id", "to": "mail"}]}],
            {"mail": None, "id": None},
            (True, False),
        ),
    ],
    ids=["nothing", "fill", "join", "constant", "rejects and drops", "renamed"],
)
def test_rows_that_were_read_in_part_are_named_by_what_processors_make_of_the_rest(
    processors: list[dict[str, Any]], named_as: dict[str, str | None], lacks: tuple[bool, bool]
) -> None:
    asking = _asking()
    columns = FileColumns.of(HEADER, len(HEADER))
    steps = PROCESSORS.validate_python(processors)
    with Chain.of(steps, columns, asking.dialect) as chain:
        plan = plan_of(asking, PROPERTIES, chain.columns)
    with Chain.of(steps, columns, asking.dialect, following=plan.naming) as chain:
        frame = pl.DataFrame(
            {"c0": [None], "c1": ["c1"], "c2": [None]}, schema=dict.fromkeys(("c0", "c1", "c2"), pl.String)
        )
        followed = chain.follow(Rows(frame, np.array([5]), np.array([6])))
    (found,) = named(followed.frame, followed.record_numbers, plan).to_dicts()
    assert (found["record_number"], found["k_email"], found["k_customer"]) == (5, named_as["mail"], named_as["id"])
    assert followed.lacks.row(0) == lacks


def test_without_being_asked_nothing_is_kept() -> None:
    plain = goal(NAMES, [{"field": "n", "property": "points"}])
    rows = rows_of([("a@x.example", "c1", "x")], 3)
    plan = plan_of(plain, PROPERTIES, FileColumns.of(HEADER, len(HEADER)))
    assert plan.naming == ()
    assert apply(rows.frame, rows.record_numbers, rows.line_numbers, plan).named is None


def test_every_row_rejected_is_named_once() -> None:
    rows = [(f"p{number}@x.example", "", "x") for number in range(1000)]
    found = _named([{"kind": "reformat_number", "field": "n", "on_failure": "keep"}], *rows)
    assert np.array_equal([each[0] for each in found], np.arange(1, 1001))
