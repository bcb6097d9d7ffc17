"""JSON Lines: an object a line, exact numbers, flattened objects, lists of scalars, and rejects for what is none."""

import io
import json
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.dialect import Dialect
from shared.domain.failures import RecordTooLong, TooManyColumns
from shared.formats.batch import Refetched
from shared.formats.jsonl_reader import JsonLinesReader
from shared.formats.limits import Limits
from shared.formats.text import TextSource, as_utf8
from tests.examples import examples
from tests.unit.formats.reading import Read, legible_in, read_from


def opener(data: bytes, dialect: Dialect) -> Callable[[], AbstractContextManager[TextSource]]:
    return lambda: nullcontext(as_utf8(io.BytesIO(data), dialect.encoding))


def reader(data: bytes, *, slice_bytes: int = 1 << 16, **settings: Any) -> JsonLinesReader:
    limits = {name: settings.pop(name) for name in ("field_bytes", "record_bytes", "columns") if name in settings}
    dialect = Dialect.model_validate(settings)
    return JsonLinesReader(opener(data, dialect), dialect, Limits(slice_bytes=slice_bytes, **limits))


def read(data: bytes, **settings: Any) -> Read:
    return read_from(reader(data, **settings))


def only(data: bytes, **settings: Any) -> dict[str, str]:
    """The one row of a file, by column."""
    found = read(data, **settings)
    ((_, row),) = found.good.values()
    return dict(zip(found.header or (), row, strict=True))


def test_columns_are_the_keys_of_all_lines_in_their_order() -> None:
    found = read(b'{"b": "1", "a": "2"}\n\n{"c": "3", "b": "4"}\r\n  \n{"a": null}')
    assert found.header == ("b", "a", "c")
    assert found.good == {1: (1, ("1", "2", "")), 2: (3, ("4", "", "3")), 3: (5, ("", "", ""))}


def test_columns_may_be_known_already() -> None:
    source = JsonLinesReader(opener(b'{"z": 1, "a": 2}', Dialect()), Dialect(), columns=("a", "b"))
    assert read_from(source) == Read(("a", "b"), 2, {1: (1, ("2", ""))}, {})
    assert list(source.unknown) == ["z"]
    assert JsonLinesReader(opener(b"\n", Dialect()), Dialect(), columns=("a",)).is_empty


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1234567890123456789", "1234567890123456789"),
        ("0.1", "0.1"),
        ("1.50", "1.50"),
        ("-0.30000000000000004", "-0.30000000000000004"),
        ("1e3", "1000"),
        ("1.25E-3", "0.00125"),
        ("1E400", "1" + "0" * 400),
        ("1E401", "1E401"),
        ("1e999999999", "1e999999999"),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_numbers_are_as_they_are_written(number: str, text: str) -> None:
    assert only(f'{{"n": {number}}}'.encode()) == {"n": text}


def test_numbers_have_the_dialects_decimal_character() -> None:
    assert only(b'{"n": 1.5, "t": "1.5"}', decimalChar=",", groupChar=".") == {"n": "1,5", "t": "1.5"}


def test_objects_are_flattened_and_lists_joined() -> None:
    data = b'{"a": {"b": {"c": true}, "d": false}, "l": ["x", 1.0, null, true], "e": [], "o": {}}'
    assert only(data) == {"a.b.c": "true", "a.d": "false", "l": "x|1.0|true", "e": ""}
    assert only(data, listDelimiter="; ")["l"] == "x; 1.0; true"


BAD: list[tuple[bytes, str, str | None]] = [
    (b"[1]", "bad_json", None),
    (b'{"a": 1} {"a": 2}', "bad_json", None),
    (b'{"a": 1', "bad_json", None),
    (b'{"a": NaN}', "bad_json", None),
    (b'{"a": -Infinity}', "bad_json", None),
    (b'{"a": 01}', "bad_json", None),
    (b"{'a': 1}", "bad_json", None),
    (b"a,b", "bad_json", None),
    (b'{"a": "\t"}', "bad_json", None),
    (b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "bad_json", None),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "bad_json", None),
    (b'{"x": ' + b"[" * 150 + b"]" * 150 + b"}", "bad_json", None),
    (b'{"a": 1, "a": 1}', "duplicate_key", "a"),
    (b'{"p": {"q": 1}, "p.q": 2}', "duplicate_key", "p.q"),
    (b'{"a": [{"b": 1}]}', "nested_value", "a"),
    (b'{"a": [[1]]}', "nested_value", "a"),
    (b'{"a": ["x|y"]}', "list_delimiter_in_item", "a"),
    (b'{"a": "\\u0000"}', "nul_byte", "a"),
    (b'{"a": "\\ud800"}', "undecodable", "a"),
    (b'{"a": "\xff"}', "undecodable", None),
    (b'{"a": "' + b"x" * 2_001 + b'"}', "field_too_long", "a"),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[1]} {case[0][:12]!r}")
