"""A person who stands in a file twice is one profile, wherever the rows stand."""

import pytest

from tests.integration.road.place import Tenant, goal

SUMS = [{"field": "points", "property": "points", "rule": "sum"}]
MANY = "".join(f"person{number}@example.com,1\n" for number in range(100_000))


@pytest.mark.parametrize("between", ["", MANY], ids=["one slice", "several slices"])
async def test_rows_of_one_person_are_folded(tenant: Tenant, between: str) -> None:
    await tenant.save(goal(mapping=SUMS))
    run = await tenant.imported("twice.csv", f"email,points\nann@example.com,1\n{between}Ann@Example.com,2\n")
    assert run["state"] == "completed", run["receipt"]
    people = between.count("\n")
    assert (run["receipt"]["created"], run["receipt"]["profiles_affected"]) == (people + 2, people + 1)
    assert (await tenant.profile("ann@example.com"))["points"] == 3
