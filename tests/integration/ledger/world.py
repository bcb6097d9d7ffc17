"""What the ledger's machine plays on: a database with a clock of its own, two accounts, three goals.

Two goals of the first account take every file of its connection, so that an arrival has two runs; the second account
has one goal. Whatever is committed is read here past all walls and held against the model.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg

from shared.bus.bus import Envelope
from shared.domain.connection import ConnectionSettings
from shared.domain.failures import BusUnavailable
from shared.domain.place import SftpPlace
from shared.storage import connections, goals
from shared.storage.database import DatabaseAddress
from shared.storage.migrate import SERVICE, WATCH
from shared.storage.secrets import KeyRing
from tests.acceptance.ledger import Ledger, assert_invariants
from tests.builders import import_goal
from tests.integration.ledger.clock import Clock
from tests.integration.ledger.model import GIVEN_UP, HOLD_SECONDS, Model
from tests.integration.ledger.stepping import SteppedDatabase
from tests.real.database_fixtures import copying, make_account, url_of
from tests.real.postgres import PrivatePostgres

T = TypeVar("T")

_PROBE = """
CREATE TABLE clock.merged (run_id uuid NOT NULL, token bigint NOT NULL);
GRANT SELECT, INSERT ON clock.merged TO PUBLIC;
"""
_EMPTY = """
TRUNCATE tidegate.outbox, tidegate.notifications, tidegate.run_returns, tidegate.run_backends, tidegate.run_leases,
    tidegate.runs, tidegate.arrivals, clock.merged CASCADE;
UPDATE tidegate.accounts SET served_at = '-infinity';
"""
_RUNS = """
SELECT r.run_id, r.state, r.waits_for, r.attempt, r.token, r.retry_at, r.rung_at,
    r.cancel_requested_at IS NOT NULL AS is_cancel_asked, r.approved_at IS NOT NULL AS is_approved,
    nullif(r.hold_until, '-infinity') AS hold_until, coalesce(r.hold_until = '-infinity', false) AS is_given_up,
    l.token AS lease_token, l.expires_at,
    (SELECT count(*) FROM clock.merged m WHERE m.run_id = r.run_id) AS merged
FROM tidegate.runs r LEFT JOIN tidegate.run_leases l USING (account_id, run_id)
"""
_ARRIVALS = """
SELECT a.arrival_id, a.settling_until, a.settled_at IS NOT NULL AS is_settled, a.state,
    (SELECT count(*) FROM tidegate.outbox o
     WHERE o.name = 'arrival.ended.v1' AND o.body ->> 'arrival_id' = a.arrival_id::text) AS told
