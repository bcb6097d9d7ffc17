"""Each processor by table: what it makes of a value, what it leaves alone, and what it hands back."""

import hashlib
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, InvalidGoal
from shared.domain.processor import Processor
from shared.domain.processors.base import ProcessorBase
from shared.processing.processor_checks import faults_of
from tests.unit.processing.files import PROCESSORS, processed

KINDS: tuple[type[ProcessorBase], ...] = get_args(get_args(Processor)[0])

NULLS = {"nullSequence": ["NULL"]}


def made(processor: dict[str, Any], *values: str, dialect: dict[str, Any] | None = None) -> list[str]:
    """What becomes of the values of one column; what is rejected shows its code."""
    _, done = processed([{**processor, "field": "x"}], ("x",), [(value,) for value in values], dialect)
    found = dict(zip(done.record_numbers.tolist(), done.frame.to_series().to_list(), strict=True))
    found |= {reject.record_number: f"!{reject.code.value}" for reject in done.rejects}
    assert all(reject.raw == (values[reject.record_number - 1],) and reject.field == "x" for reject in done.rejects)
    return [found[number] for number in range(1, len(values) + 1)]


NOTHING = ["", "  ", "NULL"]
CASES: list[tuple[dict[str, Any], dict[str, Any], list[str], list[str]]] = [
    ({"kind": "trim"}, {}, [" a  b\t", "\u2003é\u00a0", "\x1fa", "", "  "], ["a  b", "é", "\x1fa", "", ""]),
    ({"kind": "trim", "collapse": True}, {}, ["a \u00a0\n b", " a"], ["a b", "a"]),
    ({"kind": "change_case", "to": "lower"}, NULLS, ["ÀÉ", "İ", *NOTHING], ["àé", "i̇", *NOTHING]),
    ({"kind": "change_case", "to": "upper"}, {}, ["straße", "é"], ["STRASSE", "É"]),
    ({"kind": "change_case", "to": "title"}, {}, ["JAN DE WIT", "o'neill-smith"], ["Jan De Wit", "O'Neill-Smith"]),
    ({"kind": "replace", "find": ".", "with": "$1"}, NULLS, ["a.b.", *NOTHING], ["a$1b$1", *NOTHING]),
    ({"kind": "replace", "find": "L", "with": ""}, NULLS, ["Lila", "NULL"], ["ila", "NULL"]),
    ({"kind": "replace", "find": "a", "with": "b" * 20}, {}, ["a" * 60_000, "a"], ["!field_too_long", "b" * 20]),
    ({"kind": "limit_text", "characters": 2}, {}, ["äöü", "😀😀😀", "a"], ["äö", "😀😀", "a"]),
    ({"kind": "limit_text", "characters": 2, "on_longer": "reject"}, {}, ["abc", "ab"], ["!text_too_long", "ab"]),
    ({"kind": "limit_text", "characters": 2, "on_longer": "clear"}, {}, ["abc", "ab"], ["", "ab"]),
    (
        {"kind": "replace_matching", "expression": "([a-z]+)([0-9])", "with": "$2$$$1$0"},
        {},
        ["ab1-c2", "1"],
        ["1$abab1-2$cc2", "1"],
    ),
    ({"kind": "replace_matching", "expression": "[^0-9]", "with": ""}, NULLS, ["a1b2", *NOTHING], ["12", *NOTHING]),
    (
        {"kind": "replace_matching", "expression": "(ab)+c", "with": "-"},
        {},
        ["ababc" + "x" * 1_990, "abc" + "x" * 2_000, "x" * 3_000],
        ["-" + "x" * 1_990, "!text_too_long", "x" * 3_000],
    ),
    (
        {"kind": "replace_matching", "expression": "(ab)+c", "with": "-", "on_failure": "keep"},
        {},
        ["abc" + "x" * 2_000],
        ["abc" + "x" * 2_000],
    ),
    (
        {"kind": "replace_matching", "expression": "a", "with": "b" * 200},
        {},
        ["a" * 6_000, "a" * 5_000, "c" * 900_000],
        ["!field_too_long", "b" * 1_000_000, "c" * 900_000],
    ),
    ({"kind": "extract", "expression": "[0-9]+"}, NULLS, ["a12b3", "none", *NOTHING], ["12", "!no_match", *NOTHING]),
    ({"kind": "extract", "expression": "(a)?(b)", "group": 1}, {}, ["ab", "b", "c"], ["a", "", "!no_match"]),
    ({"kind": "extract", "expression": "(a)(b)", "group": 0, "on_failure": "clear"}, {}, ["xab", "c"], ["ab", ""]),
    ({"kind": "extract", "expression": "a", "on_failure": "keep"}, {}, ["xa", "c"], ["a", "c"]),
    (
        {"kind": "normalize_email"},
        NULLS,
        [" Ann@Example.COM\t", "MAILTO: a@b.nl", "e\u0301@b.nl", "ann", "a@b", *NOTHING],
        ["ann@example.com", "a@b.nl", "é@b.nl", "!not_an_email", "!not_an_email", *NOTHING],
    ),
    ({"kind": "normalize_email", "on_failure": "keep"}, {}, ["Ann"], ["Ann"]),
    (
        {"kind": "normalize_phone", "default_region": "NL"},
        NULLS,
        ["0612345678", "+31 (0)6 12345678", "0032 475 12 34 56", "tel:+1-212-555-0123", "12", "call 0612345678",
         "06123456 ext. 5", "0800-FLOWERS", "+31612345678", *NOTHING],
        ["+31612345678", "+31612345678", "+32475123456", "+12125550123", "!not_a_phone", "!not_a_phone",
         "!not_a_phone", "!not_a_phone", "+31612345678", *NOTHING],
    ),
    (
        {"kind": "reformat_date", "from": "DD.MM.YY", "to": "YYYY-MM-DD"},
        NULLS,
        ["31.12.99", " 01.01.68 ", "30.02.20", "1.1.20", *NOTHING],
        ["1999-12-31", "2068-01-01", "!not_a_date", "!not_a_date", *NOTHING],
    ),
    (
        {"kind": "reformat_date", "to": "D/M/YY HH:mm"},
        {"dateFormat": "YYYY-MM-DD HH:mm:ss"},
        ["2024-03-05 06:07:08", "1950-01-01 00:00:00"],
        ["5/3/24 06:07", "!not_a_date"],
    ),
    (
        {"kind": "reformat_date", "from": "YYYY-MM-DDTHH:mm:ssZ", "to": "YYYY-MM-DDTHH:mm:ss.SSSZ"},
        {"timezone": "Europe/Amsterdam"},
        ["2024-07-01T10:00:00Z", "2024-01-01T10:00:00-05:30"],
        ["2024-07-01T12:00:00.000+02:00", "2024-01-01T16:30:00.000+01:00"],
    ),
    (
        {"kind": "reformat_date", "from": "YYYY-MM-DD HH:mm", "to": "YYYY-MM-DD", "timezone": "America/New_York"},
        {},
        ["2024-01-01 03:00", "2024-01-01 06:00"],
        ["2023-12-31", "2024-01-01"],
    ),
    ({"kind": "reformat_date", "from": "epoch_milliseconds"}, {}, ["86400000", "-1"], ["1970-01-02", "1969-12-31"]),
    ({"kind": "reformat_date", "to": "epoch_seconds"}, {}, ["1970-01-02", "1969-12-31"], ["86400", "-86400"]),
    ({"kind": "reformat_date", "from": "DD/MM/YYYY", "on_failure": "clear"}, {}, ["13/13/2020"], [""]),
    (
        {"kind": "reformat_number", "from": {"decimalChar": ",", "groupChar": "."}},
        NULLS,
        ["1.234,50", "-0,10", "+7", "12.34", "ten", *NOTHING],
        ["1234.5", "-0.1", "7", "!not_a_number", "!not_a_number", *NOTHING],
    ),
    (
        {"kind": "reformat_number", "to": {"decimalChar": ",", "groupChar": ".", "decimals": 2}},
        {},
        ["1234567.5", "-123456", "999", "-1000", "1.234", "0"],
        ["1.234.567,50", "-123.456,00", "999,00", "-1.000,00", "!too_precise", "0,00"],
    ),
    (
        {"kind": "value_map", "values": {"m": "male", "v": ""}},
        NULLS,
        ["m", "v", "M", " m", *NOTHING],
        ["male", "", "!value_not_mapped", "!value_not_mapped", *NOTHING],
    ),
    (
        {"kind": "value_map", "values": {"É": "1", "b": "2"}, "ignore_case": True, "on_failure": "keep"},
        {},
        ["é", "B", "c"],
        ["1", "2", "c"],
    ),
    ({"kind": "fill", "value": "NL"}, NULLS, ["DE", *NOTHING], ["DE", "NL", "NL", "NL"]),
    (
        {"kind": "hash"},
        NULLS,
        ["é", "a", "a", *NOTHING],
        [hashlib.sha256("é".encode()).hexdigest(), *[hashlib.sha256(b"a").hexdigest()] * 2, *NOTHING],
    ),
    ({"kind": "hash", "algorithm": "sha1"}, {}, ["a"], ["86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"]),
]  # fmt: skip  # a table


