"""Who may carry out which run when: order, holding back, accounts in turn, and the fence around a run in hand."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.domain.blackout import Blackout
from shared.domain.failures import InBlackout, LeaseLost
from shared.domain.run import ClaimedRun, Reason, RunState, Waiting
from shared.storage import claims, connections, decisions, ending, goals, runs
from shared.storage.database import Database, Tx
from shared.storage.runs import Progress
from shared.storage.secrets import KeyRing
from tests.eventually import eventually
from tests.integration.ledger.conftest import Book, MakeBook, receipt_of
from tests.real.database_fixtures import make_account


async def test_runs_of_a_goal_are_claimed_one_at_a_time_by_time_and_then_name(book: Book) -> None:
    later = await book.arrive(2)
    second = await book.arrive(1, "b.csv")
    first = await book.arrive(1, "a.csv")
    order = []
    for _ in range(3):
        claimed = await book.claim()
        assert await book.is_idle()
        order.append(claimed.id)
        await book.finish(claimed)
    assert order == [first, second, later]


async def test_many_workers_at_once_claim_a_run_once(book: Book) -> None:
    await book.arrive(1)
    made = await asyncio.gather(*(claims.claim(book.database, "import", f"worker {n}") for n in range(8)))
    assert len([each for each in made if each is not None]) == 1


async def test_a_claim_counts_an_attempt_and_gives_a_new_token(book: Book) -> None:
    await book.arrive(1)
    first = await book.claim()
    await put_aside(book, first, retry_in_seconds=-1)
    second = await book.claim()
    assert (second.id, second.attempt) == (first.id, 2)
    assert second.token > first.token


async def test_goals_go_in_parallel(book: Book, make_book: MakeBook) -> None:
    other = await make_book(book.account_id)
    await book.arrive(1)
    await other.arrive(2)
    assert {(await book.claim()).goal_id, (await book.claim()).goal_id} == {book.goal_id, other.goal_id}


async def test_a_retrying_run_holds_later_ones_and_not_for_ever(book: Book) -> None:
    held = await book.arrive(1)
    later = await book.arrive(2)
    await put_aside(book, await book.claim(), retry_in_seconds=600, hold_seconds=0.5)
    assert await book.is_idle()
    claimed: list[ClaimedRun] = []

    async def goes_on() -> bool:
        found = await claims.claim(book.database, "import", "tests")
        claimed.extend([found] if found else [])
        return bool(claimed)

    await eventually(goes_on, "the later run")
    assert claimed[0].id == later
    assert (await book.facts(held))["state"] == RunState.WAITING


async def test_a_retrying_run_does_not_hold_earlier_ones(book: Book) -> None:
    await book.arrive(2)
    await put_aside(book, await book.claim(), retry_in_seconds=600, hold_seconds=600)
    earlier = await book.arrive(1)
    assert (await book.claim()).id == earlier


async def test_a_run_that_waits_for_a_person_holds_nobody(book: Book) -> None:
    await book.arrive(1)
    later = await book.arrive(2)
    asked = await book.claim()
    async with book.database.account(asked.account_id) as tx:
        await ending.put_aside_for_person(tx, asked, "import", receipt_of(asked, RunState.WAITING))
    assert (await book.claim()).id == later


async def test_a_failed_run_holds_nobody(book: Book) -> None:
    await book.arrive(1)
    later = await book.arrive(2)
    await book.finish(await book.claim(), RunState.FAILED)
    assert (await book.claim()).id == later


async def test_workers_take_accounts_in_turn(database: Database, make_book: MakeBook) -> None:
    books = [await make_book(await make_account(database, name)) for name in ("a", "b")]
    # The first account has a backlog of many goals, the other one comes late with one file.
    backlog = [books[0], *[await make_book(books[0].account_id) for _ in range(3)]]
    for each in backlog:
        await each.arrive(1)
    served: list[UUID] = [(await books[0].claim()).account_id]
    await books[1].arrive(5)
    served += [(await books[0].claim()).account_id for _ in range(2)]
    assert served == [books[0].account_id, books[1].account_id, books[0].account_id]


async def test_goals_that_look_free_and_are_not_hide_no_other(book: Book, make_book: MakeBook) -> None:
    # Files of one second: only their names say which comes first, and the names are not seen from outside.
    blocked = [await make_book(book.account_id) for _ in range(claims.GOALS_AT_ONCE)]
    for each in blocked:
        await each.arrive(1, "a.csv")
        await put_aside(each, await each.claim(), retry_in_seconds=600, hold_seconds=600)
        await each.arrive(1, "b.csv")
    free = await book.arrive(1)
    assert (await book.claim()).id == free


async def test_a_run_that_is_cancelled_while_it_is_claimed_is_not_carried_out(book: Book) -> None:
    run_id = await book.arrive(1)
    async with book.database.account(book.account_id) as tx:
        assert await decisions.cancel(tx, run_id)
        claiming = asyncio.create_task(book.is_idle())
        await eventually(lambda: _waits_for_a_lock(book), "the claim to meet the run's lock")
    assert await claiming
    assert (await book.facts(run_id))["state"] == RunState.CANCELLED


async def _waits_for_a_lock(book: Book) -> bool:
    query = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with book.database.account(book.account_id) as tx:
        return bool(await tx.connection.fetchval(query))


async def _wait_for_retry(tx: Tx, run: ClaimedRun) -> RunState:
    return await ending.retry_later(tx, run, "import", receipt_of(run, RunState.WAITING), 600)


async def _give_back(tx: Tx, run: ClaimedRun) -> RunState:
    return await ending.hand_back(tx, run, "import", receipt_of(run, RunState.QUEUED))


async def _wait_for_person(tx: Tx, run: ClaimedRun) -> RunState:
    return await ending.put_aside_for_person(tx, run, "import", receipt_of(run, RunState.WAITING))


@pytest.mark.parametrize(
    "way", [_wait_for_retry, _give_back, _wait_for_person], ids=lambda way: way.__name__.strip("_")
)
async def test_a_run_that_somebody_asked_to_cancel_is_cancelled_when_its_worker_lets_go(
    book: Book, way: Callable[[Tx, ClaimedRun], Awaitable[RunState]]
) -> None:
    await book.arrive(1)
    claimed = await book.claim()
    async with book.database.account(book.account_id) as tx:
        assert not await decisions.cancel(tx, claimed.id)
    async with book.database.account(book.account_id) as tx:
        assert await way(tx, claimed) is RunState.CANCELLED
    facts = await book.facts(claimed.id)
    assert (facts["state"], facts["reason_code"]) == ("cancelled", "cancelled")
    assert await book.is_idle()


async def test_a_first_failure_before_the_goal_was_read_keeps_the_order(book: Book) -> None:
    await book.arrive(1)
    await book.arrive(2)
    claimed = await book.claim()
    async with book.database.account(book.account_id) as tx:
        assert await _wait_for_retry(tx, claimed) is RunState.WAITING
    assert await book.is_idle()


async def test_the_same_arrival_makes_one_run_of_a_goal(book: Book) -> None:
    run_id = await book.arrive(1)
    facts = await book.facts(run_id)
    arrival_id = facts["arrival_id"]
    assert isinstance(arrival_id, UUID)
    async with book.database.account(book.account_id) as tx:
        claimed = await book.claim()
        new = runs.NewRun("import", book.goal_id, claimed.queued_at, "again", arrival_id=arrival_id)
        assert await runs.create(tx, new) is None


async def _finish(tx: Tx, run: ClaimedRun) -> None:
    await ending.end(tx, run, "import", receipt_of(run, RunState.COMPLETED))


async def _put_aside(tx: Tx, run: ClaimedRun) -> None:
    await runs.put_aside(tx, run, receipt_of(run, RunState.WAITING), Waiting.RETRY)


async def _beat(tx: Tx, run: ClaimedRun) -> None:
    await runs.heartbeat(tx, run, Progress())


async def _record(tx: Tx, run: ClaimedRun) -> None:
    await runs.record_backend(tx, run, 1)


async def _name(tx: Tx, run: ClaimedRun) -> None:
    await runs.name_delivery(tx, run, ["stale.csv"])


CHANGES = (_finish, _put_aside, runs.hand_back, _beat, _record, _name, runs.hold)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
async def test_a_stale_token_changes_nothing(book: Book, change: Callable[[Tx, ClaimedRun], Awaitable[None]]) -> None:
    run_id = await book.arrive(1)
    stale = await book.claim()
    async with book.database.account(book.account_id) as tx:
        await runs.forget_worker(tx, run_id)
        await runs.requeue(tx, run_id, forget_attempts=False)
    heir = await book.claim()
    before = await book.facts(run_id)

    async def try_it() -> None:
        async with book.database.account(book.account_id) as tx:
            await change(tx, stale)

    with pytest.raises(LeaseLost):
        await try_it()
    assert await book.facts(run_id) == before
    assert await unsent(book) == []
    await book.finish(heir)


async def test_a_run_that_is_handed_back_is_next_again_and_no_attempt_counts(book: Book) -> None:
    await book.arrive(1)
    await book.arrive(2)
    first = await book.claim()
    async with book.database.account(book.account_id) as tx:
        await runs.hand_back(tx, first)
    again = await book.claim()
    assert (again.id, again.attempt) == (first.id, 1)
    assert again.token > first.token


async def test_the_end_of_a_run_rings_the_next_and_tells_of_run_and_file(book: Book) -> None:
    await book.arrive(1)
    later = await book.arrive(2)
    await book.finish(await book.claim())
    told = await unsent(book)
    assert sorted(name for name, _ in told) == ["arrival.ended.v1", "file.arrived.v1", "run.finished.v1"]
    assert [run_id for name, run_id in told if name == "file.arrived.v1"] == [str(later)]


async def put_aside(book: Book, run: ClaimedRun, *, retry_in_seconds: float, hold_seconds: float = 0.0) -> None:
    """Let a run in hand wait for its next attempt."""
    reason = Reason(code="connection_lost")
    receipt = receipt_of(run, RunState.WAITING).model_copy(update={"reason": reason})
    async with book.database.account(book.account_id) as tx:
        await runs.put_aside(
            tx, run, receipt, Waiting.RETRY, retry_in_seconds=retry_in_seconds, hold_seconds=hold_seconds
        )


async def unsent(book: Book) -> list[tuple[str, str]]:
    """(name, run) of what waits in the outbox."""
    async with book.database.account(book.account_id) as tx:
        query = "SELECT name, body ->> 'run_id' AS run_id FROM tidegate.outbox WHERE sent_at IS NULL"
        return [(row["name"], row["run_id"]) for row in await tx.connection.fetch(query)]


async def test_what_is_paused_is_not_begun_and_what_is_in_hand_goes_on(book: Book) -> None:
    in_hand = await book.arrive(1)
    held_back = await book.arrive(2)
    claimed = await book.claim()
    await switch(book, active=False)
    await book.finish(claimed)
    assert await book.is_idle()
    facts = await book.facts(held_back)
    assert (facts["state"], facts["reason_code"], facts["retry_at"]) == ("waiting", "paused", None)
    assert (await book.facts(in_hand))["state"] == "completed"
    # A person may still decide about it; resumed, it is the next one, and no attempt was counted.
    await switch(book, active=True)
    begun = await book.claim()
    assert (begun.id, begun.attempt) == (held_back, 1)


async def test_what_is_paused_is_written_down_once_and_hides_nothing_else(
    book: Book, make_book: MakeBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it lasts, and however many goals are paused."""
    monkeypatch.setattr(claims, "GOALS_AT_ONCE", 2)
    paused = [await make_book(book.account_id) for _ in range(2)]
    for each in paused:
        await each.arrive(1)
        await switch(each, active=False)
    await book.arrive(2)
    assert (await book.claim()).goal_id == book.goal_id
    async with book.database.account(book.account_id) as tx:
        looked_at = "SELECT min(retry_at) - now() FROM tidegate.runs WHERE reason_code = 'paused'"
        assert await tx.connection.fetchval(looked_at) > timedelta(minutes=50)


