"""What the reader of a file knows about repeated keys saves work, and never changes what is merged."""

from uuid import UUID

import pytest

from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.storage.database import Database
from tests.builders import import_goal
from tests.integration.storage.merging import Bench

RULES = {"points": MergeRule.SUM}


@pytest.fixture
async def bench(database: Database, account: UUID) -> Bench:
    made = Bench(database, account)
    await made.define(
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
        Property(name="number", type=PropertyType.TEXT, is_identifier=True),
        Property(name="points", type=PropertyType.INTEGER),
    )
    return made


@pytest.mark.parametrize("may_repeat", [True, False])
async def test_rows_that_do_not_repeat_merge_the_same_whether_that_is_known_or_not(
    bench: Bench, may_repeat: bool
) -> None:
    rows = [{"email": f"{name}@example.com", "points": 1} for name in "abc"]
    goal = import_goal(mapping=RULES)
    first = await bench.merge(goal, rows[:2], may_repeat=may_repeat)
    second = await bench.merge(goal, rows, may_repeat=may_repeat)
    assert (first.created, second.created, second.updated) == (2, 1, 2)
    assert [profile["points"] for profile in await bench.profiles("points")] == [2, 2, 1]


async def test_rows_whose_first_keys_differ_can_still_be_one_profile_by_another(bench: Bench) -> None:
    rows = [{"email": "a@example.com", "number": "1", "points": 1}, {"number": "1", "points": 2}]
    merged = await bench.merge(import_goal(("email", "number"), RULES), rows, may_repeat=False)
    assert (merged.created, merged.profiles_affected) == (2, 1)
    assert [profile["points"] for profile in await bench.profiles("points")] == [3]
