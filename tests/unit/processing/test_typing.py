"""Whole rows: which are good, which are not and why; and that both paths of the reader lead to the same."""

import csv
import io
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.reject import Reject
from shared.formats.csv_reader import CsvReader
from shared.formats.limits import Limits
from shared.formats.value_rejects_file import ValueRejectsFile
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import MappingPlan, plan_of
from shared.processing.typing import Typed, apply, staging_csv
from tests.examples import examples
from tests.unit.processing.goals import goal, properties

KNOWN = properties(
    "email", "number", email="email", number="integer", name="text", points="number", tags="list", born="date"
)
PLAN = plan_of(
    goal(
        [{"field": "e", "property": "email"}, {"field": "i", "property": "number"}],
        [
            {"field": "n", "property": "name"},
            {"field": "p", "property": "points"},
            {"field": "t", "property": "tags", "rule": "add"},
            {"field": "b", "property": "born"},
        ],
    ),
    KNOWN,
    FileColumns.of(("e", "i", "n", "p", "t", "b"), 6),
)


def type_rows(*rows: tuple[str, ...], plan: MappingPlan = PLAN) -> Typed:
    frame = pl.DataFrame(rows, schema={f"c{i}": pl.String for i in range(6)}, orient="row")
    numbers = np.arange(1, len(rows) + 1)
    return apply(frame, numbers, numbers + 1, plan)


def test_good_rows_have_the_columns_of_staging() -> None:
    found = type_rows(("A@B.nl ", "007", " Anna ", "1.50", "x|y|x", "2024-02-29"), ("", "5", "", "", "", ""))
    assert found.rejects == ()
    assert tuple(found.good.columns) == PLAN.staged
    assert found.good.rows() == [
        (1, 2, "a@b.nl", "7", "A@B.nl", 7, " Anna ", "1.5", '{"x","y"}', "2024-02-29"),
        (2, 3, None, "5", None, 5, None, None, None, None),
    ]


ROWS = [
    (("bad", "x", "", "x", "", "x"), "not_an_email", "e"),
    (("a@b.nl", "x", "", "x", "", "x"), "not_an_integer", "i"),
    (("", "", "", "x", "", ""), "no_identifier", "e"),
    (("a@b.nl", "", "", "x", "", "x"), "not_a_number", "p"),
    (("a@b.nl", "", "", "", "", "x"), "not_a_date", "b"),
    (("a@b.nl", "99999999999999999999", "", "", "", ""), "out_of_range", "i"),
]


@pytest.mark.parametrize(("row", "code", "field"), ROWS)
def test_the_first_bad_field_gives_code_and_name_identifiers_first(row: tuple[str, ...], code: str, field: str) -> None:
    good = ("a@b.nl", "1", "n", "1", "t", "2024-01-01")
    found = type_rows(good, row, good)
    assert found.good["record_number"].to_list() == [1, 3]
    assert found.rejects == (Reject(record_number=2, line_number=3, code=code, field=field, raw=row),)


def test_an_identifier_too_long_for_the_index_is_rejected() -> None:
    plan = plan_of(
        goal([{"position": 0, "property": "code"}], None, {"header": False}),
        properties("code", code="text"),
        FileColumns.of(None, 6),
    )
    row = ("x" * 1001, "", "", "", "", "")
    found = type_rows(row, plan=plan)
    assert [(reject.code.value, reject.field) for reject in found.rejects] == [("identifier_too_long", "position 0")]
    assert found.good.height == 0


