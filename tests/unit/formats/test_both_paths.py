"""The fast path and the exact path say the same of the same bytes, whatever the bytes and the size of the slices."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.domain.dialect import Dialect
from shared.domain.failures import Failure
from shared.formats.csv_reader import RecordFetcher
from shared.formats.limits import Limits
from shared.formats.text import as_utf8
from tests.examples import examples
from tests.unit.formats.reading import Read, read

SMALL = {"field_bytes": 40, "record_bytes": 400}

encodings = st.sampled_from(
    ["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32", "ascii", "shift_jis", "gb18030", "cp037"]
)
delimiters = st.sampled_from(
    [",", ",", ";", "\t", "|", "§", " ", "a", "\x1e", "||", "a|a", "::", " - ", "§§", "\x1e\x1f|"]
)
rows_before = st.sampled_from(
    [
        {},
        {},
        {},
        {"headerRows": (2,)},
        {"headerRows": (1, 3), "commentRows": (2, 4)},
        {"header": False, "commentRows": (1, 2)},
    ]
)


@st.composite
def drawn(draw: st.DrawFn) -> Dialect | None:
    settings = {
        "encoding": draw(encodings),
        "delimiter": draw(delimiters),
        "quoteChar": draw(st.sampled_from(['"', '"', "'", None, "¿"])),
        "escapeChar": draw(st.sampled_from([None, None, "\\"])),
        "doubleQuote": draw(st.booleans()),
        "skipInitialSpace": draw(st.booleans()),
        "commentChar": draw(st.sampled_from([None, None, "#", "é", "//"])),
        "header": draw(st.booleans()),
    }
    try:
        return Dialect.model_validate(settings | draw(rows_before))
    except ValueError:
        return None


dialects = drawn().filter(lambda dialect: dialect is not None)


@st.composite
def files(draw: st.DrawFn, dialect: Dialect) -> bytes:
    """Mostly regular rows, with every kind of mischief strewn in."""
    quote, escape = dialect.quote_char or "", dialect.escape_char or ""
    comment, part = dialect.comment_char or "#", dialect.delimiter[:1]
    mischief = [
        *("\0", "\r", "\n", "\r\n", dialect.delimiter, quote, quote * 2, escape, " ", part, comment),
        *("\ufeff", "é", "漢", "a" * 45),
    ]
    plain = st.text("ab 1é\u2028", max_size=4)
    quoted = st.lists(st.sampled_from([*mischief[:11], "x", "y"]), max_size=4).map(
        lambda parts: quote + "".join(parts).replace(quote, quote * 2) + quote if quote else "x"
    )
    if dialect.skip_initial_space:
        quoted = st.tuples(st.sampled_from(["", " ", "  "]), quoted).map("".join)
    wild = st.lists(st.sampled_from([*mischief, "x", "y"]), max_size=4).map("".join)
    field = st.one_of(plain, plain, plain, quoted, quoted, wild)
    width = draw(st.integers(1, 4))
    regular = st.lists(st.one_of(plain, plain, quoted), min_size=width, max_size=width)
    row = st.one_of(regular, regular, regular, st.lists(field, max_size=5)).map(dialect.delimiter.join)
    if dialect.comment_char:
        row = st.one_of(row, row, row, wild.map(comment.__add__))
    line_end = st.sampled_from(["\n", "\n", "\r\n", "\r", ""])
    rows = draw(st.lists(st.tuples(row, line_end).map("".join), max_size=30))
    # Two files that were put together have a mark in the middle too.
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    joined = draw(st.integers(0, len(rows)))
    text = mark + "".join([*rows[:joined], mark, *rows[joined:]])
    data = text.encode(dialect.encoding, "replace")
    for place in draw(st.lists(st.integers(0, max(len(data) - 1, 0)), max_size=2)):
        data = data[:place] + draw(st.sampled_from([b"\xff", b"\x81", b"\xc3", b"\xed\xa0\x80", b'"'])) + data[place:]
    return data


def outcome(data: bytes, dialect: Dialect, *, only_exact: bool, slice_bytes: int) -> Read | tuple[str, str]:
    try:
        return read(data, dialect, only_exact=only_exact, slice_bytes=slice_bytes, **SMALL)
    except Failure as failure:
        return failure.code, failure.detail


@settings(max_examples=examples(150))
@given(st.data())
def test_fast_and_exact_agree_for_every_slice_size(data: st.DataObject) -> None:
    dialect = data.draw(dialects)
    file = data.draw(files(dialect))
    exact = outcome(file, dialect, only_exact=True, slice_bytes=1 << 20)
    border = data.draw(st.integers(1, len(file) + 1), label="a border anywhere")
    for slice_bytes in (1, border, 64, 1 << 20):
        assert outcome(file, dialect, only_exact=False, slice_bytes=slice_bytes) == exact
    assert outcome(file, dialect, only_exact=True, slice_bytes=3) == exact


@settings(max_examples=examples(150))
@given(st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"\r\n", b"a", b"b", b'""', b"\xff", b"\0"]), max_size=40))
@example([b'"', b"a", b"\n", b'"', b"b"])
@example([b"a", b"\n", b"\xef\xbb\xbf", b"a", b"\n", b"\xef\xbb\xbf", b"b", b"\n"])
@example([b"a", b",", b'"', b"\r", b"\n", b'"', b"\r"])
def test_any_sequence_of_marks_is_read_alike(pieces: list[bytes]) -> None:
    file = b"".join(pieces)
    for dialect in (Dialect(has_header=False), Dialect(), Dialect(has_header=False, double_quote=False)):
        exact = outcome(file, dialect, only_exact=True, slice_bytes=1 << 20)
        for slice_bytes in (1, 5, 1 << 20):
            assert outcome(file, dialect, only_exact=False, slice_bytes=slice_bytes) == exact


@settings(max_examples=examples(60))
@given(st.data())
def test_records_fetched_again_are_those_that_were_read(data: st.DataObject) -> None:
    dialect = data.draw(dialects)
    file = data.draw(files(dialect))
    try:
        known = read(file, dialect, only_exact=True, **SMALL)
    except Failure:
        return
    rows = {number: (line, row) for number, (line, row) in known.good.items()}
    rows |= {number: (line, raw) for number, (line, _, raw) in known.bad.items()}
    wanted = sorted(data.draw(st.sets(st.sampled_from(sorted(rows))))) if rows else []
    source = as_utf8(io.BytesIO(file), dialect.encoding)
    fetcher = RecordFetcher(source, dialect, Limits(slice_bytes=64, **SMALL))
    first = data.draw(st.integers(0, len(wanted)), label="asked for at first")
    found = fetcher.rows(wanted[:first]) + fetcher.rows(wanted[first:])
    assert [(row.record_number, row.line_number, row.fields) for row in found] == [
        (number, *rows[number]) for number in wanted
    ]


@pytest.mark.parametrize("slice_bytes", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100])
def test_line_numbers_count_every_kind_of_line_end(slice_bytes: int) -> None:
    file = b'a,b\r\n1,"x\r\ny\rz\n"\r\r\n\n2,3\r4,5\n6,7'
    result = read(file, slice_bytes=slice_bytes)
    assert {number: line for number, (line, _) in result.good.items()} == {1: 2, 2: 8, 3: 9, 4: 10}
