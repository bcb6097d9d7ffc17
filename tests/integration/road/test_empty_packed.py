"""A file that unpacks to nothing is as empty as one without bytes."""

import pytest

from tests.integration.road.place import Tenant, goal, packed


@pytest.mark.parametrize(("is_allowed", "state"), [(False, "failed"), (True, "completed")])
async def test_gzip_of_nothing_is_an_empty_file(tenant: Tenant, is_allowed: bool, state: str) -> None:
    await tenant.save(goal(allow_empty_file=is_allowed))
    run = await tenant.imported("nothing.csv", packed(""))

    assert (run["state"], run["reason_code"]) == (state, None if is_allowed else "empty_file")
