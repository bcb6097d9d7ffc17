"""The sweeper: rings for what nobody heard, once and not for what cannot go on; and one sweeps at a time."""

from collections import Counter

import pytest

from services.poller.sweep import sweep_once
from services.poller.tools import Tools
from shared.domain.run import RunState
from shared.storage import arrivals, decisions, ending, goals, leases, notifications, run_watch, runs
from shared.storage.database import Database
from tests.builders import import_goal
from tests.integration.ledger.conftest import Book, MakeBook, receipt_of
from tests.real.database_fixtures import make_account


async def rung(book: Book) -> Counter[tuple[str, str]]:
    """(name, what it is about) of every message in the outbox, how often."""
    query = "SELECT name, coalesce(body ->> 'run_id', body ->> 'arrival_id') AS about FROM tidegate.outbox"
    async with book.database.account(book.account_id) as tx:
        return Counter((row["name"], row["about"]) for row in await tx.connection.fetch(query))


async def test_a_run_that_nobody_heard_of_is_rung_again(book: Book, tools: Tools) -> None:
    run_id = await book.arrive(1)
    await sweep_once(tools)
    assert await rung(book) == {("file.arrived.v1", str(run_id)): 1}


async def test_of_a_goal_s_backlog_only_the_head_is_rung(book: Book, tools: Tools) -> None:
    head = await book.arrive(1)
    for minute in range(2, 6):
        await book.arrive(minute)
    await sweep_once(tools)
    assert await rung(book) == {("file.arrived.v1", str(head)): 1}


async def test_what_waits_behind_a_running_run_is_not_rung(book: Book, tools: Tools) -> None:
    await book.arrive(1)
    await book.arrive(2)
    await book.claim()
    await sweep_once(tools)
    assert await rung(book) == {}


async def test_a_file_that_is_imported_and_not_marked_is_rung_until_somebody_marks_it(book: Book, tools: Tools) -> None:
    run_id = await book.arrive(1)
    claimed = await book.claim()
    async with book.database.account(book.account_id) as tx:
        await runs.finish(tx, claimed, receipt_of(claimed, RunState.COMPLETED))
    await ending.release(book.database, claimed)
    arrival_id = claimed.arrival_id
    assert arrival_id is not None
    await sweep_once(tools)
    assert await rung(book) == {("arrival.ended.v1", str(arrival_id)): 1}
    async with book.database.account(book.account_id) as tx:
        assert await arrivals.begin_settling(tx, arrival_id, 30)
        assert not await arrivals.begin_settling(tx, arrival_id, 30)
    await sweep_once(tools)
    async with book.database.account(book.account_id) as tx:
        await arrivals.settle(tx, arrival_id, "renamed", "contacts.csv.done", is_gone=True)
    await sweep_once(tools)
    assert await rung(book) == {("arrival.ended.v1", str(arrival_id)): 1}
    assert (await book.facts(run_id))["state"] == "completed"


async def test_marks_of_one_account_keep_no_other_s_from_being_rung(book: Book, make_book: MakeBook) -> None:
    """Accounts in turn, and who was tried longest ago first; what waits long is asked for less often."""
    other = await make_book(await make_account(book.database))
    for each, files in ((book, 3), (other, 1)):
        for minute in range(files):
            await each.arrive(minute)
            await each.finish(await each.claim())
    async with other.database.account(other.account_id) as tx:
        await tx.connection.execute("UPDATE tidegate.arrivals SET settling_until = now() - interval '1 second'")
    async with book.database.watching() as watch:
        for found in (
            await arrivals.unsettled(watch, 0, 2),
            unsettled := await arrivals.unsettled(watch, 0, of_one_account=1),
        ):
            assert {account_id for account_id, _ in found} == {book.account_id, other.account_id}
            assert len(found) == 2
    [arrival_id] = [arrival_id for account_id, arrival_id in unsettled if account_id == other.account_id]
    async with other.database.account(other.account_id) as tx:
        for ended, pause in (("0 seconds", 60), ("20 minutes", 300), ("2 hours", 600)):
            await tx.connection.execute("UPDATE tidegate.runs SET finished_at = now() - $1::text::interval", ended)
            await arrivals.postpone_settling(tx, arrival_id, 60, 600)
            text = "SELECT extract(epoch FROM settling_until - now())::float8 FROM tidegate.arrivals"
            assert await tx.connection.fetchval(text) == pytest.approx(pause)


