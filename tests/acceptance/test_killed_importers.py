"""An importer that dies, freezes or is stopped at any moment: the file is imported exactly once and marked once."""

import signal

import pytest

from tests.acceptance.shop import Shop, content_of, people
from tests.acceptance.system import System
from tests.eventually import eventually

PEOPLE = 3_000
FILE = content_of(people(PEOPLE, points=3))
EVERYBODY = {f"person{number}@shop.example": 3 for number in range(PEOPLE)}
POINTS_OF_DEATH = ("importer.staged", "importer.finishing", "settle.marked")
"""Before, within and after the merge; tests/faults takes every point there is."""


async def assert_imported_once(shop: Shop) -> None:
    """One run, one receipt, exact sums, one marked file, and nothing left to do."""
    await shop.await_quiet()
    await assert_imported(shop)


async def assert_imported(shop: Shop) -> None:
    """The same while messages may still be under way."""
    (run,) = await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_settled()
    assert run["rows_created"] == PEOPLE
    assert await shop.points() == EVERYBODY
    assert await shop.names() == ["contacts_a.csv.done"]


@pytest.mark.parametrize("failpoint", POINTS_OF_DEATH)
async def test_an_importer_killed_anywhere_imports_exactly_once(
    shop: Shop, system: System, no_importer: None, failpoint: str
) -> None:
    await shop.add_goal()
    doomed = system.start_one("importer", f"{failpoint}=kill")
    await shop.drop("contacts_a.csv", FILE)
    assert doomed.await_end() == -signal.SIGKILL
    assert system.was_reached(failpoint)
    system.ensure("importer")
    await assert_imported_once(shop)


async def test_a_file_sent_by_hand_is_imported_exactly_once_too(shop: Shop, system: System, no_importer: None) -> None:
    path = f"/v1/imports?name=contacts_a.csv&goal_id={await shop.add_goal()}"
    doomed = system.start_one("importer", "importer.finishing=kill")
    headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": "contacts of the fair"}
    sent = [await shop.ask("POST", path, 202, content=FILE, headers=headers) for _ in range(2)]
    assert sent[0]["id"] == sent[1]["id"]
    assert doomed.await_end() == -signal.SIGKILL
    system.ensure("importer")
    await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_settled()
    await shop.await_quiet()
    assert await shop.points() == EVERYBODY


@pytest.mark.parametrize("failpoint", ["importer.finishing", "settle.begun"])
async def test_an_importer_that_freezes_and_wakes_up_again_changes_nothing_more(
    shop: Shop, system: System, no_importer: None, failpoint: str
) -> None:
    await shop.add_goal()
    frozen = system.start_one("importer", f"{failpoint}=stop")
    await shop.drop("contacts_a.csv", FILE)
    await eventually(lambda: system.was_reached(failpoint), failpoint)
    heir = system.start_one("importer")
    # Not quiet yet: a frozen process may hold messages in its hands that another will not send before it is given up.
    await assert_imported(shop)
    system.stop(heir)
    frozen.thaw()
    await shop.drop("contacts_b.csv", FILE.replace(b"Ann", b"Bob"))
    await shop.await_runs("contacts_b.csv", "completed")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {6}


async def test_an_importer_that_is_told_to_stop_hands_its_run_back_and_no_attempt_counts(
    shop: Shop, system: System, no_importer: None
) -> None:
    await shop.add_goal()
    # So little time that a run in hand cannot be finished.
    leaving = system.start_one("importer", "importer.copying=stop", shutdown_seconds=0.001)
    await shop.drop("contacts_a.csv", FILE)
    await eventually(lambda: system.was_reached("importer.copying"), "the run in the middle of its copying")
    leaving.ask_to_stop()
    leaving.thaw()
    assert leaving.await_end() == 0
    assert "run.handed_back" in leaving.tail()
    (run,) = await shop.await_runs("contacts_a.csv", "queued")
    assert run["attempt"] == 0
    system.ensure("importer")
    await assert_imported_once(shop)
    (run,) = await shop.ledger.runs_of("contacts_a.csv")
    assert run["attempt"] == 1
