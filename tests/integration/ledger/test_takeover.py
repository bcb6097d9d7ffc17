"""Runs whose worker died or froze: taken over, their connections ended, what they left behind cleared away."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from shared.domain.failures import InvalidGoal, LeaseLost, StorageUnavailable
from shared.domain.property import Property, PropertyType
from shared.domain.run import ClaimedRun, RunState
from shared.storage import decisions, ending, notifications, properties, run_watch, runs, staging, takeover
from shared.storage.run_connection import run_connection
from shared.storage.staging import Staged
from tests.builders import import_goal
from tests.eventually import eventually
from tests.integration.ledger.conftest import Book, MakeBook, receipt_of
from tests.integration.ledger.test_claims import put_aside

ATTEMPTS = 3
SHORT = 0.2


async def lost(book: Book) -> list[UUID]:
    """Runs that a sweeper finds without a worker."""
    async with book.database.watching() as watch:
        return [run_id for _, run_id, _ in await run_watch.lost(watch)]


async def claim_and_die(book: Book) -> ClaimedRun:
    """A worker claims and gives no sign of life until its lease has run out."""
    claimed = await book.claim(lease_seconds=SHORT)

    async def is_lost() -> bool:
        return claimed.id in await lost(book)

    await eventually(is_lost, "the lease's end")
    return claimed


async def take_over(book: Book, run: ClaimedRun) -> str:
    """What the sweeper does about a lost run."""
    return await takeover.take_over(book.database, run.account_id, run.id, run.token, ATTEMPTS)


async def staged_by(book: Book, run: ClaimedRun) -> Staged:
    """The run's staging table, made."""
    email = Property(name="email", type=PropertyType.EMAIL, is_identifier=True)
    async with book.database.account(run.account_id) as tx:
        await properties.define(tx, email)
        return await staging.create(tx, run, import_goal(), (email,))


async def test_a_lost_run_goes_back_into_the_queue_under_a_new_token(book: Book) -> None:
    await book.arrive(1)
    dead = await claim_and_die(book)
    assert await take_over(book, dead) == "requeued"
    heir = await book.claim()
    assert (heir.id, heir.attempt) == (dead.id, 2)
    assert heir.token > dead.token


async def test_a_run_whose_heart_beats_is_not_lost(book: Book) -> None:
    await book.arrive(1)
    alive = await book.claim(lease_seconds=SHORT)
    async with book.database.account(book.account_id) as tx:
        assert not await runs.heartbeat(tx, alive, runs.Progress(step="fetch"), 30)
        left = await tx.connection.fetchval("SELECT extract(epoch FROM expires_at - now()) FROM tidegate.run_leases")
    assert left == 30
    assert await lost(book) == []


async def test_a_run_that_kills_its_workers_is_given_up_and_the_next_goes_on(book: Book) -> None:
    run_id = await book.arrive(1)
    later = await book.arrive(2)
    outcomes = [await take_over(book, await claim_and_die(book)) for _ in range(ATTEMPTS)]
    assert outcomes == ["requeued", "requeued", "given_up"]
    facts = await book.facts(run_id)
    assert (facts["state"], facts["reason_code"]) == ("failed", "worker_lost")
    async with book.database.account(book.account_id) as tx:
        news = [each.news for each in await notifications.page(tx, notifications.NotificationFilter(), 10)]
    assert [(each.code, each.run_id) for each in news] == [("run_failed", run_id)]
    assert (await book.claim()).id == later


async def test_a_cancel_is_not_forgotten_when_the_worker_dies(book: Book) -> None:
    run_id = await book.arrive(1)
    dead = await claim_and_die(book)
    async with book.database.account(book.account_id) as tx:
        assert not await decisions.cancel(tx, run_id)
    assert await take_over(book, dead) == "cancelled"
    assert (await book.facts(run_id))["state"] == "cancelled"
    assert await book.is_idle()


