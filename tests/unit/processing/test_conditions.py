"""Conditions asked of the text columns of a file: what counts as nothing, and how text becomes numbers and dates."""

from typing import Any

import polars as pl
import pytest
from pydantic import TypeAdapter

from shared.domain.condition import Condition
from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, InvalidGoal
from shared.processing.conditions import asked_of_file
from shared.processing.file_columns import FileColumns

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)
DIALECT = Dialect.model_validate(
    {"decimalChar": ",", "groupChar": ".", "nullSequence": ["NULL"], "dateFormat": "DD.MM.YYYY", "listDelimiter": "|"}
)


def fulfilling(says: dict[str, Any], *values: str) -> list[str]:
    """Those of a column's values that fulfil a comparison."""
    frame = pl.DataFrame({"c0": values})
    asked = asked_of_file(CONDITION.validate_python({"field": "x", **says}), FileColumns.of(("x",), 1), DIALECT)
    answer = frame.select(asked).to_series()
    assert answer.null_count() == 0
    return frame.filter(answer)["c0"].to_list()


NOTHING = ["", " ", "\u00a0\t", "NULL", " NULL "]
CASES: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"empty": True}, [*NOTHING, "x", "null"], NOTHING),
    ({"empty": False}, [*NOTHING, "x"], ["x"]),
    ({"not_equals": "NL"}, [*NOTHING, "NL", "BE"], ["BE"]),
    ({"equals": "NL"}, ["NL", " NL", "nl"], ["NL"]),
    ({"equals": "nl", "ignore_case": True}, ["NL", "nl", "Nl", "BE"], ["NL", "nl", "Nl"]),
    ({"less": "a"}, ["Z", "a", "É", " b", *NOTHING], ["Z", " b"]),
    ({"at_most": "a", "ignore_case": True}, ["Z", "A", "a", "0"], ["A", "a", "0"]),
    ({"between": ["b", "d"]}, ["a", "b", "cc", "d", "da"], ["b", "cc", "d"]),
    ({"in": ["straße", "É"], "ignore_case": True}, ["STRAßE", "STRASSE", "é"], ["STRAßE", "é"]),
    ({"contains": " "}, ["a b", "ab", "  "], ["a b"]),
    ({"starts_with": ".*"}, [".*a", "abc"], [".*a"]),
    ({"ends_with": "É", "ignore_case": True}, ["éÉ", "é", "e"], ["éÉ", "é"]),
    ({"matches": "^[a-z]+$"}, ["abc", "ABC", "abc\n", "a1"], ["abc"]),
    ({"matches": "^[a-z]+$", "ignore_case": True}, ["abc", "ABC", "a1"], ["abc", "ABC"]),
    (
        {"type": "number", "at_least": 10},
        ["10", "9", " 1.000,5 ", "ten", "1e9", "9,9999999999", *NOTHING],
        ["10", " 1.000,5 "],
    ),
    ({"type": "number", "equals": "0.1"}, ["0,1", ",1", "0,10000000000000000", "0.1", "0,10000000001"],
     ["0,1", ",1", "0,10000000000000000"]),
    ({"type": "number", "empty": True}, ["10", "ten", ""], ["ten", ""]),
    ({"type": "number", "greater": 0}, ["9" * 28, "9" * 29, "-1"], ["9" * 28]),
    ({"type": "date", "less": "2000-01-01"}, ["31.12.1999", "01.01.2000", "1999-12-31", "31.02.1999"], ["31.12.1999"]),
    ({"type": "date", "less": "2000-01-01", "dateFormat": "YYYY-MM-DD"}, ["31.12.1999", "1999-12-31"], ["1999-12-31"]),
    ({"type": "datetime", "at_least": "2024-01-01T12:00:00+01:00", "dateFormat": "YYYY-MM-DD HH:mm:ss"},
     ["2024-01-01 11:00:00", "2024-01-01 10:59:59", "noon"], ["2024-01-01 11:00:00"]),
    ({"type": "boolean", "equals": True}, ["yes", "1", "TRUE", "no", "0", "maybe", ""], ["yes", "1", "TRUE"]),
    ({"type": "boolean", "not_equals": True}, ["yes", "no", "maybe", ""], ["no"]),
    ({"type": "list", "contains": "vip"}, ["a| vip ", "vip", "vips", "VIP", "|"], ["a| vip ", "vip"]),
    ({"type": "list", "contains": "VIP", "ignore_case": True}, ["a|vip", "b"], ["a|vip"]),
    ({"type": "list", "empty": True}, ["|", " | ", "", "a|"], ["|", " | ", ""]),
]  # fmt: skip  # a table


@pytest.mark.parametrize(("says", "values", "expected"), CASES)
def test_a_comparison_finds_the_values_that_fulfil_it(
    says: dict[str, Any], values: list[str], expected: list[str]
) -> None:
    assert fulfilling(says, *values) == expected


def test_logic_has_two_values() -> None:
    frame = pl.DataFrame({"c0": ["", "x", "y"], "c1": ["1", "", "one"]})
    x, small = {"field": "a", "equals": "x"}, {"position": 1, "type": "number", "less": 5}
    for tree, expected in [
        ({"not": x}, [True, False, True]),
        ({"not": small}, [False, True, True]),
        ({"not": {"all": [x, small]}}, [True, True, True]),
        ({"not": {"any": [x, small]}}, [False, False, True]),
        ({"any": [x, {"not": {"not": small}}]}, [True, True, False]),
    ]:
        asked = asked_of_file(CONDITION.validate_python(tree), FileColumns.of(("a", "b"), 2), Dialect())
        assert frame.select(asked).to_series().to_list() == expected


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    condition = CONDITION.validate_python({"field": "Contry", "equals": "NL"})
    with pytest.raises(
        HeaderChanged, match=r"expects 'Contry', found 2 fields without\. 'Contry' may now be 'Country'"
    ):
        asked_of_file(condition, FileColumns.of(("Country", "secret"), 2), Dialect())


@pytest.mark.parametrize("date_format", ["auto", "YYYY-MM-DD HH:mm"])
def test_a_date_needs_a_pattern_without_a_time(date_format: str) -> None:
    condition = CONDITION.validate_python({"field": "a", "type": "date", "equals": "2024-01-01"})
    with pytest.raises(InvalidGoal):
        asked_of_file(condition, FileColumns.of(("a",), 1), Dialect(date_format=date_format))