async def test_a_run_that_is_come_across_while_its_connection_is_resumed_begins_at_once(book: Book) -> None:
    await book.arrive(1)
    ring = KeyRing((bytes(32),))

    async def say(tx: Tx, *, active: bool) -> None:
        settings = (await connections.get(tx, book.connection_id)).settings.model_copy(update={"active": active})
        await connections.update(tx, ring, book.connection_id, settings, {})

    async with book.database.account(book.account_id) as tx:
        await say(tx, active=False)
    async with book.database.account(book.account_id) as tx:
        await say(tx, active=True)
        assert await book.is_idle()
    assert (await book.claim()).attempt == 1


async def test_nothing_is_begun_in_a_blackout(book: Book) -> None:
    now = datetime.now(UTC)
    begin, end = (f"{now + timedelta(minutes=minutes):%H:%M}" for minutes in (-2, 90))
    run_id = await book.arrive(1)
    await switch(book, blackouts=(Blackout.model_validate({"from": begin, "to": end}),))
    assert await book.is_idle()
    facts = await book.facts(run_id)
    until = facts["retry_at"]
    assert isinstance(until, datetime)
    assert (facts["state"], facts["reason_code"], f"{until:%H:%M}") == ("waiting", "blackout", end)
    assert timedelta(minutes=88) < until - now <= timedelta(minutes=90)
    async with book.database.account(book.account_id) as tx:
        with pytest.raises(InBlackout):
            await decisions.run_now(tx, book.goal_id)
    await switch(book, blackouts=())
    assert (await book.claim()).id == run_id


async def switch(book: Book, **changes: object) -> None:
    """Save the goal with other settings."""
    async with book.database.account(book.account_id) as tx:
        stored = await goals.get(tx, book.goal_id)
        await goals.update(tx, book.goal_id, stored.goal.model_copy(update=changes))


async def test_a_run_that_was_not_let_to_begin_has_used_up_no_attempt(book: Book) -> None:
    await book.arrive(1)
    for is_attempt, attempt in ((False, 1), (False, 1), (True, 1), (True, 2)):
        run = await book.claim()
        assert run.attempt == attempt
        async with book.database.account(book.account_id) as tx:
            receipt = receipt_of(run, RunState.WAITING)
            await ending.retry_later(tx, run, "import", receipt, -1, is_attempt=is_attempt)
