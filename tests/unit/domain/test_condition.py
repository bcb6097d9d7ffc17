"""Conditions as they are written in settings: what is taken, and what is refused, where and why."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.api.pointers import pointer_of
from shared.domain.comparison import Comparison
from shared.domain.condition import MAX_DEPTH, MAX_NODES, Condition, comparisons
from shared.domain.condition_values import ValueType

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)

TAKEN: list[dict[str, Any]] = [
    {"field": "Country", "in": ["NL", "BE"]},
    {"position": 0, "equals": "a", "ignore_case": True},
    {"field": "Points", "type": "number", "at_least": 10},
    {"field": "Points", "type": "number", "between": ["-0.5", 1.25]},
    {"field": "Born", "type": "date", "less": "2000-01-01", "dateFormat": "DD.MM.YY"},
    {"field": "Seen", "type": "datetime", "greater": "2024-03-31T01:59:59.999999+01:00"},
    {"field": "Opt-in", "type": "boolean", "not_equals": False},
    {"field": "Tags", "type": "list", "contains": "vip"},
    {"field": "E-mail", "matches": "@(example|test)\\.com$"},
    {"not": {"any": [{"all": [{"field": "a", "empty": False}]}, {"property": "city", "starts_with": "G"}]}},
    {"property": "points", "equals": 10},
]


@pytest.mark.parametrize("given", TAKEN)
def test_a_condition_is_written_as_it_was_read(given: dict[str, Any]) -> None:
    condition = CONDITION.validate_python(given)
    assert CONDITION.dump_python(condition, mode="json", by_alias=True, exclude_defaults=True) == given
    assert CONDITION.validate_json(CONDITION.dump_json(condition, by_alias=True)) == condition


REFUSED: list[tuple[Any, str, str]] = [
    ({"field": "a", "position": 1, "equals": "x"}, "", "exactly one of field, position, property"),
    ({"equals": "x"}, "", "exactly one of field, position, property"),
    ({"field": "a"}, "", "found none, expected exactly one of equals"),
    ({"field": "a", "equals": "x", "less": "y"}, "", "found equals and less"),
    ({"field": "a", "equal": "x"}, "/equal", "Extra inputs"),
    ({"any": [{"field": "a", "empty": True}, {"field": "b", "at_least": 10}]}, "/any/1", "unless its type is given"),
    ({"not": {"not": {"field": "b", "in": []}}}, "/not/not/in", "at least 1 item"),
    ({"all": []}, "/all", "at least 1 item"),
    ({"all": [{"field": "a", "empty": True}], "field": "b"}, "/field", "Extra inputs"),
    ({"field": "a", "equals": ""}, "", "'empty': true"),
    ({"field": "a", "in": ["x", "\u00a0"]}, "", "white space alone"),
    ({"field": "a", "contains": "x" * 1001}, "", "1001 characters"),
    ({"field": "a", "equals": "\0"}, "", "NUL"),
    ({"field": "a", "matches": "("}, "", "never closed"),
    ({"property": "a", "matches": "("}, "", "never closed"),
    ({"property": "a", "type": "text", "equals": "x"}, "", "has its own type"),
    ({"field": "a", "type": "number", "equals": "1e3"}, "", "expected a number"),
    ({"field": "a", "type": "number", "equals": True}, "", "expected a number"),
    ({"field": "a", "type": "number", "equals": "0.00000000001"}, "", "10 behind the point"),
    ({"field": "a", "type": "number", "equals": 10**28}, "", "28 digits before"),
    ({"field": "a", "type": "number", "contains": 1}, "", "for the type number"),
    ({"field": "a", "type": "number", "equals": 1, "ignore_case": True}, "", "no text to compare"),
    ({"field": "a", "type": "number", "between": [2, 1]}, "", "comes before its first"),
    ({"field": "a", "type": "date", "equals": "20240101"}, "", "expected a date"),
    ({"field": "a", "type": "date", "equals": "2023-02-29"}, "", "expected a date"),
    ({"field": "a", "type": "datetime", "equals": "2024-01-01T00:00:00"}, "", "with its zone"),
    ({"field": "a", "type": "datetime", "equals": "0001-01-01T00:00:00+14:00"}, "", "with its zone"),
    ({"field": "a", "type": "boolean", "equals": "yes"}, "", "true or false"),
    ({"field": "a", "type": "list", "equals": "x"}, "", "for the type list"),
    ({"field": "a", "type": "number", "equals": 1, "dateFormat": "YYYY-MM-DD"}, "", "found a dateFormat"),
    ({"field": "a", "type": "date", "equals": "2024-01-01", "dateFormat": "YYYY"}, "", "found no month"),
    (3, "", "valid dictionary"),
]


@pytest.mark.parametrize(("given", "pointer", "sentence"), REFUSED)
def test_what_makes_no_sense_is_refused_where_it_stands(given: Any, pointer: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CONDITION.validate_python(given)
    errors = refused.value.errors(include_url=False)
    found = {(pointer_of(each["loc"], given, names_absent=False), each["msg"]) for each in errors}
    assert [message for where, message in found if where == pointer and sentence in message], found


def test_depth_and_size_are_bounded() -> None:
    one = {"field": "a", "empty": True}
    deep: dict[str, Any] = one
    for _ in range(MAX_DEPTH - 1):
        deep = {"not": deep}
    CONDITION.validate_python(deep)
    with pytest.raises(ValidationError, match="nested deeper than 10"):
        CONDITION.validate_python({"not": deep})
    hostile: dict[str, Any] = one
    for _ in range(50_000):
        hostile = {"not": hostile}
    with pytest.raises(ValidationError, match="nested deeper than 10"):
        CONDITION.validate_python(hostile)
    CONDITION.validate_python({"any": [one] * (MAX_NODES - 1)})
    with pytest.raises(ValidationError, match="more than 200 conditions"):
        CONDITION.validate_python({"any": [one] * MAX_NODES})


READ = [
    ({"equals": 10}, ValueType.NUMBER, (Decimal(10),)),
    ({"in": ["0.10", 1.5, -2]}, ValueType.NUMBER, (Decimal("0.1"), Decimal("1.5"), Decimal(-2))),
    ({"equals": "2024-02-29"}, ValueType.DATE, (date(2024, 2, 29),)),
    ({"equals": "2024-02-29T01:00:00+02:00"}, ValueType.DATETIME, (datetime(2024, 2, 28, 23, tzinfo=UTC),)),
    ({"equals": True}, ValueType.BOOLEAN, (True,)),
    ({"contains": " "}, ValueType.TEXT, (" ",)),
]


@pytest.mark.parametrize(("says", "kind", "expected"), READ)
def test_values_are_read_exactly(says: dict[str, Any], kind: ValueType, expected: tuple[Any, ...]) -> None:
    assert CONDITION.validate_python({"property": "a", **says}).read(kind) == expected


def test_every_comparison_is_found_with_its_pointer() -> None:
    one, two = {"field": "a", "empty": True}, {"field": "b", "empty": True}
    condition = CONDITION.validate_python({"all": [one, {"any": [{"not": two}, one]}]})
    assert [(pointer, found.field) for pointer, found in comparisons(condition)] == [
        ("/all/0", "a"),
        ("/all/1/any/0/not", "b"),
        ("/all/1/any/1", "a"),
    ]
    assert all(isinstance(found, Comparison) for _, found in comparisons(condition))
