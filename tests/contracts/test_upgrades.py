"""A rolling upgrade: the release before works on the new schema, and the new one goes on where the old one was.

The rule for whoever writes a migration. A deployment migrates first, and then replaces its services one by one, so
for a while both releases write to the new schema:

* Only add: tables, columns that may be null or have a default, indexes, rights. What is to go, or to become mandatory,
  goes or becomes so one release after the last one that uses it.
* A constraint or a policy lets through whatever the release before writes; a renamed thing is a new one beside the old.
* Locks are short: no rewriting of a table, no index on a large one inside the migration's transaction. A migration that
  does not get its locks within two seconds lets the others by and tries again (`shared/storage/migrate.py`).

Each folder of `released/` is one release, recorded by `record_release.py` and never changed: the statements that it
says, and a database that it left in the middle of its work. A recording is dropped when upgrades from that release are
supported no longer.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from shared.bus.in_process import InProcessBus
from shared.observe.metrics import Metrics
from shared.runtime.service import base_of
from shared.runtime.settings import read_settings
from shared.storage import decisions, migrate
from shared.storage.database import Database, DatabaseAddress
from shared.storage.migrate import OWNER, SERVICE, WATCH, migrate_accounts, migrate_shared
from tests.acceptance.ledger import Ledger, assert_invariants
from tests.contracts.record_release import CONTENT, SECRET_KEY, explain
from tests.eventually import eventually
from tests.integration.road.conftest import system
from tests.real.database_fixtures import url_of
from tests.real.postgres import PrivatePostgres

RELEASES = sorted((Path(__file__).parent / "released").iterdir())
_COLUMNS = """
SELECT table_schema || '.' || table_name || '.' || column_name AS name, data_type AS type,
    is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS'
        AS may_be_left_out
FROM information_schema.columns WHERE table_schema = 'tidegate' OR starts_with(table_schema, 'account_')
"""


@dataclass(slots=True)
class Old:
    """A database that a release has left."""

    release: Path
    server: PrivatePostgres
    name: str
    connection: Any
    """A superuser's."""
    account_id: UUID

    @property
    def address(self) -> DatabaseAddress:
        """Where services find it."""
        return DatabaseAddress(*(url_of(self.server, self.name, role) for role in (SERVICE, WATCH)))

    async def migrate_shared(self) -> list[int]:
        """What the migrate Job does first."""
        urls = self.address
        owner = url_of(self.server, self.name, OWNER)
        return await migrate_shared(owner, service_url=urls.service_url, watch_url=urls.watch_url)

    async def migrate(self) -> None:
        """What the migrate Job does."""
        await self.migrate_shared()
        async with Database.open(self.address) as database:
            await migrate_accounts(database)

    async def columns(self) -> dict[str, tuple[str, bool]]:
        """column -> (type, whether an insert may leave it out)."""
        found = await self.connection.fetch(_COLUMNS)
        return {row["name"]: (row["type"], row["may_be_left_out"]) for row in found}


@pytest_asyncio.fixture(params=RELEASES, ids=lambda release: release.name)
async def old(
    request: pytest.FixtureRequest, postgres_server: PrivatePostgres, template_database: str
) -> AsyncIterator[Old]:
    """The recorded database, on a server that has the roles."""
    async with _own_database(postgres_server, request.param) as found:
        yield found


@asynccontextmanager
async def _own_database(server: PrivatePostgres, release: Path) -> AsyncIterator[Old]:
    name = f"old_{uuid4().hex}"
    above = await asyncpg.connect(server.superuser_dsn("postgres"), timeout=10)
    try:
        await above.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        await above.execute(f"GRANT CREATE ON DATABASE {name} TO {SERVICE}")
        connection = await asyncpg.connect(server.superuser_dsn(name), timeout=10)
        try:
            await connection.execute((release / "database.sql").read_text("utf-8"))
            account_id = await connection.fetchval("SELECT account_id FROM tidegate.accounts WHERE NOT is_operator")
            yield Old(release, server, name, connection, account_id)
        finally:
            await connection.close()
        await above.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await above.close()


async def test_what_the_release_says_is_still_understood_and_permitted(old: Old) -> None:
    await old.migrate()
    roles = {"service": old.address.service_url, "watch": old.address.watch_url}
    sessions = {role: await asyncpg.connect(url, timeout=10) for role, url in roles.items()}
    blocks = (old.release / "statements.sql").read_text("utf-8").split("-- name: ")[1:]
    refused = {}
    for block in blocks:
        heading, _, text = block.partition("\n")
        name, role = heading.split(" as ")
        error = await explain(sessions[role], text, old.account_id)
        if error is not None:
            refused[name] = str(error)
    for session in sessions.values():
        await session.close()
    assert len(blocks) > 100
    assert refused == {}


async def test_migrations_only_add(old: Old) -> None:
    before = await old.columns()
    await old.migrate()
    after = await old.columns()
    assert {name: after.get(name, ("gone",))[0] for name in before} == {
        name: type_ for name, (type_, _) in before.items()
    }
    tables = {name.rpartition(".")[0] for name in before}
    added = {name: may for name, (_, may) in after.items() if name not in before and name.rpartition(".")[0] in tables}
    assert [name for name, may_be_left_out in added.items() if not may_be_left_out] == []
    newly_mandatory = [name for name, (_, may) in before.items() if may and not after[name][1]]
    assert newly_mandatory == []


