"""Rows that prove unfit only in the merge are told like all others, however many there are."""

from shared.storage import rejects
from shared.storage.merge import PART_ROWS
from tests.integration.road.place import Tenant, goal, packed

ROWS = 2 * PART_ROWS + 1


async def test_every_row_of_a_sum_out_of_range_is_told_as_it_was_read(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "points", "property": "points", "rule": "sum"}]))
    lines = [f"ann@example.com,{2**62},{number}\n" for number in range(ROWS)]
    run = await tenant.imported("sum.csv", packed("email,points,note\n" + "".join(lines)))

    assert run["receipt"]["rejects_by_code"] == {"out_of_range": ROWS}
    async with tenant.base.database.account(tenant.account_id) as tx:
        told = [each async for each in rejects.stream(tx, run["run_id"], run["token"])]
    assert [each.line_number for each in told] == list(range(2, ROWS + 2))
    assert told[-1].raw == ("ann@example.com", str(2**62), str(ROWS - 1))
