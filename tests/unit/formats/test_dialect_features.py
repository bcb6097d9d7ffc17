"""Delimiters of several characters, comments, skipped rows and blanks, by table: on both paths, in any slices."""

from contextlib import suppress
from typing import Any

import pytest

from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, RecordTooLong, TooManyColumns
from tests.processor_time import processor_seconds
from tests.unit.formats.reading import read, read_with_shares


def dialect(**settings: Any) -> Dialect:
    return Dialect.model_validate({"header": False} | settings)


BARS = dialect(delimiter="||")
HASH = dialect(commentChar="#")
SKIP = dialect(skipInitialSpace=True)

TABLE: list[tuple[str, Dialect, bytes, dict[int, tuple[str, ...]]]] = [
    # name, dialect, text, rows by line
    ("two characters", BARS, b"a||b\n||\nc||d|e\n", {1: ("a", "b"), 2: ("", ""), 3: ("c", "d|e")}),
    ("found from the left", BARS, b"a|||b\n||||\n", {1: ("a", "|b")}),
    ("inside quotes", BARS, b'"a||b"||"c\n||"\n', {1: ("a||b", "c\n||")}),
    ("a blank before it", dialect(delimiter=" | "), b"a | b\nc|d | e\n", {1: ("a", "b"), 2: ("c|d", "e")}),
    ("it may overlap itself", dialect(delimiter="a|a"), b"xa|ay\na|a|a\n", {1: ("x", "y"), 2: ("", "|a")}),
    ("beyond ASCII", dialect(delimiter="§€"), "a§€b\n§§€\n".encode(), {1: ("a", "b"), 2: ("§", "")}),
    ("escaped", dialect(delimiter="||", escapeChar="\\"), b"a\\||||b\n", {1: ("a|", "|b")}),
    ("without quotes", dialect(delimiter="::", quoteChar=None), b'"a::b"\n', {1: ('"a', 'b"')}),
    ("comments", HASH, b'#x\na,b\n# "x\n#\r\nc,d\re,#f\r#', {2: ("a", "b"), 5: ("c", "d"), 6: ("e", "#f")}),
    ("a quoted sign", HASH, b'"#a",b\n"\n#",c\n', {1: ("#a", "b"), 2: ("\n#", "c")}),
    ("a long sign", dialect(commentChar="//"), b"//x,y,z\n/,a\n", {2: ("/", "a")}),
    ("escaped sign", dialect(commentChar="#", escapeChar="\\"), b"\\#a,b\n#\\\n1,2\n", {1: ("#a", "b"), 3: ("1", "2")}),
    ("blanks", SKIP, b'  a,  b c \n "x",  "y, z"\n" q",r\n', {1: ("a", "b c "), 2: ("x", "y, z"), 3: (" q", "r")}),
    ("blanks alone", SKIP, b"a\n  \n", {1: ("a",), 2: ("",)}),
    ("no tab", SKIP, b"\ta, \tb\n", {1: ("\ta", "\tb")}),
    ("blanks and bars", dialect(delimiter="||", skipInitialSpace=True), b' a|| "b||c"\n', {1: ("a", "b||c")}),
    ("skipped lines", dialect(commentRows=[1, 2]), b'Export "of\n\na,b\n', {3: ("a", "b")}),
]  # fmt: skip  # a table