def test_a_line_that_is_no_row_is_a_reject(case: tuple[bytes, str, str | None]) -> None:
    line, code, field = case
    source = reader(b'{"a": "1", "p.q": ""}\n' + line + b'\n{"a": "2"}', field_bytes=2_000, record_bytes=1 << 20)
    batches = list(source)
    assert [row[0] for batch in batches for row in batch.frame.iter_rows()] == ["1", "2"]
    (bad,) = [reject for batch in batches for reject in batch.bad]
    assert (bad.record_number, bad.line_number, bad.code.value, bad.field) == (2, 2, code, field)
    assert bad.raw


LEGIBLE: list[tuple[str, tuple[str | None, ...]]] = [
    ('{"a": [{"b": 1}], "b": "no", "p": {"q": 7}}', (None, "no", "7")),
    ('{"a": ["x|y"], "b": ["x"]}', (None, "x", "")),
    ('{"a": "\\u0000", "b": "no"}', (None, "no", "")),
    ('{"a": "\\ud800", "b": null}', (None, "", "")),
    ('{"a": "%s", "b": 1.50}' % ("x" * 2_001), (None, "1.50", "")),
    ('{"a": NaN, "b": "no", "p": {"q": -Infinity}}', (None, "no", None)),
    ('{"a": [1, NaN], "b": "no"}', (None, "no", "")),
    ('{"a": "\udcff", "b": "no"}', (None, "no", "")),
    ('{"a": 1, "b": "no", "a": 1}', (None, "no", "")),
    ('{"a": 1, "b": "no", "a": null, "a": 3}', (None, "no", "")),
    ('{"p": {"q": 1}, "b": "no", "p.q": 2}', ("", "no", None)),
    ('{"p": {"q": 1}, "b": "no", "p": {"q": 1}}', ("", "no", None)),
    ('{"p": {"q": 1, "q": 2}, "a": 3}', ("3", "", None)),
    ('{"p.q": 5, "p": 1, "a": 3, "p": 1}', ("3", "", None, None)),
    ('{"p": 1, "a": 3, "p": 1, "p.r": 4, "p-q": 5, "pq": 6}', ("3", "", None, None, None, "5", "6")),
    ('{"x\\u0000": 1, "b": "no", "a": NaN}', (None, "no", "")),
    ('{"other": 1, "other": 2, "a": 3}', ("3", "", "", None)),
]


@pytest.mark.parametrize("line", LEGIBLE, ids=lambda line: line[0][:30].encode("ascii", "backslashreplace").decode())
def test_what_is_right_about_an_object_that_is_no_row_can_be_read(line: tuple[str, tuple[str | None, ...]]) -> None:
    text, expected = line
    data = b'{"a": "1", "b": "yes", "p.q": ""}\n' + text.encode("utf-8", "surrogateescape") + b'\n{"a": "2"}'
    assert legible_in(reader(data, field_bytes=2_000)) == {2: expected}
    assert all(batch.legible is None for batch in reader(data, field_bytes=2_000)), "nobody asked"


@pytest.mark.parametrize(
    "line",
    [
        b"a,b",
        b'["a"]',
        b'{"a": 1} {"a": 2}',
        b'{"a": 1, "b": "no"',
        b'{"a": 01, "b": "no"}',
        b'{"b": "no", "x": ' + b"[" * 150 + b"]" * 150 + b"}",
        b'{"b": "no", "a\xff": 1}',
        b'{"b": "no", "a": 1, "a": 1, "\\ud800": 1}',
    ],
)
def test_nothing_can_be_read_of_what_is_no_object_or_has_keys_that_cannot(line: bytes) -> None:
    assert legible_in(reader(b'{"a": "1", "b": "yes"}\n' + line + b"\n")) == {}