async def test_what_the_release_writes_is_still_taken(old: Old) -> None:
    dump = (old.release / "database.sql").read_text("utf-8")
    written = re.findall(r"^INSERT INTO tidegate\.(?!schema_versions)\w+ .*?;$", dump, re.M | re.S)
    assert len(written) > 40
    await old.migrate()
    tables = {line.split()[2] for line in written}
    # The order of the lines is not that of the references; whether these hold is not in question.
    await old.connection.execute("SET session_replication_role = replica")
    await old.connection.execute(f"TRUNCATE {', '.join(sorted(tables))} CASCADE")
    for line in written:
        await old.connection.execute(line)


# An account that the release makes after the migration is as it knows them, until the services notice.
@pytest.mark.parametrize("migrate_what", [Old.migrate, Old.migrate_shared], ids=["all", "all_but_the_account"])
async def test_what_was_under_way_is_finished_by_the_new_release(
    old: Old, migrate_what: Callable[[Old], Awaitable[object]], tmp_path: Path
) -> None:
    await migrate_what(old)
    settings = read_settings(
        secret_key=SECRET_KEY,
        drop_directory=tmp_path / "drop",
        work_directory=tmp_path / "work",
        sweep_seconds=1,
        ledger_poll_seconds=0.5,
        retry_base_seconds=0.1,
    )
    async with Database.open(old.address) as database:
        base = await base_of(settings, database, InProcessBus(), Metrics())
        await _lay_files(old, base.places.hosted)
        async with system(base):
            await eventually(lambda: _has_ended(old, but=("failed", "waiting")), "what was under way to end")
            await _decide(old, database)
            await eventually(lambda: _has_ended(old), "what people decided to end")
            ledger = Ledger(old.connection, old.account_id)
            await eventually(ledger.is_quiet, "the ledger to be quiet")
            await assert_invariants(ledger)
        assert await old.connection.fetchval(f"SELECT count(*) FROM account_{old.account_id.hex}.profiles") == 1


async def _decide(old: Old, database: Database) -> None:
    """A person approves what waits for that, and retries what failed."""
    rows = await old.connection.fetch("SELECT run_id, state FROM tidegate.runs WHERE state IN ('failed', 'waiting')")
    await old.connection.execute(
        "UPDATE tidegate.goals SET is_active = true, settings = settings || '{\"active\": true}'"
    )
    for row in rows:
        async with database.account(old.account_id) as tx:
            if row["state"] == "waiting":
                await decisions.approve(tx, row["run_id"])
            else:
                await decisions.retry(tx, row["run_id"], out_of_order=True)


async def _lay_files(old: Old, place: Callable[[UUID, UUID], Path]) -> None:
    """Put the files where the ledger says that they lie, as it says that they are."""
    query = """
    SELECT c.drop_folder_id, a.path, a.modified_at FROM tidegate.arrivals a
    JOIN tidegate.connections c USING (account_id, connection_id) WHERE a.state = 'accepted'
    """
    for row in await old.connection.fetch(query):
        path = place(old.account_id, row["drop_folder_id"]) / row["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
        os.utime(path, (row["modified_at"].timestamp(),) * 2)


async def _has_ended(old: Old, *, but: tuple[str, ...] = ()) -> bool:
    """Whether every run has come through, but for those."""
    through = ("completed", "skipped", *but)
    query = "SELECT count(*) FROM tidegate.runs WHERE state <> ALL ($1::text[]) OR waits_for = 'retry'"
    return await old.connection.fetchval(query, list(through)) == 0


async def test_an_account_is_followed_once(old: Old) -> None:
    await old.migrate_shared()
    async with Database.open(old.address) as database:
        assert await asyncio.gather(*(migrate.follow(database, old.account_id) for _ in range(3))) != [False] * 3
        assert not await migrate.follow(database, old.account_id)
        assert not await migrate.follow(database, uuid4())
        assert await migrate_accounts(database) == 0


async def test_two_migrations_at_once_are_one(old: Old) -> None:
    applied = await asyncio.gather(old.migrate_shared(), old.migrate_shared())
    assert [] in applied
    async with Database.open(old.address) as database:
        await asyncio.gather(migrate_accounts(database), migrate_accounts(database))
    versions = await old.connection.fetch("SELECT number FROM tidegate.schema_versions ORDER BY number")
    newest = migrate.latest("shared")
    assert versions[-1]["number"] == newest
    assert len({row["number"] for row in versions}) == len(versions)


async def test_a_migration_that_waits_for_a_lock_lets_the_services_by(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.2)
    # Whatever the next migration does, it writes down that it was done: the long transaction stands before that.
    pending = migrate.latest("shared") + 1
    blocked = "LOCK TABLE tidegate.runs IN ACCESS EXCLUSIVE MODE"
    monkeypatch.setattr(migrate, "_scripts", lambda _: iter([(pending, blocked)]))
    long_work = await asyncpg.connect(old.address.service_url, timeout=10)
    async with long_work.transaction():
        await long_work.execute("SELECT count(*) FROM tidegate.runs")
        migrating = asyncio.create_task(old.migrate_shared())
        async with Database.open(old.address) as database:
            for _ in range(5):
                async with asyncio.timeout(20), database.account(old.account_id) as tx:
                    await tx.connection.execute("UPDATE tidegate.runs SET rung_at = rung_at")
                await asyncio.sleep(migrate.LOCK_SECONDS)
        assert not migrating.done()
    await long_work.close()
    async with asyncio.timeout(30):
        assert await migrating == [pending]
