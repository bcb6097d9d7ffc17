"""What a delimited text means, by table: on both paths, in one slice and in slices of a few bytes."""

import pytest

from shared.domain.dialect import Dialect
from tests.unit.formats.reading import read

PLAIN = Dialect(has_header=False)
UNQUOTED = PLAIN.model_copy(update={"quote_char": None})
ESCAPED = PLAIN.model_copy(update={"escape_char": "\\"})
SINGLE = PLAIN.model_copy(update={"double_quote": False})

GOOD = [
    ("plain", PLAIN, b"a,b\nc,d\n", [("a", "b"), ("c", "d")]),
    ("no last line end", PLAIN, b"a,b\nc,d", [("a", "b"), ("c", "d")]),
    ("mixed line ends", PLAIN, b"a,b\r\nc,d\re,f\ng,h", [("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")]),
    ("empty lines are no records", PLAIN, b"\n\r\na,b\n\n\r\r\nc,d\n\n", [("a", "b"), ("c", "d")]),
    ("empty lines are no records in one column either", PLAIN, b'a\n\n""\nb\n', [("a",), ("",), ("b",)]),
    ("empty fields", PLAIN, b',\n"",\n,""\n', [("", ""), ("", ""), ("", "")]),
    ("white space is kept", PLAIN, b" a , b\t\n", [(" a ", " b\t")]),
    ("quoted", PLAIN, b'"a","b,c"\n', [("a", "b,c")]),
    ("doubled quotes", PLAIN, b'"a""b",""""\n', [('a"b', '"')]),
    ("quoted line ends", PLAIN, b'"a\nb","c\r\nd"\r\n"e\rf",g\n', [("a\nb", "c\r\nd"), ("e\rf", "g")]),
    ("a mark within the text", PLAIN, "a,b\n\ufeffc,d\n".encode(), [("a", "b"), ("\ufeffc", "d")]),
    ("a mark at the start", PLAIN, "\ufeffa,b\n".encode(), [("a", "b")]),
    ("no quote character", UNQUOTED, b'"a,b"\n5",x\n', [('"a', 'b"'), ('5"', "x")]),
    ("escaped delimiter", ESCAPED, b"a\\,b,c\n", [("a,b", "c")]),
    ("escaped quote inside quotes", ESCAPED, b'"a\\"b",c\n', [('a"b', "c")]),
    ("escaped quote outside quotes", ESCAPED, b'\\"a,b\n', [('"a', "b")]),
    ("escaped line ends", ESCAPED, b"a\\\r\nb,c\\\nd\n", [("a\r\nb", "c\nd")]),
    ("escaped escape", ESCAPED, b'a\\\\,"\\\\"\n', [("a\\", "\\")]),
    ("escape of an ordinary letter", ESCAPED, b"\\n,x\n", [("n", "x")]),
    ("escape at the end of the file", ESCAPED, b"a,b\\", [("a", "b\\")]),
    ("quotes without doubling", SINGLE, b'"a","",b\n', [("a", "", "b")]),
]


@pytest.mark.parametrize("slice_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize("only_exact", [False, True])
@pytest.mark.parametrize(("dialect", "data", "rows"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_a_well_formed_text_is_read(
    dialect: Dialect, data: bytes, rows: list[tuple[str, ...]], only_exact: bool, slice_bytes: int
) -> None:
    result = read(data, dialect, only_exact=only_exact, slice_bytes=slice_bytes)
    assert not result.bad
    assert [row for _, row in result.good.values()] == rows


BAD = [
    # name, dialect, body behind the header a,b,c: what of it is bad (record, line, code, raw), which lines are good
    ("short", PLAIN, b"1,2\n3,4,5\n", [(1, 2, "too_few_fields", ("1", "2"))], [3]),
    ("long", PLAIN, b"1,2,3,4\n3,4,5\n", [(1, 2, "too_many_fields", ("1", "2", "3", "4"))], [3]),
    ("NUL", PLAIN, b"1,\0,3\n3,4,5\n", [(1, 2, "nul_byte", ("1", "\\x00", "3"))], [3]),
    ("bad byte", PLAIN, b"1,\xff,3\n3,4,5\n", [(1, 2, "undecodable", ("1", "\\xff", "3"))], [3]),
    ("surrogate", PLAIN, b"1,\xed\xa0\x80,3\n3,4,5\n", [(1, 2, "undecodable", ("1", "\\ud800", "3"))], [3]),
    ("quote in a field", PLAIN, b'1,5" nail,3\n3,4,5\n', [(1, 2, "stray_quote", ("1", '5" nail', "3"))], [3]),
    ("text behind a quote", PLAIN, b'1,"a"b,3\n3,4,5\n', [(1, 2, "stray_quote", ("1", '"a"b', "3"))], [3]),
    ("no doubling", SINGLE, b'1,"a""b",3\n3,4,5\n', [(1, 2, "stray_quote", ("1", '"a""b"', "3"))], [3]),
    (
        "a forgotten quote costs its own line only",
        PLAIN,
        b'1,"a,3\n4,"b",6\n7,8,9\n',
        [(1, 2, "unclosed_quote", ("1", '"a', "3"))],
        [3, 4],
    ),
    (
        "a forgotten quote without any later one",
        PLAIN,
        b'1,"a,3\n4,5,6\n7,8,9\n',
        [(1, 2, "unclosed_quote", ("1", '"a', "3"))],
        [3, 4],
    ),
    (
        "good quoted lines before a fault belong to the record",
        PLAIN,
        b'"1\nx",b"c,d\n4,5,6\n',
        [(1, 2, "stray_quote", ("1\nx", 'b"c', "d"))],
        [4],
    ),
    ("too long", PLAIN, b"1," + b"x" * 101 + b",3\n4,5,6\n", [(1, 2, "field_too_long", ("1", "x" * 101, "3"))], [3]),
    (
        "quoted and longer than a field may be",
        PLAIN,
        b'1,"' + b"x" * 101 + b'",3\n4,5,6\n',
        [(1, 2, "unclosed_quote", ("1", '"' + "x" * 101 + '"', "3"))],
        [3],
    ),
]


@pytest.mark.parametrize("slice_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize("only_exact", [False, True])
@pytest.mark.parametrize(("dialect", "body", "bad", "lines"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_record_is_told_with_its_line_and_the_next_is_read(
    dialect: Dialect,
    body: bytes,
    bad: list[tuple[int, int, str, tuple[str, ...]]],
    lines: list[int],
    only_exact: bool,
    slice_bytes: int,
) -> None:
    dialect = dialect.model_copy(update={"has_header": True})
    result = read(b"a,b,c\n" + body, dialect, only_exact=only_exact, slice_bytes=slice_bytes, field_bytes=100)
    assert [(number, *told) for number, told in result.bad.items()] == bad
    assert [line for line, _ in result.good.values()] == lines
