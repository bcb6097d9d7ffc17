"""The same content again: under a goal that sums a person decides, under an idempotent one it is skipped and told."""

from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop, content_of, import_goal, people

FILE = content_of(people(20, points=5))


async def test_a_dropped_file_becomes_profiles_and_a_receipt(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal()
    await shop.drop("contacts_a.csv", FILE)
    (run,) = await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    assert (run["rows_read"], run["rows_created"]) == (20, 20)
    assert await shop.points() == {f"person{number}@shop.example": 5 for number in range(20)}
    assert await shop.names() == ["contacts_a.csv.done"]
