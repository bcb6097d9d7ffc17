"""The same content again: under a goal that sums a person decides, under an idempotent one it is skipped and told."""

from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop, content_of, import_goal, people

FILE = content_of(people(20, points=5))
OTHER = content_of(people(20, points=7))


async def test_a_dropped_file_becomes_profiles_and_a_receipt(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal()
    await shop.drop("contacts_a.csv", FILE)
    (run,) = await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    assert (run["rows_read"], run["rows_created"]) == (20, 20)
    assert await shop.points() == {f"person{number}@shop.example": 5 for number in range(20)}
    assert await shop.names() == ["contacts_a.csv.done"]
    assert len(await shop.await_mails(str(run["run_id"]))) == 1


async def test_the_same_file_again_waits_for_a_person_and_is_imported_when_approved(
    shop: Shop, importer: ServiceProcess
) -> None:
    await shop.add_goal()
    await shop.drop("contacts_a.csv", FILE)
    await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    await shop.drop("contacts_a.csv", FILE)
    waiting = (await shop.await_runs("contacts_a.csv", "completed", "waiting"))[1]
    assert (waiting["waits_for"], waiting["reason_code"]) == ("approval", "duplicate_content")

    await shop.drop("contacts_later.csv", OTHER)
    await shop.await_runs("contacts_later.csv", "completed")
    assert set((await shop.points()).values()) == {12}

    await shop.ask("POST", f"/v1/runs/{waiting['run_id']}/approve", 200)
    await shop.await_runs("contacts_a.csv", "completed", "completed")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {17}


async def test_the_same_file_again_is_not_imported_when_cancelled(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal()
    await shop.drop("contacts_a.csv", FILE)
    await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    await shop.drop("contacts_a.csv", FILE)
    waiting = (await shop.await_runs("contacts_a.csv", "completed", "waiting"))[1]
    await shop.ask("POST", f"/v1/runs/{waiting['run_id']}/cancel", 200)
    await shop.await_runs("contacts_a.csv", "completed", "cancelled")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {5}


async def test_the_same_file_again_is_skipped_and_told_where_nothing_sums(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal(import_goal(sums=False))
    await shop.drop("contacts_a.csv", FILE)
    await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    await shop.drop("contacts_a.csv", FILE)
    skipped = (await shop.await_runs("contacts_a.csv", "completed", "skipped"))[1]
    await shop.await_quiet()
    assert skipped["reason_code"] == "duplicate_content"
    assert len(await shop.await_mails(str(skipped["run_id"]))) == 1


async def test_a_then_b_then_a_are_all_imported(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal()
    for number, content in enumerate((FILE, OTHER, FILE)):
        await shop.drop(f"contacts_{number}.csv", content)
        await shop.await_runs(f"contacts_{number}.csv", "completed")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {17}


async def test_the_same_name_with_other_content_is_another_file(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal()
    await shop.drop("contacts_a.csv", FILE)
    await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    await shop.drop("contacts_a.csv", OTHER)
    await shop.await_runs("contacts_a.csv", "completed", "completed")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {12}
    assert await shop.names() == ["contacts_a.csv.done", "contacts_a.csv.done.1"]