async def test_what_a_worker_left_behind_that_died_after_the_end_is_cleared_away(book: Book) -> None:
    await book.arrive(1)
    dead = await book.claim(lease_seconds=SHORT)
    staged = await staged_by(book, dead)
    async with book.database.account(book.account_id) as tx:
        await ending.end(tx, dead, "import", receipt_of(dead, RunState.COMPLETED))

    async def is_found() -> bool:
        return await lost(book) == [dead.id]

    await eventually(is_found, "the lease's end")
    assert await take_over(book, dead) == "was_finished"
    assert await lost(book) == []
    async with book.database.account(book.account_id) as tx:
        assert await tx.connection.fetchval("SELECT to_regclass($1)", staged.table()) is None
        assert await tx.connection.fetchval("SELECT count(*) FROM tidegate.run_leases") == 0
    assert (await book.facts(dead.id))["state"] == "completed"


async def test_an_old_finding_does_not_harm_the_heir(book: Book) -> None:
    await book.arrive(1)
    dead = await claim_and_die(book)
    assert await take_over(book, dead) == "requeued"
    heir = await book.claim()
    async with run_connection(book.database, heir) as connection:
        # Another sweeper, or the old worker coming to itself, acts on what was true before.
        assert await take_over(book, dead) == "was_finished"
        await takeover.end_connections(book.database, dead.account_id, dead.id, dead.token)
        async with connection.transaction() as tx:
            assert await tx.connection.fetchval("SELECT 1") == 1
            await ending.end(tx, heir, "import", receipt_of(heir, RunState.COMPLETED))


async def test_a_stalled_copy_is_ended_and_its_rows_are_never_seen(book: Book) -> None:
    await book.arrive(1)
    frozen = await book.claim(lease_seconds=SHORT)
    staged = await staged_by(book, frozen)
    has_begun = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        has_begun.set()
        yield b""
        await asyncio.Event().wait()

    async def copy() -> None:
        async with run_connection(book.database, frozen) as connection:
            await staging.load(connection.raw, staged, stalls())

    copying = asyncio.create_task(copy())
    await asyncio.wait_for(has_begun.wait(), 10)
    async with book.database.work_connection() as bystander:

        async def is_lost() -> bool:
            return frozen.id in await lost(book)

        await eventually(is_lost, "the lease's end")
        assert await asyncio.wait_for(take_over(book, frozen), 15) == "requeued"
        assert await bystander.fetchval("SELECT 1") == 1
    copying.cancel()
    with pytest.raises((StorageUnavailable, asyncio.CancelledError)):
        await copying
    async with book.database.account(book.account_id) as tx:
        assert await tx.connection.fetchval("SELECT to_regclass($1)", staged.table()) is None


async def test_a_run_that_fails_takes_no_other_run_s_connection_with_it(book: Book, make_book: MakeBook) -> None:
    other = await make_book(book.account_id)
    await book.arrive(1)
    await other.arrive(1)
    failing, healthy = await book.claim(), await book.claim()
    with pytest.raises(InvalidGoal):
        async with run_connection(book.database, failing):
            raise InvalidGoal
    # The pool hands out what came back last; the failed run's worker ends its connections when it writes down why.
    async with run_connection(book.database, healthy) as connection:
        await takeover.end_connections(book.database, failing.account_id, failing.id, failing.token)
        async with connection.transaction() as tx:
            await ending.end(tx, healthy, "import", receipt_of(healthy, RunState.COMPLETED))


async def test_how_long_a_run_has_held_others_outlives_its_worker(book: Book) -> None:
    held = await book.arrive(1)
    await put_aside(book, await book.claim(), retry_in_seconds=-1, hold_seconds=600)
    before = await hold_until(book, held)
    assert await take_over(book, await claim_and_die(book)) == "requeued"
    assert await hold_until(book, held) == before


async def hold_until(book: Book, run_id: UUID) -> object:
    """Until when a run keeps its goal's later ones waiting."""
    async with book.database.account(book.account_id) as tx:
        return await tx.connection.fetchval("SELECT hold_until FROM tidegate.runs WHERE run_id = $1", run_id)


async def test_a_worker_that_lost_its_run_gets_no_connection_for_it(book: Book) -> None:
    await book.arrive(1)
    dead = await claim_and_die(book)
    await take_over(book, dead)
    with pytest.raises(LeaseLost):
        async with run_connection(book.database, dead):
            pytest.fail("the run was no longer this worker's")