async def test_a_file_is_not_marked_while_a_run_of_it_is_open(book: Book) -> None:
    await book.arrive(1)
    claimed = await book.claim()
    assert claimed.arrival_id is not None
    async with book.database.account(book.account_id) as tx:
        assert not await arrivals.begin_settling(tx, claimed.arrival_id, 30)


async def test_a_retry_during_the_marking_finds_the_file_where_it_went(book: Book) -> None:
    run_id = await book.arrive(1)
    claimed = await book.claim()
    await book.finish(claimed, RunState.FAILED)
    assert claimed.arrival_id is not None
    async with book.database.account(book.account_id) as tx:
        assert await arrivals.begin_settling(tx, claimed.arrival_id, 30)
    async with book.database.account(book.account_id) as tx:
        await decisions.retry(tx, run_id)
    async with book.database.account(book.account_id) as tx:
        await arrivals.settle(tx, claimed.arrival_id, "moved", "failed/contacts_01.csv", is_gone=True)
        arrival = await arrivals.get(tx, claimed.arrival_id)
    assert arrival is not None
    assert (arrival["state"], arrival["settled_path"]) == ("accepted", "failed/contacts_01.csv")
    await book.finish(await book.claim())
    async with book.database.account(book.account_id) as tx:
        assert await arrivals.begin_settling(tx, claimed.arrival_id, 30)


async def test_a_run_that_holds_no_later_ones_has_no_order_to_give_up(book: Book, tools: Tools) -> None:
    """It waits for its next attempt, beside those after it; nobody is told that these are imported before it."""
    async with book.database.account(book.account_id) as tx:
        eager = import_goal().model_copy(update={"hold_order_for_seconds": 0})
        await goals.update(tx, book.goal_id, eager)
    await book.arrive(1)
    later = await book.arrive(2)
    claimed = await book.claim()
    async with book.database.account(book.account_id) as tx:
        await ending.retry_later(tx, claimed, "import", receipt_of(claimed, RunState.WAITING), 600)
    await sweep_once(tools)
    async with book.database.account(book.account_id) as tx:
        assert await notifications.page(tx, notifications.NotificationFilter(), 10) == []
    assert (await book.claim()).id == later


@pytest.mark.parametrize(("code", "is_told"), [("connection_lost", True), ("paused", False), ("blackout", False)])
async def test_an_order_is_given_up_only_where_something_might_begin(book: Book, code: str, is_told: bool) -> None:
    await book.arrive(1)
    claimed = await book.claim()
    async with book.database.account(book.account_id) as tx:
        await ending.retry_later(tx, claimed, "import", receipt_of(claimed, RunState.WAITING), 600)
        held_for = "UPDATE tidegate.runs SET hold_until = now() - interval '1 minute', reason_code = $1"
        await tx.connection.execute(held_for, code)
    async with book.database.watching() as watch:
        assert bool(await run_watch.held_too_long(watch)) == is_told


async def test_one_process_sweeps_until_its_lease_runs_out_or_it_lays_it_down(database: Database) -> None:
    assert await leases.hold_duty(database, "sweep", "one", 30)
    assert not await leases.hold_duty(database, "sweep", "two", 30)
    assert await leases.hold_duty(database, "sweep", "one", -1)
    assert await leases.hold_duty(database, "sweep", "two", 30)
    await leases.lay_down_duty(database, "sweep", "one")
    assert not await leases.hold_duty(database, "sweep", "one", 30)
    await leases.lay_down_duty(database, "sweep", "two")
    assert await leases.hold_duty(database, "sweep", "one", 30)
