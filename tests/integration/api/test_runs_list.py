"""A list of runs stays small, whatever partners wrote into the headers of their files."""

from uuid import UUID

from shared.storage.database import Database
from tests.integration.api.asking import Client, set_up
from tests.integration.api.ledger import COLUMNS, arrive, claim, complete, fail


async def test_the_names_of_columns_are_told_with_one_run_and_not_in_lists(
    owner: Client, database: Database, account: UUID
) -> None:
    made = await set_up(owner)
    run_id = await arrive(database, account, made)
    await complete(database, await claim(database))
    await arrive(database, account, made, minute=1)
    await fail(database, await claim(database))

    listed = (await owner.ask("GET", "/v1/runs", 200))["items"]
    one = await owner.ask("GET", f"/v1/runs/{run_id}", 200)

    assert one["receipt"]["file"]["columns"] == list(COLUMNS)
    assert [each["receipt"]["file"] for each in listed] == [None, {**one["receipt"]["file"], "columns": []}]