def test_a_value_that_two_identifiers_and_two_properties_share_is_rejected_once() -> None:
    lenient = goal(
        [{"field": "e", "property": "email"}, {"field": "e", "property": "code"}],
        [{"field": "n", "property": "points"}, {"field": "n", "property": "born"}, {"field": "e", "property": "phone"}],
        on_bad_value="reject_value",
    )
    known = properties("email", "code", email="email", code="text", points="number", born="date", phone="phone")
    plan = plan_of(lenient, known, FileColumns.of(("e", "i", "n", "p", "t", "b"), 6))
    found = type_rows(("a@b.nl", "", "x", "", "", ""), ("b@b.nl", "", "7", "", "", ""), plan=plan)
    told = [(each.record_number, each.position, each.code.value, each.identifiers) for each in found.value_rejects]
    assert told == [
        (1, 2, "not_a_number", ("a@b.nl", "a@b.nl")),
        (2, 2, "not_a_date", ("b@b.nl", "b@b.nl")),
        (1, 0, "not_a_phone", ("a@b.nl", "a@b.nl")),
        (2, 0, "not_a_phone", ("b@b.nl", "b@b.nl")),
    ]
    file = ValueRejectsFile(lenient, {0: "e", 2: "n"}, UUID(int=7))
    lines = file.header() + file.rows(sorted(found.value_rejects, key=lambda each: each.record_number)) + file.end()
    assert [line.split(",")[:3] for line in lines.decode().splitlines()] == [
        ["e", "n", "_row"],
        ["a@b.nl", "x", "2"],
        ["b@b.nl", "7", "3"],
    ]


def test_no_rows_give_no_rows() -> None:
    found = type_rows()
    assert (found.good.height, tuple(found.good.columns), found.rejects) == (0, PLAN.staged, ())
    assert staging_csv(found.good) == b""


def test_staging_writes_null_as_nothing_and_nothing_else_as_nothing() -> None:
    found = type_rows(("a@b.nl", "", 'say "x",\r\n\\.', "0", "", ""))
    assert staging_csv(found.good).decode() == '1,2,a@b.nl,,a@b.nl,,"say ""x"",\r\n\\.",0,,\n'


cells = st.one_of(
    st.sampled_from(
        ["", " ", "a@b.nl", "Zoë@B.nl", "x", "1", " 1", "1.5", "0.12345678901", "2024-02-29", "2024-02-30", "a|b| a"]
    ),
    st.text("a@.1é-| ", max_size=6),
)


@settings(max_examples=examples(80))
@given(st.lists(st.lists(cells, min_size=5, max_size=7).map(lambda row: row[:7]), max_size=20), st.data())
def test_both_paths_lead_to_the_same_rows_and_rejects(rows: list[list[str]], data: st.DataObject) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=data.draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))).writerows(rows)
    content = b"e,i,n,p,t,b\r\n" + text.getvalue().encode()
    place = data.draw(st.integers(13, len(content)))
    content = content[:place] + data.draw(st.sampled_from([b"", b'"', b"\0", b"\xff", b"\n"])) + content[place:]
    exact = through(content, only_exact=True, slice_bytes=1 << 20)
    for slice_bytes in (5, 40, 1 << 20):
        assert through(content, only_exact=False, slice_bytes=slice_bytes) == exact


def through(content: bytes, *, only_exact: bool, slice_bytes: int) -> tuple[list[tuple[object, ...]], list[Reject]]:
    """The whole road from bytes to staged rows and rejects, in the order of the file."""
    reader = CsvReader(io.BytesIO(content), goal([{"field": "e", "property": "email"}]).dialect,
                       Limits(slice_bytes=slice_bytes), only_exact=only_exact)  # fmt: skip  # reads as one call
    rows: list[tuple[object, ...]] = []
    rejects: list[Reject] = []
    for batch in reader:
        found = apply(batch.frame, batch.record_numbers, batch.line_numbers, PLAN)
        staged = pl.read_csv(
            staging_csv(found.good), has_header=False, infer_schema=False, schema=dict.fromkeys(PLAN.staged, pl.String)
        ) if found.good.height else found.good.head(0)  # fmt: skip  # reads as one expression
        assert [tuple(None if v is None else str(v) for v in row) for row in found.good.rows()] == staged.rows()
        rows += found.good.rows()
        rejects += [*batch.bad, *found.rejects]
    return sorted(rows, key=lambda row: str(row[0]).zfill(9)), sorted(rejects, key=lambda each: each.record_number)