def test_a_key_that_is_no_text_is_no_column() -> None:
    data = b'{"a": 1, "x\\u0000y": 2, "p": {"\\u0000": 3}, "q\\ud800": 4}\n{"\\u0000": 1, "\\u0000": 2}'
    source = reader(data)
    (batch,) = source
    assert (source.header, batch.frame.rows(), [bad.field for bad in batch.bad]) == (("a",), [("1",)], [None])
    given = JsonLinesReader(opener(data, Dialect()), Dialect(), columns=("a",))
    assert (read_from(given).good, given.unknown) == ({1: (1, ("1",))}, {})


def test_short_lines_under_many_columns_fill_no_memory() -> None:
    data = b"{" + b",".join(b'"%d":1' % number for number in range(500)) + b"}\n" + b"{}\n{\n" * 200
    batches = list(reader(data, slice_bytes=10_000))
    assert max(batch.frame.height + len(batch.bad) for batch in batches) == 20
    assert sum(batch.frame.height for batch in batches) == 201


def test_what_nobody_wants_rejects_nothing() -> None:
    source = reader(b'{"a": 1, "orders": [{"n": 1.50}], "tags": ["x|y"], "deep": ' + b'{"x":' * 12 + b"1" + b"}" * 13)
    source.mapped = frozenset({0})
    ((_, row),) = read_from(source).good.values()
    assert row[:3] == ("1", '[{"n":1.50}]', "x|y")


def test_a_reject_holds_the_row_under_its_columns() -> None:
    ((_, _, raw),) = read(b'{"a": 1.50, "b": [[2.0]], "c": "\\ud800", "d": [1, "x"]}').bad.values()
    assert raw == ("1.50", "[[2.0]]", "\\ud800", "1|x")


def test_an_undecodable_line_tells_where() -> None:
    data = '{"a": "é"}\n{"a": "'.encode()
    ((bad,),) = [batch.bad for batch in reader(data + b'\xff"}')]
    assert bad.byte_offset == len(data)


@pytest.mark.parametrize(("data", "is_empty"), [(b"", True), (b"\n \r\n", True), (b"{}", False), (b"x", False)])
def test_nothing_is_told_apart_from_no_keys(data: bytes, is_empty: bool) -> None:
    assert reader(data).is_empty is is_empty


def test_other_encodings_are_read_too() -> None:
    assert only('{"naïve": "é"}'.encode("utf-16"), encoding="utf-16") == {"naïve": "é"}
    assert only('\ufeff{"a": "é"}'.encode()) == {"a": "é"}


def test_too_many_keys_and_too_long_lines_fail_the_file() -> None:
    with pytest.raises(TooManyColumns, match="10 keys"):
        reader(b"".join(b'{"%d": 1}\n' % number for number in range(11)), columns=10)
    with pytest.raises(RecordTooLong, match="Line 2 "):
        reader(b'{"a": 1}\n' + b" " * 1_001, record_bytes=1_000, slice_bytes=100)


def test_keys_that_multiply_their_prefix_are_passed_over() -> None:
    line = b'{"' + b"p" * 900 + b'": {' + b",".join(b'"%d": 1' % number for number in range(5_000)) + b'}, "a": 1}'
    tracemalloc.start()
    with pytest.raises(TooManyColumns):
        reader(line, columns=1_000)
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)


@settings(max_examples=examples(80))
@given(st.lists(st.dictionaries(st.sampled_from("abcd"), scalars, max_size=4), max_size=12), st.integers(1, 60))
def test_slices_change_nothing_and_rows_are_fetched_again(rows: list[dict[str, Any]], size: int) -> None:
    data = "\n".join(json.dumps(row, ensure_ascii=number % 2 == 0) for number, row in enumerate(rows)).encode()
    whole = read(data)
    assert read(data, slice_bytes=size) == whole
    wanted = sorted([*whole.good, *whole.bad])[::2]
    fetched = Refetched(reader(data, slice_bytes=size)).rows(wanted)
    expected = {number: row for number, (_, row) in whole.good.items()}
    expected |= {number: raw for number, (_, _, raw) in whole.bad.items()}
    assert [(row.record_number, row.fields) for row in fetched] == [(number, expected[number]) for number in wanted]
