"""The merge on a real PostgreSQL: every rule, every mode, and counts that always add up."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest_asyncio

from shared.domain.merge import MergeRule, Mode
from shared.domain.property import Property, PropertyType
from shared.storage.database import Database
from tests.builders import import_goal
from tests.integration.storage.merging import Bench

ALL_RULES = {
    "name": MergeRule.SET,
    "first_seen": MergeRule.SET_IF_EMPTY,
    "city": MergeRule.SET_OR_CLEAR,
    "tags": MergeRule.ADD,
    "points": MergeRule.SUM,
    "revenue": MergeRule.SUM,
}


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID) -> Bench:
    """An account with a property for each rule."""
    made = Bench(database, account)
    await made.define(
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
        Property(name="name", type=PropertyType.TEXT),
        Property(name="first_seen", type=PropertyType.DATE),
        Property(name="city", type=PropertyType.TEXT),
        Property(name="tags", type=PropertyType.LIST),
        Property(name="points", type=PropertyType.INTEGER),
        Property(name="revenue", type=PropertyType.NUMBER),
    )
    return made


async def test_rows_of_a_first_file_become_profiles(bench: Bench) -> None:
    merged = await bench.merge(
        import_goal(mapping=ALL_RULES),
        [
            {"email": "Ann@Shop.example", "name": "Ann", "tags": ["a", "b", "a"], "points": 3, "revenue": "1.50"},
            {"email": "bob@shop.example", "name": "Bob", "city": "Breda", "first_seen": "2024-01-31"},
        ],
    )
    assert (merged.rows_staged, merged.created, merged.profiles_affected) == (2, 2, 2)
    found = await bench.profiles("email", "name", "tags", "points", "revenue")
    assert found[0] == {
        "email": "Ann@Shop.example",
        "name": "Ann",
        "tags": ["a", "b"],
        "points": 3,
        "revenue": Decimal("1.5"),
    }


async def test_every_rule_does_to_a_known_profile_what_it_says(bench: Bench) -> None:
    goal = import_goal(mapping=ALL_RULES)
    row: dict[str, Any] = {"email": "ann@shop.example", "name": "Ann", "first_seen": "2024-01-31", "city": "Breda"}
    await bench.merge(goal, [row | {"tags": ["a"], "points": 3, "revenue": "0.1"}])
    merged = await bench.merge(
        goal, [{"email": "ann@shop.example", "first_seen": "2025-01-01", "tags": ["b", "a"], "revenue": "0.2"}]
    )
    assert (merged.updated, merged.profiles_affected) == (1, 1)
    (ann,) = await bench.profiles("name", "first_seen", "city", "tags", "points", "revenue")
    assert ann["name"] == "Ann"
    assert str(ann["first_seen"]) == "2024-01-31"
    assert ann["city"] is None
    assert ann["tags"] == ["a", "b"]
    assert ann["points"] == 3
    assert ann["revenue"] == Decimal("0.3")


async def test_several_rows_of_one_profile_are_folded_in_file_order(bench: Bench) -> None:
    merged = await bench.merge(
        import_goal(mapping=ALL_RULES),
        [
            {"email": "ann@shop.example", "name": "A", "first_seen": "2024-01-01", "city": "x", "tags": ["b"]},
            {"email": "bob@shop.example", "name": "B"},
            {"email": "ANN@shop.example", "name": "C", "first_seen": "2023-01-01", "tags": ["a", "b"], "points": 1},
            {"email": "ann@shop.example", "points": 2},
        ],
    )
    assert (merged.created, merged.profiles_affected) == (4, 2)
    ann, _ = sorted(await bench.profiles("email", "name", "first_seen", "city", "tags", "points"), key=str)
    ann = next(each for each in (ann, _) if each["name"] == "C")
    assert ann["email"] == "ann@shop.example"
    assert str(ann["first_seen"]) == "2024-01-01"
    assert ann["city"] is None
    assert ann["tags"] == ["b", "a"]
    assert ann["points"] == 3


async def test_create_only_skips_what_exists_and_update_only_what_does_not(bench: Bench) -> None:
    mapping = {"name": MergeRule.SET}
    rows = [{"email": "ann@shop.example", "name": "Ann"}]
    await bench.merge(import_goal(mapping=mapping), rows)
    both = [{"email": "ann@shop.example", "name": "X"}, {"email": "bob@shop.example", "name": "X"}]
    only_new = await bench.merge(import_goal(mapping=mapping, mode=Mode.CREATE_ONLY), both)
    assert (only_new.created, only_new.skipped_by_reason) == (1, {"existing": 1})
    third = [*both, {"email": "cid@shop.example", "name": "X"}]
    only_known = await bench.merge(import_goal(mapping=mapping, mode=Mode.UPDATE_ONLY), third)
    assert (only_known.updated, only_known.unchanged, only_known.skipped_by_reason) == (1, 1, {"unknown": 1})
    assert [each["name"] for each in await bench.profiles("name")] == ["X", "X"]


async def test_an_unchanged_profile_is_not_touched(bench: Bench) -> None:
    goal = import_goal(mapping=ALL_RULES)
    rows = [{"email": f"p{n}@shop.example", "name": "N", "tags": ["a"], "city": "x"} for n in range(50)]
    await bench.merge(goal, rows)
    before = await bench.versions()
    merged = await bench.merge(goal, rows)
    assert (merged.unchanged, merged.profiles_affected) == (50, 0)
    assert await bench.versions() == before


async def test_a_sum_out_of_range_takes_its_rows_out_and_the_rest_is_folded_again(bench: Bench) -> None:
    goal = import_goal(mapping=ALL_RULES)
    merged = await bench.merge(
        goal,
        [
            {"email": "ann@shop.example", "name": "first", "points": 9_223_372_036_854_775_807},
            {"email": "ann@shop.example", "name": "second"},
            {"email": "ann@shop.example", "name": "third", "points": 1},
            {"email": "bob@shop.example", "points": 5},
        ],
    )
    assert [(r.record_number, r.line_number, r.code, r.field) for r in merged.late_rejects] == [
        (1, 2, "out_of_range", "points"),
        (3, 4, "out_of_range", "points"),
    ]
    assert merged.created == 2
    assert await bench.profiles("name", "points") == [
        {"name": "second", "points": None},
        {"name": None, "points": 5},
    ]