@pytest.mark.parametrize("slice_bytes", [1, 3, 7, 1 << 20])
@pytest.mark.parametrize("only_exact", [False, True])
@pytest.mark.parametrize(("dialect", "data", "rows"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
def test_what_a_dialect_says_is_read(
    dialect: Dialect, data: bytes, rows: dict[int, tuple[str, ...]], only_exact: bool, slice_bytes: int
) -> None:
    result = read(data, dialect, only_exact=only_exact, slice_bytes=slice_bytes)
    assert dict(result.good.values()) == rows or ("||||" in data.decode() and result.bad)


HEADERS: list[tuple[str, dict[str, Any], bytes, tuple[str, ...], list[int]]] = [
    # name, settings, text, header, lines of the rows
    ("on the third line", {"headerRows": [3]}, b'Sales "2024\n\na,b\n1,2\n', ("a", "b"), [4]),
    ("two rows", {"headerRows": [1, 2]}, b"home,,x\nstreet,city\n1,2,3\n", ("home street", "city", "x"), [3]),
    ("another joint", {"headerRows": [1, 2], "headerJoin": "."}, b"a,b\nc,d\n1,2\n", ("a.c", "b.d"), [3]),
    ("units below", {"headerRows": [1], "commentRows": [2]}, b"a,b\nkg,m,,\n1,2\n", ("a", "b"), [3]),
    ("a line between", {"headerRows": [1, 3]}, b"a,b\n---\nc,d\n1,2\n", ("a c", "b d"), [4]),
    ("of two lines", {"headerRows": [2], "commentRows": [3]}, b'x\n"a\nb",c\n1,2\n', ("a\nb", "c"), [4]),
    ("behind comments", {"commentChar": "#"}, b"# x\n\n#\na,b\n1,2\n", ("a", "b"), [5]),
    ("without a row", {"headerRows": [2]}, b"x\na,b", ("a", "b"), []),
]


@pytest.mark.parametrize("slice_bytes", [1, 5, 1 << 20])
@pytest.mark.parametrize("case", HEADERS, ids=lambda case: case[0])
def test_a_header_stands_where_the_dialect_says(case: tuple[Any, ...], slice_bytes: int) -> None:
    _, settings, data, header, lines = case
    result = read(data, dialect(header=True, **settings), slice_bytes=slice_bytes)
    assert (result.header, [line for line, _ in result.good.values()], result.bad) == (header, lines, {})


@pytest.mark.parametrize("data", [b"x\n", b"x\n\na,b\n", b'"x\n', b"\n\na,b\n"])
def test_a_header_that_is_not_where_it_is_expected_fails_the_file(data: bytes) -> None:
    with pytest.raises(HeaderChanged, match="line 2"):
        read(data, dialect(header=True, headerRows=[2]))


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n\r\n"])
def test_a_file_of_nothing_is_empty_also_where_rows_are_counted(data: bytes) -> None:
    result = read(data, dialect(header=True, headerRows=[2]))
    assert (result.header, result.good, result.bad) == (None, {}, {})


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"delimiter": "||"}, '{0}||"two || {0}"||x||||\r\n'),
        ({"delimiter": "§"}, '{0}§"two § {0}"§é§§\n'),
        ({"skipInitialSpace": True}, ' {0}, "two, {0}",  x, ,\n'),
        ({"commentChar": "#"}, '{0},"two # {0}",x,,\n'),
    ],
)
def test_none_of_it_makes_a_regular_file_slow(settings: dict[str, Any], line: str) -> None:
    data = "".join(line.format(number) for number in range(20_000)).encode()
    result, shares = read_with_shares(data, dialect(**settings), slice_bytes=1 << 16)
    assert not result.bad
    assert shares["exact"] <= 0.01 * shares["fast"]


def test_a_slice_that_uses_every_character_is_read_exactly() -> None:
    every = bytes(byte for byte in range(1, 128) if byte not in b'\r\n"|')
    result, shares = read_with_shares(b"a||b\n" + every + b"||c\n|||d\n", BARS)
    assert [row for _, row in result.good.values()] == [("a", "b"), (every.decode(), "c"), ("", "|d")]
    assert shares == {"fast": 0, "exact": 3}


@pytest.mark.parametrize(
    "settings",
    [
        {"delimiter": "a\n"},
        {"delimiter": 'a"'},
        {"delimiter": "123456789"},
        {"commentChar": ","},
        {"commentChar": '"x'},
        {"delimiter": "//", "commentChar": "/"},
        {"delimiter": " ", "skipInitialSpace": True},
        {"headerRows": [1]},
        {"header": True, "commentRows": [1]},
        {"header": True, "headerRows": [2, 1]},
        {"header": True, "headerRows": [1], "commentRows": [3]},
        {"header": True, "headerRows": [1], "commentRows": [1, 2]},
        {"commentRows": [2]},
        {"sheetName": "a", "sheetNumber": 1},
    ],
)
def test_what_contradicts_itself_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"delimiter|commentChar|Rows|skipInitialSpace|sheetName"):
        dialect(**settings)


@pytest.mark.parametrize(
    ("settings", "pattern"),
    [
        ({"commentChar": "#"}, b"#\n"),
        ({"commentChar": "#"}, b'#"\n"#\n'),
        ({"skipInitialSpace": True}, b" "),
        ({"skipInitialSpace": True}, b' "'),
        ({"skipInitialSpace": True}, b'a, "b\n'),
        ({"delimiter": "||"}, b"|"),
        ({"delimiter": "||"}, b'"||"|"\n'),
        ({"delimiter": "a|a"}, b"a|"),
        ({"delimiter": "||"}, b'\xff\xfe\xc0\xc1\xf8||"\n'),
    ],
)
def test_hostile_files_take_time_in_proportion_to_their_size(settings: dict[str, Any], pattern: bytes) -> None:
    def seconds(size: int) -> float:
        def work() -> None:
            with suppress(RecordTooLong, TooManyColumns):
                read(pattern * (size // len(pattern)), dialect(**settings), slice_bytes=1 << 14, field_bytes=1 << 13)

        return processor_seconds(work)

    size = 1 << 15
    # Quadratic time would be sixteen times as long; the sum keeps tiny times from deciding.
    assert seconds(4 * size) < 8 * (seconds(size) + 0.15)