FROM tidegate.arrivals a
"""
_COMPARED = ("state", "waits_for", "attempt", "token", "retry_at", "is_cancel_asked", "is_approved")


class Post:
    """A bus that keeps count of what was published, and refuses when told to."""

    def __init__(self) -> None:
        self.published: Counter[str] = Counter()
        self.sent: set[str] = set()
        """What the ledger says was sent."""
        self.refuses = False

    async def publish(self, envelope: Envelope) -> None:
        """Take a message, which must not be known as sent. Raises BusUnavailable when told to refuse."""
        assert envelope.message_id not in self.sent, "a message that was marked sent was taken from the outbox again"
        if self.refuses:
            raise BusUnavailable("refused by the test")
        self.published[envelope.message_id] += 1


class World:
    """The machine's database. Everything in it runs on one event loop, which `run` turns."""

    def __init__(self, server: PrivatePostgres, template: str) -> None:
        self._server, self._template = server, template
        self._runner = asyncio.Runner()
        self._held = AsyncExitStack()
        self._name = f"machine_{uuid4().hex}"
        self.accounts: list[UUID] = []
        self.goals: dict[UUID, list[UUID]] = {}
        """connection -> its goals."""
        self.in_no_order: frozenset[UUID] = frozenset()
        """Goals whose runs never hold later ones."""
        self.account_of: dict[UUID, UUID] = {}
        """connection -> its account."""
        self.post = Post()
        self.rung_at: dict[UUID, Any] = {}
        self.database: SteppedDatabase
        self.clock: Clock
        self.observer: Any

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self._runner.run(work)

    async def make(self) -> None:
        """The database, with a clock of its own, and what is configured in it."""
        self.observer = await asyncpg.connect(self._server.superuser_dsn("postgres"), timeout=10)
        await self.observer.execute(copying(self._name, self._template))
        await self.observer.execute(f"GRANT CREATE ON DATABASE {self._name} TO {SERVICE}")
        await self.observer.close()
        self.observer = await asyncpg.connect(self._server.superuser_dsn(self._name), timeout=10)
        self.clock = Clock(self.observer)
        await self.clock.install()
        await self.observer.execute(_PROBE)
        address = DatabaseAddress(*(url_of(self._server, self._name, role) for role in (SERVICE, WATCH)))
        opened = await self._held.enter_async_context(SteppedDatabase.open(address, connections=16))
        assert isinstance(opened, SteppedDatabase)
        self.database = opened
        for name, number, hold_seconds in (("a", 2, HOLD_SECONDS), ("b", 1, 0)):
            await self._configure(await make_account(self.database, name), number, hold_seconds)

    async def _configure(self, account_id: UUID, number: int, hold_seconds: int) -> None:
        place = SftpPlace(transport="sftp", host="files.partner.example", username="shop")
        settings = ConnectionSettings(name="Partner", place=place)
        async with self.database.account(account_id) as tx:
            made = await connections.create(tx, KeyRing((bytes(32),)), settings, {}, email=None)
            goal = import_goal().model_copy(update={"hold_order_for_seconds": hold_seconds})
            taking = [(await goals.create(tx, made.id, goal, email=None)).id for _ in range(number)]
        self.in_no_order |= frozenset(taking if hold_seconds == 0 else ())
        self.accounts.append(account_id)
        self.goals[made.id] = taking
        self.account_of[made.id] = account_id

    async def empty(self) -> Model:
        """Forget all files and runs."""
        await self.observer.execute(_EMPTY)
        self.post = Post()
        return Model(await self.clock.read(), self.in_no_order)

    async def close(self) -> None:
        """Take it all down."""
        await self._held.aclose()
        await self.observer.close()
        last = await asyncpg.connect(self._server.superuser_dsn("postgres"), timeout=10)
        try:
            await last.execute(f"DROP DATABASE {self._name} WITH (FORCE)")
        finally:
            await last.close()

    async def compare(self, model: Model) -> None:
        """What is committed is what the model says, and what must never be is not."""
        rows = await self.observer.fetch(_RUNS)
        assert {row["run_id"] for row in rows} == model.runs.keys()
        self.rung_at = {row["run_id"]: row["rung_at"] for row in rows}
        for row in rows:
            run = model.runs[row["run_id"]]
            found = {name: row[name] for name in _COMPARED}
            assert found == {name: getattr(run, name) for name in _COMPARED}
            assert (GIVEN_UP if row["is_given_up"] else row["hold_until"]) == run.hold_until, "how long it holds others"
            lease = None if run.lease is None else (run.lease.token, run.lease.expires_at)
            assert (None if row["lease_token"] is None else (row["lease_token"], row["expires_at"])) == lease
            assert row["merged"] == (run.state == "completed"), "what was merged, and how often"
        for row in await self.observer.fetch(_ARRIVALS):
            arrival = model.arrivals[row["arrival_id"]]
            assert (row["is_settled"], row["told"]) == (arrival.is_settled, arrival.told)
            assert row["settling_until"] == arrival.settling_until
            assert (row["state"] == "settled") == arrival.is_settled
        sent = await self.observer.fetch("SELECT message_id::text FROM tidegate.outbox WHERE sent_at IS NOT NULL")
        self.post.sent = {row["message_id"] for row in sent}
        assert self.post.sent <= self.post.published.keys(), "marked as sent, and never published"

    async def check_all(self) -> None:
        """What must be true when nothing is under way any more."""
        unsent = await self.observer.fetchval("SELECT count(*) FROM tidegate.outbox WHERE sent_at IS NULL")
        assert unsent == 0
        for account_id in self.accounts:
            await assert_invariants(Ledger(self.observer, account_id))


@contextmanager
def opened_world(server: PrivatePostgres, template: str) -> Iterator[World]:
    """A world, taken down at the end."""
    world = World(server, template)
    world.run(world.make())
    try:
        yield world
    finally:
        world.run(world.close())
        world._runner.close()