@pytest.mark.parametrize(("processor", "dialect", "values", "expected"), CASES)
def test_a_processor_makes_of_values_what_its_text_says(
    processor: dict[str, Any], dialect: dict[str, Any], values: list[str], expected: list[str]
) -> None:
    assert made(processor, *values, dialect=dialect) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_in_the_documentation_is_true(kind: type[ProcessorBase]) -> None:
    example, before, after = kind.shows
    assert kind.__doc__
    names, done = processed([example], tuple(before), [tuple(before.values())])
    found = [dict(zip(names, row, strict=True)) for row in done.frame.rows()]
    assert found == ([] if after is None else [after])
    assert sum(done.skipped.values()) == (1 if after is None else 0)


WHOLE: list[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], dict[str, str]]] = [
    (
        {"kind": "trim"},
        ("a", "b"),
        (" 1", " 2"),
        {"a": "1", "b": "2"},
    ),
    ({"kind": "trim", "fields": ["a", 2]}, ("a", "b", "c"), (" 1", " 2", " 3"), {"a": "1", "b": " 2", "c": "3"}),
    ({"kind": "replace", "fields": "all", "find": "-", "with": ""}, ("a", "b"), ("1-", "-2"), {"a": "1", "b": "2"}),
    (
        {"kind": "extract", "field": "a", "expression": "[0-9]+", "into": "b"},
        ("a", "b"),
        ("x1", "old"),
        {"a": "x1", "b": "1"},
    ),
    (
        {"kind": "split", "field": "a", "delimiter": "::", "into": ["b", "a", "c"]},
        ("a",),
        ("1::2",),
        {"a": "2", "b": "1", "c": ""},
    ),
    (
        {"kind": "join", "fields": ["b", 0, "c"], "separator": "; ", "into": "d"},
        ("a", "b", "c"),
        ("1", "2", " "),
        {"a": "1", "b": "2", "c": " ", "d": "2; 1"},
    ),
    ({"kind": "join", "fields": ["a"], "into": "b"}, ("a",), ("",), {"a": "", "b": ""}),
    ({"kind": "fill", "field": "a", "from": 1}, ("a", "b"), ("", "2"), {"a": "2", "b": "2"}),
    ({"kind": "constant", "into": "a", "value": ""}, ("a",), ("1",), {"a": ""}),
    (
        {"kind": "rename_columns", "columns": [{"field": "a", "to": "b"}, {"field": "b", "to": "a"}]},
        ("a", "b"),
        ("1", "2"),
        {"b": "1", "a": "2"},
    ),
    ({"kind": "drop_columns", "fields": [1]}, ("a", "a"), ("1", "2"), {"a": "1"}),
]


