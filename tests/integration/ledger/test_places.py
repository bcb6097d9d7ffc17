"""Runs that are away at their partners' keep nobody else from a place, and get one back before anything is begun."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest_asyncio

from shared.domain.run import RunState
from shared.observe.metrics import Metrics
from shared.runtime.desk import Desk
from shared.runtime.places import Places
from shared.runtime.visits import Visit, Visits
from shared.runtime.worker import Worker
from shared.storage import decisions, ending
from shared.storage.database import Database
from tests.eventually import eventually
from tests.integration.ledger.conftest import WORKER, Book, MakeBook, receipt_of
from tests.real.database_fixtures import make_account

GOALS = 4


@dataclass
class Fleet:
    """A worker with one place, whose runs are away until they are told that their files came, and then work."""

    database: Database
    books: list[Book]
    away: dict[UUID, asyncio.Event] = field(default_factory=dict)
    """By the goal of a run that has begun."""
    order: list[UUID] = field(default_factory=list)
    """Goals whose runs got a place after they had been away."""
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    working: int = 0
    most_working: int = 0
    hosts: dict[UUID, str] = field(default_factory=dict)
    """Where runs of a goal go, unless each goes to a host of its own."""

    async def carry_out(self, desk: Desk) -> None:
        goal_id = desk.run.goal_id
        came = self.away[goal_id] = asyncio.Event()
        host = self.hosts.get(goal_id, str(goal_id))
        async with desk.place.given_up(Visit(desk.run, host, 1)):
            await came.wait()
        self.order.append(goal_id)
        self.working += 1
        self.most_working = max(self.most_working, self.working)
        try:
            await self.may_end.wait()
            async with self.database.account(desk.run.account_id) as tx:
                await ending.end(tx, desk.run, "import", receipt_of(desk.run, RunState.COMPLETED))
            await ending.release(self.database, desk.run)
        finally:
            self.working -= 1

    @asynccontextmanager
    async def at_work(self, stopping: asyncio.Event, *, visits: int = 16, grace: float = 0) -> AsyncIterator[Worker]:
        """The worker, that may have so many away."""
        worker = Worker(
            kind="import",
            name=WORKER,
            database=self.database,
            metrics=Metrics(),
            carry_out=self.carry_out,
            slots=1,
            poll_seconds=0.05,
            lease_seconds=1,
            shutdown_seconds=grace,
            retry_base_seconds=1,
            retry_attempts=1,
            places=Places(visits=Visits(visits)),
        )
        async with asyncio.timeout(25), worker.working(stopping):
            yield worker
            stopping.set()

    async def states(self) -> list[tuple[object, object]]:
        """State and reason of the latest run of each goal, in their order."""
        found: list[tuple[object, object]] = []
        for book in self.books:
            async with self.database.account(book.account_id) as tx:
                text = "SELECT state, reason_code FROM tidegate.runs WHERE goal_id = $1 ORDER BY order_at DESC"
                row = await tx.connection.fetchrow(text, book.goal_id)
            assert row is not None
            found.append((row["state"], row["reason_code"]))
        return found


@pytest_asyncio.fixture
async def fleet(database: Database, account: UUID, make_book: MakeBook) -> Fleet:
    """Goals of one account, each with a file that has come."""
    books = [await make_book(account) for _ in range(GOALS)]
    for minute, book in enumerate(books):
        await book.arrive(minute)
    return Fleet(database, books)


async def test_all_may_be_away_at_once_and_no_more_work_than_there_are_places(fleet: Fleet) -> None:
    goals = [book.goal_id for book in fleet.books]
    stopping = asyncio.Event()
    async with fleet.at_work(stopping) as worker:
        await eventually(lambda: set(fleet.away) == set(goals), "all runs to be away")
        assert worker.places.in_hand() == {"working": 0, "lasting": 0, "at_partner": GOALS, "coming_back": 0}
        for goal_id in goals[:3]:
            fleet.away[goal_id].set()
            await eventually(
                lambda goal_id=goal_id: goal_id in fleet.order or worker.places.in_hand()["coming_back"] > 0,
                "the run to ask for a place",
            )
        await eventually(lambda: worker.places.in_hand()["coming_back"] == 2, "two to wait for the place")
        assert worker.places.in_hand() == {"working": 1, "lasting": 0, "at_partner": 1, "coming_back": 2}
        # Another that could begin, also of those that come back: it has to wait for them.
        await fleet.books[0].arrive(50)
        async with fleet.database.account(fleet.books[2].account_id) as tx:
            await decisions.cancel(tx, (await _run_of(fleet, goals[2])))
        await eventually(lambda: worker.places.in_hand()["coming_back"] == 1, "the cancelled one to wait no longer")
        del fleet.away[goals[0]]
        fleet.may_end.set()
        await eventually(lambda: goals[0] in fleet.away, "the later run to begin")
        assert fleet.order == goals[:2]
        assert fleet.most_working == 1
        assert worker.places.in_hand() == {"working": 0, "lasting": 0, "at_partner": 2, "coming_back": 0}
    assert [state for state, _ in await fleet.states()] == ["queued", "completed", "cancelled", "queued"]


async def test_who_comes_back_while_the_worker_stops_is_finished_in_its_time(fleet: Fleet) -> None:
    goals = [book.goal_id for book in fleet.books]
    stopping = asyncio.Event()
    fleet.may_end.set()
    async with fleet.at_work(stopping, grace=2):
        await eventually(lambda: set(fleet.away) == set(goals), "all runs to be away")
        stopping.set()
        fleet.away[goals[1]].set()
        await eventually(lambda: fleet.order == [goals[1]], "the run to get a place")
    # The others had their time, too.
    assert [state for state, _ in await fleet.states()] == ["queued", "completed", "queued", "queued"]


async def test_a_host_or_an_account_that_hangs_leaves_room_for_others(
    fleet: Fleet, database: Database, make_book: MakeBook
) -> None:
    goals = [book.goal_id for book in fleet.books]
    # Of four a host gets one (an eighth, but one at least), an account three, and what is tried again two.
    fleet.hosts = dict.fromkeys(goals[:2], "hangs")
    other = await make_book(await make_account(database))
    fifth = await make_book(fleet.books[0].account_id)
    stopping = asyncio.Event()
    async with fleet.at_work(stopping, visits=4):
        await eventually(lambda: set(fleet.away) >= set(goals[2:]), "all other hosts to be gone to")

        async def one_is_put_aside() -> bool:
            return sorted(await fleet.states())[-1] == ("waiting", "worker_busy")

        await eventually(one_is_put_aside, "who finds the host full to be put aside")
        await fifth.arrive(1)
        await other.arrive(2)
        await eventually(lambda: other.goal_id in fleet.away, "the other account to be served")
        assert fifth.goal_id not in fleet.away
        fleet.may_end.set()
        fleet.away[goals[2]].set()
        await eventually(lambda: fifth.goal_id in fleet.away, "the account to be served again")


async def _run_of(fleet: Fleet, goal_id: UUID) -> UUID:
    async with fleet.database.account(fleet.books[0].account_id) as tx:
        found = await tx.connection.fetchval("SELECT run_id FROM tidegate.runs WHERE goal_id = $1", goal_id)
    assert isinstance(found, UUID)
    return found
