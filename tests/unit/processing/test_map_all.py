"""All columns of a file into properties of their names: which, by what rule, and what stops it."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.failures import ColumnsCollide, InvalidGoal, TooManyNewProperties
from shared.domain.merge import MergeRule
from shared.domain.reject import OWN_COLUMNS
from shared.processing.file_columns import FileColumns
from shared.processing.map_all import Settled, settled
from tests.unit.processing.goals import goal, properties

KNOWN = properties(
    "email",
    "shop_number",
    email="email",
    name="text",
    shop_city="text",
    shop_orders="integer",
    shop_number="text",
    shop_tags="list",
)
EMAIL = [{"field": "E-mail", "property": "email"}]


def meant(header: tuple[str, ...], mapping: list[dict[str, Any]] | None = None, **changes: Any) -> Settled:
    wanted = goal(EMAIL, mapping, **({"map_all": {"prefix": "shop_"}} | changes))
    return settled(wanted, KNOWN, FileColumns.of(header, len(header)))


def taken(found: Settled) -> list[tuple[str, str, int | None]]:
    return [(each.property.name, each.rule.value, each.position) for each in found.plan.columns]


def test_every_column_goes_into_the_property_of_its_name() -> None:
    found = meant(("City", "E-mail", "ORDERS", "Zip", ""), map_all={"prefix": "shop_", "rule": "set_if_empty"})
    assert taken(found) == [("email", "set", 1), ("shop_city", "set_if_empty", 0), ("shop_orders", "set_if_empty", 2)]
    assert [column.name for column in found.plan.left] == ["Zip", ""]
    assert found.goal.map_all is None
    assert [entry.property for entry in found.goal.mapping] == ["shop_city", "shop_orders"]


def test_the_rule_is_the_goals_where_none_is_said() -> None:
    assert taken(meant(("E-mail", "City"), default_rule="set_or_clear"))[1] == ("shop_city", "set_or_clear", 1)


def test_what_is_mapped_or_to_be_ignored_is_not_taken() -> None:
    mapping = [{"field": "Town", "property": "name", "rule": "set_if_empty"}]
    found = meant(("E-mail", "Town", " Cite\u0301 ", "Orders"), mapping, ignore=["Cit\u00e9"])
    assert taken(found) == [("email", "set", 0), ("name", "set_if_empty", 1), ("shop_orders", "set", 3)]


def test_no_column_makes_a_property_of_a_name_that_is_reserved() -> None:
    found = meant(("E-mail", "System ID", "Zip"), create_properties=True, map_all={})
    assert ([each.name for each in found.missing], len(found.plan.left)) == (["zip"], 1)


def test_columns_of_handed_back_rows_are_none_of_the_files() -> None:
    for ours in (OWN_COLUMNS, [f" {name} " for name in OWN_COLUMNS]):
        found = meant(("E-mail", "City", *ours), create_properties=True)
        assert (taken(found)[1:], found.missing) == ([("shop_city", "set", 1)], ())


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        (("E-mail", "City", "city"), []),
        (("E-mail", "City", "City"), []),
        (("E-mail", "Town", "City"), [{"field": "Town", "property": "shop_city"}]),
    ],
)
def test_two_columns_of_one_property_are_not_chosen_from(
    header: tuple[str, ...], mapping: list[dict[str, Any]]
) -> None:
    with pytest.raises(ColumnsCollide, match="shop_city"):
        meant(header, mapping)
    assert len(taken(meant(header, mapping, ignore=[header[2]]))) <= 2


def test_a_namesake_of_a_mapped_column_is_taken_by_its_position() -> None:
    found = meant(("E-mail", "City", "City"), [{"position": 1, "property": "name"}])
    assert taken(found)[1:] == [("name", "set", 1), ("shop_city", "set", 2)]


@pytest.mark.parametrize(
    ("header", "rule", "said"),
    [
        (("E-mail", "Number"), "set", "'Number' into 'shop_number'.*an identifier"),
        (("E-mail", "City"), "sum", "'City' into 'shop_city' by the rule 'sum'.*text"),
        (("E-mail", "Orders"), "add", "of type integer"),
    ],
)
def test_a_property_that_cannot_take_its_column_stops_the_file(header: tuple[str, ...], rule: str, said: str) -> None:
    with pytest.raises(InvalidGoal, match=said):
        meant(header, map_all={"prefix": "shop_", "rule": rule})


def test_missing_properties_are_told_with_the_columns_name_as_label() -> None:
    how = {"prefix": "shop_", "type": "integer", "rule": "sum", "max_new": 2}
    found = meant(("E-mail", "Orders", "Größe", "2"), map_all=how, create_properties=True)
    assert [(each.name, each.type.value, each.label, each.is_identifier) for each in found.missing] == [
        ("shop_grosse", "integer", "Größe", False),
        ("shop_2", "integer", "2", False),
    ]
    assert taken(found)[1:] == [("shop_orders", "sum", 1), ("shop_grosse", "sum", 2), ("shop_2", "sum", 3)]
    assert meant(("E-mail", "Zip"), create_properties=False).missing == ()


def test_one_file_makes_so_many_properties_and_no_more() -> None:
    with pytest.raises(TooManyNewProperties, match=r"Found 51 columns.*expected at most 50") as failed:
        meant(("E-mail", *(f"x{number}" * 20 for number in range(51))), create_properties=True)
    assert len(failed.value.detail) < 2_000


def test_a_sum_of_all_columns_is_not_idempotent() -> None:
    assert goal(EMAIL, map_all={}).is_idempotent
    assert not goal(EMAIL, map_all={"rule": "sum"}).is_idempotent
    assert not goal(EMAIL, map_all={}, default_rule=MergeRule.SUM).is_idempotent


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ignore": ["E-mail "]}, "to be ignored as well"),
        ({"map_all": {}, "dialect": {"header": False}, "identifiers": [{"position": 0, "property": "email"}]}, "names"),
        ({"map_all": {"prefix": "Shop"}}, "match"),
        ({"map_all": {"type": "single_choice"}}, "nobody can say its choices"),
        (
            {"map_all": {}, "create_properties": True, "identifiers": [{"position": 0, "property": "email"}]},
            "a required column that is named by its field",
        ),
    ],
)
def test_a_goal_that_contradicts_itself_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        goal(**({"identifiers": EMAIL} | settings))