@pytest.mark.parametrize(("processor", "header", "row", "expected"), WHOLE)
def test_columns_are_found_made_and_named(
    processor: dict[str, Any], header: tuple[str, ...], row: tuple[str, ...], expected: dict[str, str]
) -> None:
    names, done = processed([processor], header, [row])
    assert dict(zip(names, done.frame.row(0), strict=True)) == expected


def test_without_a_header_columns_are_named_by_their_position_in_the_file() -> None:
    names, done = processed(
        [
            {"kind": "drop_columns", "fields": [0]},
            {"kind": "change_case", "position": 1, "to": "upper"},
            {"kind": "join", "fields": [1, 2], "separator": "", "into": "both"},
            {"kind": "change_case", "field": "both", "to": "lower"},
        ],
        None,
        [("a", "b", "c")],
    )
    assert (names, done.frame.row(0)) == ((None, None, "both"), ("B", "c", "bc"))


REFUSED: list[tuple[list[dict[str, Any]], str]] = [
    ([{"kind": "shout"}], "union_tag_invalid"),
    ([{"kind": "change_case", "to": "upper"}], "exactly one of field, position, fields"),
    ([{"kind": "trim", "field": "a", "position": 1}], "exactly one of field, position, fields"),
    ([{"kind": "hash"}], "exactly one of field, position"),
    ([{"kind": "hash", "field": "a", "algorithm": "crc32"}], "sha256"),
    ([{"kind": "extract", "field": "a", "expression": "(a", "group": 0}], "never closed"),
    ([{"kind": "extract", "field": "a", "expression": "(a)", "group": 2}], "found the group 2"),
    ([{"kind": "replace_matching", "field": "a", "expression": "a", "with": "$1"}], "0 groups"),
    ([{"kind": "replace_matching", "field": "a", "expression": "a", "with": "$"}], "without a group's number"),
    ([{"kind": "replace_matching", "field": "a", "expression": "a", "with": "$0" * 11}], "more than 10 groups"),
    ([{"kind": "fill", "field": "a"}], "exactly one of value, from"),
    ([{"kind": "constant", "into": "a", "value": "\0"}], "NUL"),
    ([{"kind": "split", "field": "a", "delimiter": "-", "into": ["b", "b"]}], "different names"),
    ([{"kind": "reformat_date", "field": "a", "to": "YYYY"}], "found no month"),
    ([{"kind": "reformat_date", "field": "a", "timezone": "Mars"}], "IANA time zone"),
    ([{"kind": "reformat_number", "field": "a", "to": {"groupChar": "."}}], "must differ"),
    ([{"kind": "keep_rows", "where": {"field": "a"}}], "expected exactly one of equals"),
    ([{"kind": "deduplicate", "fields": [], "keep": "last"}], "at least 1 item"),
    ([{"kind": "deduplicate", "fields": ["a"], "keep": "last"}] * 2, "at most one"),
    ([{"kind": "trim"}] * 51, "at most 50"),
]


