"""Record what a release says to the database, and a database that it left in the middle of its work.

`python -m tests.contracts.record_release NAME` on the release's own checkout writes tests/contracts/released/NAME:
`statements.sql`, each with the role that may say it, and `database.sql`, a dump with one of everything. Recorded once,
never changed: tests/contracts/test_upgrades.py brings the recording forward for ever. It records with the functions
that the release has, so it changes with them; what it recorded before stays.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from shared.bus.in_process import InProcessBus
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.receipt import Receipt
from shared.domain.run import ClaimedRun, Reason, RunState, Waiting
from shared.domain.scope import OWNER_SCOPES
from shared.observe.metrics import Metrics
from shared.runtime.service import base_of
from shared.runtime.settings import read_settings
from shared.storage import (
    arrivals,
    claims,
    drop_folders,
    ending,
    goals,
    inquiries,
    keys,
    mails,
    notifications,
    outbox,
    runs,
)
from shared.storage import uploads as uploaded
from shared.storage.arrivals import Explained, Sighting
from shared.storage.database import Database, DatabaseAddress, Tx, schema_of
from shared.storage.migrate import SERVICE, WATCH
from tests.integration.road.place import goal, make_tenant
from tests.real.database_fixtures import TEMPLATE, make_account, make_template, url_of
from tests.real.postgres import PrivatePostgres, programs

TARGET = Path(__file__).parent / "released"
SECRET_KEY = "cmVjb3JkZWQgZm9yIHRlc3RzLCBub2JvZHkncyBrZXk="
CONTENT = b"email,name\nann@shop.example,Ann\n"
"""What every file says of which the database tells."""
FIRST = datetime(2026, 11, 22, 6, tzinfo=UTC)


async def record(name: str) -> None:
    """Make the database on a server of our own, and write both files."""
    folder = TARGET / name
    folder.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-postgres-"))
        binaries = programs("15")
        server = PrivatePostgres(binaries, Path(place))
        server.start()
        stack.callback(server.stop)
        await make_template(server)
        address = DatabaseAddress(*(url_of(server, TEMPLATE, role) for role in (SERVICE, WATCH)))
        async with Database.open(address) as database:
            account_id = await _fill(database, Path(place))
            (folder / "statements.sql").write_text(await _statements(address, account_id), "utf-8")
        dumped = await asyncio.to_thread(_dumped, binaries, server.superuser_dsn(TEMPLATE))
        (folder / "database.sql").write_text(dumped, "utf-8")


def _dumped(binaries: Path, dsn: str) -> str:
    command = [binaries / "pg_dump", "--column-inserts", "--no-comments", dsn]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # psql's own commands mean nothing to a driver.
    return "".join(f"{line}\n" for line in dump.splitlines() if line and not line.startswith(("--", "\\")))


async def _fill(database: Database, place: Path) -> UUID:
    """An account in the middle of its work."""
    settings = read_settings(secret_key=SECRET_KEY, drop_directory=place / "drop", work_directory=place / "work")
    base = await base_of(settings, database, InProcessBus(), Metrics())
    account_id = await make_account(database)
    tenant = await make_tenant(base, account_id)
    async with database.account(account_id) as tx:
        saved = await goals.create(tx, tenant.connection_id, goal(), email="ops@shop.example")
        asking = await goals.create(tx, tenant.connection_id, goal(name="Asked", active=False), email=None)
    book = _Book(database, account_id, tenant.connection_id)
    await book.end(await book.hand(saved.id, "done.csv", 0), RunState.COMPLETED)
    await book.end(await book.hand(saved.id, "failed.csv", 1), RunState.FAILED)
    await book.put_aside(await book.hand(asking.id, "asked.csv", 2), Waiting.APPROVAL)
    await book.put_aside(await book.hand(saved.id, "later.csv", 3), Waiting.RETRY)
    await book.hand(saved.id, "lost.csv", 4, lease_seconds=0)
    await book.arrive(saved.id, "queued.csv", 5)
    async with database.account(account_id) as tx:
        for path, state in (("growing.csv", ArrivalState.WAITING), ("other.txt", ArrivalState.UNMATCHED)):
            sighting = Sighting(_stamp(path, 6), Explained(state, "of_the_recording"))
            await arrivals.insert(tx, tenant.connection_id, [sighting])
        await _tell_people(tx, tenant.connection_id)
    return account_id


async def _tell_people(tx: Tx, connection_id: UUID) -> None:
    await keys.create(tx, keys.NewKey("ops", OWNER_SCOPES, email="ops@shop.example"))
    news = notifications.News(code="recorded", title="Recorded", detail="By a release.", what_to_do="Nothing.")
    told = await notifications.raise_(tx, news)
    await mails.plan(tx, "notification", told, "raised", ["ops@shop.example"])
    await inquiries.ask(tx, connection_id)
    folder = await drop_folders.create(tx, "uploads", 10**9)
    upload_id = await uploaded.open_(tx, folder.id, "uploaded.csv")
    await uploaded.close(tx, upload_id, len(CONTENT), FIRST)


def _stamp(path: str, minute: int) -> FileStamp:
    return FileStamp(path=path, size_bytes=len(CONTENT), modified_at=FIRST + timedelta(minutes=minute))


class _Book:
    """The ledger of the account."""

    def __init__(self, database: Database, account_id: UUID, connection_id: UUID) -> None:
        self.database, self.account_id, self.connection_id = database, account_id, connection_id

    async def arrive(self, goal_id: UUID, path: str, minute: int) -> None:
        file = _stamp(path, minute)
        async with self.database.account(self.account_id) as tx:
            accepted = Explained(ArrivalState.ACCEPTED)
            [arrival_id] = await arrivals.insert(tx, self.connection_id, [Sighting(file, accepted)])
            new = runs.NewRun("import", goal_id, file.modified_at, path, arrival_id=arrival_id)
            run_id = await runs.create(tx, new)
            assert run_id is not None
            await outbox.ring_run(tx, run_id, "import")

    async def hand(self, goal_id: UUID, path: str, minute: int, lease_seconds: float = 60) -> ClaimedRun:
        await self.arrive(goal_id, path, minute)
        claimed = await claims.claim(self.database, "import", "recorded", lease_seconds)
        assert claimed is not None
        return claimed

    async def end(self, run: ClaimedRun, state: RunState) -> None:
        async with self.database.account(self.account_id) as tx:
            await ending.end(tx, run, "import", _receipt(run, state))
        await ending.release(self.database, run)
        if state is RunState.COMPLETED and run.arrival_id is not None:
            async with self.database.account(self.account_id) as tx:
                assert await arrivals.begin_settling(tx, run.arrival_id, 60)
                await arrivals.settle(tx, run.arrival_id, "renamed", "done.csv.done", is_gone=True)

    async def put_aside(self, run: ClaimedRun, waits_for: Waiting) -> None:
        async with self.database.account(self.account_id) as tx:
            receipt = _receipt(run, RunState.WAITING)
            await runs.put_aside(tx, run, receipt, waits_for, retry_in_seconds=0, hold_seconds=0)


def _receipt(run: ClaimedRun, state: RunState) -> Receipt:
    return Receipt(
        run_id=run.id,
        goal_id=run.goal_id,
        goal_version=run.goal_version,
        state=state,
        reason=None if state is RunState.COMPLETED else Reason(code="of_the_recording"),
        queued_at=run.queued_at,
        started_at=run.started_at,
    )


async def _statements(address: DatabaseAddress, account_id: UUID) -> str:
    """Every statement that stands in a file and needs nothing assembled, under the role that the walls let say it."""
    told = []
    for file in sorted((files("shared.storage") / "sql").iterdir(), key=lambda entry: entry.name):
        for block in file.read_text("utf-8").split("-- name: ")[1:]:
            name, _, text = block.partition("\n")
            if set(re.findall(r"\{(\w+)\}", text)) <= {"schema"}:
                for role, url in (("service", address.service_url), ("watch", address.watch_url)):
                    if await may_say(url, text, account_id):
                        told.append(f"-- name: {file.name[:-4]}.{name.strip()} as {role}\n{text.strip()}\n")
                        break
    return "\n".join(told)


async def may_say(url: str, text: str, account_id: UUID) -> bool:
    """Whether the database takes a statement from a role: it is well formed, and nothing in it is walled off."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await explain(connection, text, account_id) is None
    finally:
        await connection.close()


async def explain(connection: Any, text: str, account_id: UUID) -> Exception | None:
    """Why the database would not carry out the statement, if so; nothing of it is carried out."""
    try:
        explained = await connection.prepare("EXPLAIN " + text.replace("{schema}", schema_of(account_id)))
        await explained.fetch(*(None for _ in explained.get_parameters()))
    except asyncpg.PostgresError as error:
        return error
    return None


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1] if len(sys.argv) > 1 else uuid4().hex))
