"""Columns find their properties, or the goal or the file is told what is wrong, without showing anybody's data."""

from typing import Any

import pytest

from shared.domain.failures import HeaderChanged, InvalidGoal
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import plan_of
from tests.unit.processing.goals import goal, properties

KNOWN = properties(
    "email", "number", email="email", number="integer", name="text", tags="list", born="date", seen="datetime"
)
EMAIL = [{"field": "E-mail", "property": "email"}]
NAME = [{"field": "Name", "property": "name"}]


def test_columns_may_have_moved_and_further_ones_are_reported() -> None:
    plan = plan_of(goal(EMAIL, NAME), KNOWN, FileColumns.of(("x", "Name", "y", "E-mail"), 4))
    assert [(column.property.name, column.position) for column in plan.columns] == [("email", 3), ("name", 1)]
    assert [column.name for column in plan.left] == ["x", "y"]
    assert plan.staged == ("record_number", "line_number", "k_email", "p_email", "p_name")


@pytest.mark.parametrize("header", ["Cafe\u0301", " Caf\u00e9\u00a0", "\tCaf\u00e9"])
def test_names_are_compared_trimmed_and_composed(header: str) -> None:
    mapping = [{"field": "Caf\u00e9", "property": "name"}]
    assert plan_of(goal(EMAIL, mapping), KNOWN, FileColumns.of(("E-mail", header), 2)).columns[1].position == 1


def test_positions_count_from_zero() -> None:
    by_position = goal([{"position": 1, "property": "email"}], [{"position": 0, "property": "name"}], {"header": False})
    assert [column.position for column in plan_of(by_position, KNOWN, FileColumns.of(None, 2)).columns] == [1, 0]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (("E-mail", "Nam"), "Expected 'Name', found 'E-mail', 'Nam'. 'Name' may now be 'Nam'."),
        (("E-mail", "name"), "Expected 'Name', found 'E-mail', 'name'"),
        (("E-mail", "Name", "Name"), "more than once: 'Name'"),
        (("E-mail", "Name", " Name"), "more than once: 'Name'"),
        (None, "found 0 fields"),
    ],
)
def test_a_header_that_lacks_a_field_or_has_it_twice_fails_the_file(header: tuple[str, ...] | None, said: str) -> None:
    with pytest.raises(HeaderChanged) as failed:
        plan_of(goal(EMAIL, NAME), KNOWN, FileColumns.of(header, len(header or ())))
    assert said in failed.value.detail


def test_a_name_that_occurs_twice_but_is_not_mapped_does_no_harm() -> None:
    assert plan_of(goal(EMAIL), KNOWN, FileColumns.of(("x", "E-mail", "x"), 3)).columns[0].position == 1


def test_a_first_line_that_may_be_a_person_is_not_shown() -> None:
    with pytest.raises(HeaderChanged) as failed:
        plan_of(goal(EMAIL, NAME), KNOWN, FileColumns.of(("anna@example.com", "Anna"), 2))
    assert "anna" not in str(failed.value).lower()


def test_a_position_beyond_the_width_fails_the_file() -> None:
    with pytest.raises(HeaderChanged, match="position 5"):
        plan_of(goal([{"position": 5, "property": "email"}]), KNOWN, FileColumns.of(None, 5))


def test_a_wild_header_is_shown_short_and_printable() -> None:
    wild = ("E-mail", "a\r\nSubject: x", "b" * 500, *(f"c{i}" for i in range(100)))
    with pytest.raises(HeaderChanged) as failed:
        plan_of(goal(EMAIL, NAME), KNOWN, FileColumns.of(wild, len(wild)))
    assert failed.value.detail.isprintable()
    assert len(failed.value.detail) < 1_000


GOALS: list[tuple[dict[str, Any], str]] = [
    ({"identifiers": EMAIL, "mapping": [{"field": "Name", "property": "nane"}]}, "'nane'. Did you mean name"),
    ({"identifiers": [{"field": "Name", "property": "name"}]}, "is none"),
    ({"identifiers": EMAIL, "mapping": [{"field": "Name", "property": "name", "rule": "sum"}]}, "'sum'"),
    ({"identifiers": EMAIL, "mapping": [{"field": "Name", "property": "number", "rule": "sum"}]}, "an identifier"),
    ({"identifiers": EMAIL, "mapping": [{"field": "Name", "property": "born", "dateFormat": "Q"}]}, "'Q'"),
]


@pytest.mark.parametrize(("settings", "said"), GOALS)
def test_a_goal_that_contradicts_the_properties_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidGoal) as failed:
        plan_of(goal(**settings), KNOWN, FileColumns.of(("E-mail", "Name"), 2))
    assert said in failed.value.detail
