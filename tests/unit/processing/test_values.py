"""One table per type: what is taken, as what, and what is refused under which code."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.processing.mapping import MappedColumn
from shared.processing.values import typed

CORPORA = Path(__file__).parents[4] / "shared" / "corpora"

PLAIN = Dialect()
GERMAN = Dialect(decimal_char=",", group_char=".", date_format="DD.MM.YYYY", timezone="Europe/Berlin")


def one(raw: str, kind: str, dialect: Dialect = PLAIN, beside: str = "") -> tuple[object, str | None]:
    """The value and the code of one cell; `beside` is another cell of the same column."""
    kind_ = PropertyType(kind)
    pattern = date_pattern(dialect.date_format) if kind in ("date", "datetime") else None
    column = MappedColumn(0, "field", Property(name="p", type=kind_), MergeRule.SET, dialect, pattern)
    found = typed(pl.Series([raw, beside]), column)
    code = None if found.codes is None else found.codes.to_list()[0]
    assert found.values.len() == 2
    return found.values.to_list()[0], code


GOOD: list[tuple[str, Dialect, str, object]] = [
    ("text", PLAIN, " a b ", " a b "),
    ("text", PLAIN, "", None),
    ("text", PLAIN, " \t\u00a0\u3000\n", None),
    ("text", Dialect(null_sequence=("NULL", "-")), "NULL", None),
    ("text", Dialect(null_sequence=("NULL", "-")), " - ", None),
    ("text", Dialect(null_sequence=("NULL", "-")), "null", "null"),
    ("text", Dialect(null_sequence=(" - ",)), "-", None),
    ("integer", PLAIN, "7", 7),
    ("integer", PLAIN, " -7\u00a0", -7),
    ("integer", PLAIN, "+007", 7),
    ("integer", PLAIN, "-0", 0),
    ("integer", PLAIN, "9223372036854775807", 2**63 - 1),
    ("integer", PLAIN, "-9223372036854775808", -(2**63)),
    ("integer", PLAIN, "0" * 40 + "5", 5),
    ("integer", GERMAN, "1.234.567", 1_234_567),
    ("integer", GERMAN, "1234567", 1_234_567),
    ("integer", Dialect(null_sequence=("0",)), " 0", None),
    ("number", PLAIN, "1.005", "1.005"),
    ("number", PLAIN, "12.50", "12.5"),
    ("number", PLAIN, "100", "100"),
    ("number", PLAIN, "100.00", "100"),
    ("number", PLAIN, "0", "0"),
    ("number", PLAIN, "000", "0"),
    ("number", PLAIN, "-0.00", "0"),
    ("number", PLAIN, "-.0", "0"),
    ("number", PLAIN, ".0", "0"),
    ("number", PLAIN, "-.5", "-0.5"),
    ("number", PLAIN, "+0012.30", "12.3"),
    ("number", PLAIN, "-012", "-12"),
    ("number", PLAIN, "0.1234567890", "0.123456789"),
    ("number", PLAIN, "0.12345678900000", "0.123456789"),
    ("number", PLAIN, "9" * 28 + "." + "9" * 10, "9" * 28 + "." + "9" * 10),
    ("number", PLAIN, "-" + "0" * 30 + "9" * 28, "-" + "9" * 28),
    ("number", GERMAN, "1.234,50", "1234.5"),
    ("number", GERMAN, "-,5", "-0.5"),
    ("number", Dialect(group_char="'"), "1'234.5", "1234.5"),
    ("number", Dialect(group_char=" "), "1 234 567", "1234567"),
    ("boolean", PLAIN, "TRUE", True),
    ("boolean", PLAIN, "yes ", True),
    ("boolean", PLAIN, "1", True),
    ("boolean", PLAIN, "False", False),
    ("boolean", PLAIN, "nO", False),
    ("boolean", PLAIN, "0", False),
    ("date", PLAIN, "2024-02-29", "2024-02-29"),
    ("date", PLAIN, " 0001-01-01 ", "0001-01-01"),
    ("date", PLAIN, "9999-12-31", "9999-12-31"),
    ("date", GERMAN, "05.10.2006", "2006-10-05"),
    ("date", Dialect(date_format="DD.MM.YY"), "01.02.69", "1969-02-01"),
    ("date", Dialect(date_format="DD.MM.YY"), "01.02.68", "2068-02-01"),
    ("date", Dialect(date_format="MM/DD/YY"), "12/31/99", "1999-12-31"),
    ("date", Dialect(date_format="YYYYMMDD"), "20240229", "2024-02-29"),
    ("datetime", PLAIN, "2024-07-01T12:30:05", "2024-07-01T12:30:05+00:00"),
    ("datetime", PLAIN, "2024-07-01 12:30", "2024-07-01T12:30:00.000000+00:00"),
    ("datetime", PLAIN, "2024-07-01", "2024-07-01T00:00:00.000000+00:00"),
    ("datetime", PLAIN, "2024-07-01T12:30:05.25Z", "2024-07-01T12:30:05.250000+00:00"),
    ("datetime", PLAIN, "2024-07-01T12:30:05,25+02:00", "2024-07-01T10:30:05.250000+00:00"),
    ("datetime", PLAIN, "2024-07-01T00:30-0330", "2024-07-01T04:00:00.000000+00:00"),
    ("datetime", GERMAN, "01.07.2024 12:30:05", "2024-07-01T10:30:05.000000+00:00"),
    ("datetime", GERMAN, "01.07.2024", "2024-06-30T22:00:00.000000+00:00"),
    ("datetime", Dialect(date_format="yyyy-MM-dd HH:mm"), "2024-07-01 12:30", "2024-07-01T12:30:00.000000+00:00"),
    ("datetime", Dialect(date_format="DD/MM/YY HH:mm:ss"), "01/07/70 12:30:00", "1970-07-01T12:30:00.000000+00:00"),
    ("datetime", Dialect(date_format="DDMMYYYY HHmmss.SSSZ"), "01072024 123005.007Z",
     "2024-07-01T12:30:05.007000+00:00"),
    ("datetime", Dialect(timezone="Europe/Amsterdam"), "2024-07-01T12:30:05", "2024-07-01T10:30:05.000000+00:00"),
    ("email", PLAIN, " John.O'Neil+tag@Example.co.UK ", "John.O'Neil+tag@Example.co.UK"),
    ("email", PLAIN, "zoë@bücher.example", "zoë@bücher.example"),
    ("email", PLAIN, "a@xn--bcher-kva.xn--p1ai", "a@xn--bcher-kva.xn--p1ai"),
    ("email", PLAIN, "a" * 64 + "@b.nl", "a" * 64 + "@b.nl"),
    ("list", PLAIN, "a|b", '{"a","b"}'),
    ("list", PLAIN, " b | a ||b|", '{"b","a"}'),
    ("list", PLAIN, '"x"|y\\z|a,b|{c}|NULL', '{"\\"x\\"","y\\\\z","a,b","{c}","NULL"}'),
    ("list", PLAIN, " | ", None),
    ("list", Dialect(list_delimiter=", "), "a, b,c", '{"a","b,c"}'),
]  # fmt: skip  # a table


@pytest.mark.parametrize(("kind", "dialect", "raw", "value"), GOOD)
def test_a_value_is_taken(kind: str, dialect: Dialect, raw: str, value: object) -> None:
    assert one(raw, kind, dialect) == (value, None)


@pytest.mark.parametrize(("kind", "dialect", "raw", "value"), GOOD)
def test_what_stands_beside_a_value_does_not_change_it(kind: str, dialect: Dialect, raw: str, value: object) -> None:
    found, code = one(raw, kind, dialect, beside="\u00e9 is no value of most types ")
    assert code is None
    # Where a whole column is written in ISO already, it is taken as it stands: the same moment without a fraction.
    assert str(found).replace(".000000", "") == str(value).replace(".000000", "")


BAD: list[tuple[str, Dialect, list[str], str]] = [
    ("phone", PLAIN, ["+31 (0)6 12345678", "+44 ( 0 ) 20 7946 0958"], "not_a_phone"),
    ("integer", PLAIN, ["7.0", "7,0", "1e3", "٣", "7 7", "--7", "+", "0x10", "1_000", "1.234"], "not_an_integer"),
    ("integer", PLAIN, ["9223372036854775808", "-9223372036854775809", "1" * 500], "out_of_range"),
    ("integer", GERMAN, ["1.23", "1.2345", ".123", "12345.678"], "not_an_integer"),
    ("number", PLAIN, ["1,5", "1e3", "NaN", "inf", ".", "5.", "-", "1.2.3", "٣.٥", "1 000", "$5"], "not_a_number"),
    ("number", GERMAN, ["1.5", "1,2,3", "1.2345,6", "1,234.5"], "not_a_number"),
    ("number", PLAIN, ["0.12345678901", "-1.00000000001"], "too_precise"),
    ("number", PLAIN, ["9" * 29, "-" + "1" * 29 + ".5"], "out_of_range"),
    ("boolean", PLAIN, ["y", "t", "ja", "2", "truefalse", "ye\u017f", "on"], "not_a_boolean"),
    (
        "date",
        PLAIN,
        [
            "2024-3-1",
            "+2024-03-01",
            "24-03-01",
            "2024-02-30",
            "2023-02-29",
            "0000-01-01",
            "2024-13-01",
            "2024-03-01x",
            "2024-03-01T00:00",
            "2024/03/01",
            "20240301",
            "12024-03-01",
            "２０２４-03-01",
        ],
        "not_a_date",
    ),
    ("date", GERMAN, ["2006-10-05", "5.10.2006", "31.04.2024", "10/05/2006"], "not_a_date"),
    (
        "datetime",
        PLAIN,
        [
            "2024-07-01T24:00:00",
            "2024-07-01T12:60",
            "2024-07-01T12:30:60",
            "2024-02-30T12:00:00",
            "2024-07-01T12",
            "12:30",
            "2024-07-01Z",
            "2024-07-01T12:30:05+15:00",
            "0000-12-31T12:00:00",
            "0001-01-01T00:00:00+01:00",
            "2024-07-01T12:30:05.1234567",
            "1719835805",
        ],
        "not_a_datetime",
    ),
    (
        "datetime",
        Dialect(date_format="yyyy-MM-dd HH:mm"),
        ["2024-07-01", "2024-07-01T12:30", "2024-07-01 12:30:00"],
        "not_a_datetime",
    ),
    (
        "email",
        PLAIN,
        [
            "a",
            "a@b",
            "@b.nl",
            "a@",
            "a b@c.nl",
            "a@b..nl",
            ".a@b.nl",
            "a.@b.nl",
            "a..b@c.nl",
            "a@-b.nl",
            "a@b-.nl",
            "a@b.nl.",
            '"a b"@c.nl',
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@@b.nl",
            "a@b.n",
            "a,b@c.nl",
            "<a@b.nl>",
            "a@b.nl\nx",
            "a" * 65 + "@b.nl",
            "a@" + "b" * 64 + ".nl",
            "a@" + "b." * 130 + "nl",
            "a\u200b@b.nl",
        ],
        "not_an_email",
    ),
]


@pytest.mark.parametrize(("kind", "dialect", "raw", "code"), [(k, d, raw, c) for k, d, raws, c in BAD for raw in raws])
def test_a_value_is_refused(kind: str, dialect: Dialect, raw: str, code: str) -> None:
    assert one(raw, kind, dialect) == (None, code)


def test_an_ambiguous_local_time_is_taken_when_its_offset_is_stated() -> None:
    dialect = Dialect(timezone="Europe/Amsterdam")
    assert one("2024-10-27T02:30:00+01:00", "datetime", dialect)[0] == "2024-10-27T01:30:00.000000+00:00"
    assert one("2024-10-27T02:30:00+02:00", "datetime", dialect)[0] == "2024-10-27T00:30:00.000000+00:00"


@pytest.mark.skipif(not CORPORA.exists(), reason="the corpora of other projects are not beside this one")
def test_addresses_of_isemail_are_taken_only_if_their_syntax_is_valid() -> None:
    cases: list[dict[str, Any]] = json.loads((CORPORA / "isemail" / "cases.json").read_text())
    taken = 0
    for case in cases:
        value, code = one(case["address"], "email")
        if code is None and value is not None and value == case["address"]:
            assert case["syntactically_valid"], case["address"]
            taken += 1
    assert taken >= 10
