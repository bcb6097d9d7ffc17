"""A goal with files to import, as the ledger knows them, without a poller or an importer."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from services.poller.tools import Tools
from shared.bus.in_process import InProcessBus
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.connection import ConnectionSettings
from shared.domain.place import SftpPlace
from shared.domain.receipt import Receipt
from shared.domain.run import ClaimedRun, RunState
from shared.formats.openpgp.gpg import find_programs
from shared.observe.metrics import Metrics
from shared.runtime.looking import Looking
from shared.storage import arrivals, claims, connections, ending, goals, runs
from shared.storage.arrivals import Explained, Sighting
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from shared.transfer.addresses import AddressPolicy
from shared.transfer.dialling import Reach
from shared.transfer.open_folder import Places
from tests.builders import import_goal
from tests.fakes.apart import in_thread
from tests.fakes.sessions import FreeSessions

FIRST = datetime(2026, 11, 22, 6, tzinfo=UTC)
WORKER = "tests"
LEASE_SECONDS = 30.0


class Book:
    """The ledger of one goal of one account."""

    def __init__(self, database: Database, account_id: UUID, connection_id: UUID, goal_id: UUID) -> None:
        self.database = database
        self.account_id = account_id
        self.connection_id = connection_id
        self.goal_id = goal_id

    async def arrive(self, minute: int, name: str = "") -> UUID:
        """A file of that minute arrives, complete; its run."""
        file = FileStamp(
            path=name or f"contacts_{minute:02}.csv", size_bytes=10, modified_at=FIRST + timedelta(minutes=minute)
        )
        async with self.database.account(self.account_id) as tx:
            [arrival_id] = await arrivals.insert(
                tx, self.connection_id, [Sighting(file, Explained(ArrivalState.ACCEPTED))]
            )
            new = runs.NewRun("import", self.goal_id, file.modified_at, file.path, arrival_id=arrival_id)
            run_id = await runs.create(tx, new)
        assert run_id is not None
        return run_id

    async def claim(self, *, lease_seconds: float = LEASE_SECONDS) -> ClaimedRun:
        """Claim what is next, which must be there."""
        claimed = await claims.claim(self.database, "import", WORKER, lease_seconds)
        assert claimed is not None
        return claimed

    async def is_idle(self) -> bool:
        """Whether there is nothing to claim."""
        return await claims.claim(self.database, "import", WORKER, LEASE_SECONDS) is None

    async def finish(self, run: ClaimedRun, state: RunState = RunState.COMPLETED) -> None:
        """End a run in hand."""
        async with self.database.account(run.account_id) as tx:
            await ending.end(tx, run, "import", receipt_of(run, state))
        await ending.release(self.database, run)

    async def facts(self, run_id: UUID) -> dict[str, object]:
        """A run as it stands."""
        async with self.database.account(self.account_id) as tx:
            found = await runs.get(tx, run_id)
        assert found is not None
        return found


def receipt_of(run: ClaimedRun, state: RunState) -> Receipt:
    """A receipt without rows."""
    return Receipt(
        run_id=run.id,
        goal_id=run.goal_id,
        goal_version=run.goal_version,
        state=state,
        queued_at=run.queued_at,
        started_at=run.started_at,
    )


MakeBook = Callable[[UUID], Awaitable[Book]]


@pytest_asyncio.fixture
async def make_book(database: Database) -> MakeBook:
    """Makes a connection with a goal in an account."""

    async def make(account_id: UUID) -> Book:
        place = SftpPlace(transport="sftp", host="files.partner.example", username="shop")
        settings = ConnectionSettings(name="Partner", place=place)
        async with database.account(account_id) as tx:
            connection = await connections.create(tx, KeyRing((bytes(32),)), settings, {}, email=None)
            goal = await goals.create(tx, connection.id, import_goal(), email=None)
        return Book(database, account_id, connection.id, goal.id)

    return make


@pytest_asyncio.fixture
async def book(make_book: MakeBook, account: UUID) -> Book:
    """A goal of the test's own account."""
    return await make_book(account)


@pytest.fixture
def tools(database: Database, tmp_path: Path) -> Tools:
    """A sweeper with so little patience that everything counts as unheard."""
    reach = Reach(AddressPolicy((ip_network("127.0.0.0/8"),)))
    ring = KeyRing((bytes(32),))
    return Tools(
        database=database,
        bus=InProcessBus(),
        metrics=Metrics(),
        places=Places(tmp_path, reach, sessions=FreeSessions()),
        keys=ring,
        worker="sweeper",
        concurrency=1,
        sweep_seconds=1,
        lease_seconds=0,
        retry_attempts=3,
        looking=Looking(database, ring, tmp_path, find_programs(), in_thread),
        max_sample_bytes=1 << 20,
        max_kept_bytes=1 << 30,
    )
