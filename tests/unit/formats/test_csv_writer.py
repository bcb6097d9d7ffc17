"""What is written is read back, by both ways of writing, in every dialect that can express it."""

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal, UnwritableValue
from shared.formats.csv_writer import CsvWriter
from tests.examples import examples
from tests.unit.formats.reading import read

texts = st.text(
    st.one_of(
        st.sampled_from("a1é漢# ,;|'\"\\\r\n§\ufeff\u2028"),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=8,
)
dialects = st.builds(
    Dialect,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030", "cp1252"]),
    delimiter=st.sampled_from([",", ";", "\t", "|", "§", "||", ",;|", "a;a"]),
    comment_char=st.sampled_from([None, None, "#", "1é"]),
    skip_initial_space=st.booleans(),
    comment_rows=st.sampled_from([(), (), (1, 2)]),
    quote_char=st.sampled_from(['"', '"', "'", None]),
    escape_char=st.sampled_from([None, None, "\\"]),
    double_quote=st.booleans(),
    has_header=st.just(False),
    null_sequence=st.sampled_from([(), ("NULL",), ("a,b",)]),
)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.one_of(st.none(), texts, texts), min_size=width, max_size=width), min_size=1, max_size=6
    )
)


def tried(dialect: Dialect, rows: list[list[str | None]], *, as_frame: bool) -> bytes | None:
    try:
        writer = CsvWriter(dialect)
        head = writer.rows(rows[:1])
        if not as_frame:
            return head + writer.rows(rows[1:])
        return head + writer.frame(
            pl.DataFrame(rows[1:], schema=dict.fromkeys(map(str, range(len(rows[0]))), pl.String), orient="row")
        )
    except UnwritableValue:
        return None


@settings(max_examples=examples(120))
@given(dialects, tables)
@example(Dialect(quote_char=None, escape_char="\\", has_header=False), [["a", "\r"], ["\r\n", "b"]])
def test_what_is_written_is_read_back(dialect: Dialect, rows: list[list[str | None]]) -> None:
    written = tried(dialect, rows, as_frame=False)
    assume(written is not None)
    assert written is not None
    null = dialect.null_sequence[0] if dialect.null_sequence else ""
    result = read(written, dialect)
    assert not result.bad
    assert [row for _, row in result.good.values()] == [
        tuple(null if field is None else field for field in row) for row in rows
    ]


@settings(max_examples=examples(120))
@given(dialects, tables)
def test_frames_and_rows_give_the_same_bytes(dialect: Dialect, rows: list[list[str | None]]) -> None:
    assert tried(dialect, rows, as_frame=True) == tried(dialect, rows, as_frame=False)


@settings(max_examples=examples(60))
@given(tables)
def test_the_usual_dialects_can_write_everything(rows: list[list[str | None]]) -> None:
    for dialect in (Dialect(), Dialect(delimiter=";"), Dialect(escape_char="\\", double_quote=False)):
        assert tried(dialect, rows, as_frame=True) is not None


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        (Dialect(quote_char=None), "a,b"),
        (Dialect(quote_char=None), "a\nb"),
        (Dialect(double_quote=False), 'a"b'),
        (Dialect(encoding="cp1252"), "漢"),
        (Dialect(quote_char=None), ""),
    ],
    ids=["delimiter", "line end", "quote", "letter", "empty line"],
)
def test_what_cannot_be_expressed_is_refused_without_showing_it(dialect: Dialect, value: str) -> None:
    with pytest.raises(UnwritableValue) as refused:
        CsvWriter(dialect).rows([[value]])
    assert not value or value not in refused.value.detail


def test_nulls_are_written_as_the_first_null_sequence() -> None:
    writer = CsvWriter(Dialect(null_sequence=("NULL", "-")))
    assert writer.rows([["a", None], ["", "b"]]) == b"a,NULL\n,b\n"


def test_a_byte_order_mark_is_written_once() -> None:
    writer = CsvWriter(Dialect(encoding="utf-16"))
    written = writer.rows([["a", "b"]]) + writer.frame(pl.DataFrame({"a": ["c"], "b": ["d"]}))
    assert written.decode("utf-16") == "a,b\nc,d\n"


def test_nothing_is_written_in_an_encoding_that_is_to_be_found_out() -> None:
    with pytest.raises(InvalidGoal, match="auto"):
        CsvWriter(Dialect(encoding="auto"))


def test_the_header_stands_where_the_dialect_expects_it() -> None:
    dialect = Dialect.model_validate({"headerRows": [1, 3], "commentRows": [2, 4]})
    written = CsvWriter(dialect).rows([["a", "b"], ["1", "2"]])
    assert written == b",\n\na,b\n\n1,2\n"
    assert read(written, dialect).header == ("a", "b")