@pytest.mark.parametrize(("processors", "sentence"), REFUSED)
def test_settings_that_make_no_sense_are_refused(processors: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        PROCESSORS.validate_python(processors)


UNFIT: list[tuple[list[dict[str, Any]], type[Exception], str]] = [
    ([{"kind": "hash", "field": "Mail"}], HeaderChanged, "'Mail' may now be 'E-Mail'"),
    ([{"kind": "hash", "field": "Name"}], HeaderChanged, "more than once: 'Name'"),
    ([{"kind": "hash", "position": 3}], HeaderChanged, "at position 3"),
    ([{"kind": "drop_columns", "fields": ["E-Mail"]}, {"kind": "hash", "position": 0}], HeaderChanged, "position 0"),
    ([{"kind": "drop_columns", "fields": [0, 1, 2]}], InvalidGoal, "drops all columns"),
    ([{"kind": "constant", "into": "Name", "value": ""}], HeaderChanged, "more than once"),
    ([{"kind": "normalize_phone", "field": "E-Mail", "default_region": "XX"}], InvalidGoal, "'XX'"),
    ([{"kind": "value_map", "field": "E-Mail", "values": {"a": "", "A": ""}, "ignore_case": True}], InvalidGoal, "two"),
    ([{"kind": "keep_rows", "where": {"property": "email", "empty": True}}], InvalidGoal, "rows have fields"),
    ([{"kind": "keep_rows", "where": {"field": "Email", "empty": True}}], HeaderChanged, "'E-Mail'"),
    (
        [{"kind": "rename_columns", "columns": [{"position": 0, "to": "a"}, {"field": "E-Mail", "to": "b"}]}],
        InvalidGoal,
        "twice",
    ),
]


@pytest.mark.parametrize(("processors", "failure", "sentence"), UNFIT)
def test_what_does_not_fit_the_file_fails_before_any_row(
    processors: list[dict[str, Any]], failure: type[Exception], sentence: str
) -> None:
    with pytest.raises(failure, match=sentence):
        processed(processors, ("E-Mail", "Name", "Name"), [])


def test_what_is_wrong_with_processors_alone_is_told_before_any_file() -> None:
    processors = PROCESSORS.validate_python(
        [
            {"kind": "trim"},
            {"kind": "normalize_phone", "field": "a", "default_region": "XX"},
            {"kind": "drop_columns", "fields": ["a", 1]},
            {"kind": "rename_columns", "columns": [{"field": "b", "to": "c"}, {"field": "d", "to": "e"}]},
            {"kind": "keep_rows", "where": {"all": [{"field": "c", "empty": True}, {"property": "d", "empty": True}]}},
            {"kind": "reformat_date", "field": "f"},
            {"kind": "deduplicate", "fields": ["g"], "keep": "last"},
        ]
    )
    assert [pointer for pointer, _ in faults_of(processors, Dialect(date_format="auto"))] == [
        "/1",
        "/4/where/all/1/property",
        "/5",
    ]
    assert [pointer for pointer, _ in faults_of(processors, Dialect())] == ["/1", "/4/where/all/1/property"]


def test_columns_whose_names_are_alike_are_not_split_into() -> None:
    processors = PROCESSORS.validate_python([{"kind": "split", "field": "a", "delimiter": "-", "into": ["b", "b "]}])
    assert [pointer for pointer, _ in faults_of(processors, Dialect())] == ["/0"]


def test_the_description_of_a_processor_holds_its_text_and_an_example() -> None:
    described = PROCESSORS.json_schema()["$defs"]
    for kind in KINDS:
        assert described[kind.__name__]["examples"] == [kind.shows.example]
        assert described[kind.__name__]["description"]
