"""The walls between accounts: held by the database for every table, whatever a query forgets."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from shared.domain.property import Property, PropertyType
from shared.storage import properties
from shared.storage.database import Database, DatabaseAddress
from tests.real.database_fixtures import make_account

NOT_WALLED = {"schema_versions", "secret_keys", "host_keys", "duties"}
"""Tables without a tenant's data."""
FOR_WATCHING = frozenset(
    [
        "account_id",
        "api_keys.key_id",
        "prefix",
        "credential_id",
        "username",
        "drop_folder_id",
        "connection_id",
        "goal_id",
        "goal_version",
        "upload_id",
        "arrival_id",
        "run_id",
        "token",
        "mail_id",
        "inquiry_id",
        "is_operator",
        "is_active",
        "schema_version",
        "version",
        "kind",
        "state",
        "waits_for",
        "stopped_code",
        "failures_in_a_row",
        "attempt",
        "attempts",
        "holder",
    ]
)
"""Identities, states and counts that the watching role may read, beside times; the outbox it relays whole."""


@pytest_asyncio.fixture
async def service(database_address: DatabaseAddress) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A bare connection of the services' role."""
    connection = await asyncpg.connect(database_address.service_url, timeout=10)
    yield connection
    await connection.close(timeout=10)


@pytest_asyncio.fixture
async def watch(database_address: DatabaseAddress) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A bare connection of the watching role."""
    connection = await asyncpg.connect(database_address.watch_url, timeout=10)
    yield connection
    await connection.close(timeout=10)


@pytest_asyncio.fixture
async def two_accounts(database: Database) -> tuple[UUID, UUID]:
    """Two accounts with a property each."""
    made = []
    for name in ("Tide Shop", "Ebb Shop"):
        account_id = await make_account(database, name)
        async with database.account(account_id) as tx:
            await properties.define(tx, Property(name="email", type=PropertyType.EMAIL, is_identifier=True))
        made.append(account_id)
    return made[0], made[1]


async def _walled_tables(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'tidegate' ORDER BY 1")
    return [row["tablename"] for row in rows if row["tablename"] not in NOT_WALLED]


async def test_every_table_with_an_account_is_behind_a_forced_wall(
    service: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await service.fetch(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS is_walled FROM pg_class c "
        "WHERE c.relnamespace = 'tidegate'::regnamespace AND c.relkind = 'r'"
    )
    assert {row["relname"] for row in rows if not row["is_walled"]} == NOT_WALLED


async def test_without_a_named_account_nothing_is_seen(
    service: "asyncpg.Connection[asyncpg.Record]", two_accounts: tuple[UUID, UUID]
) -> None:
    seen = {table: await service.fetchval(f"SELECT count(*) FROM tidegate.{table}") for table in FILLED}
    assert seen == dict.fromkeys(FILLED, 0)
    for table in await _walled_tables(service):
        assert await service.fetchval(f"SELECT count(*) FROM tidegate.{table}") == 0


FILLED = ("accounts", "domain_groups", "properties")


@pytest.mark.parametrize("table", FILLED)
async def test_an_account_sees_and_changes_its_own_rows_only(
    service: "asyncpg.Connection[asyncpg.Record]", two_accounts: tuple[UUID, UUID], table: str
) -> None:
    ours, theirs = two_accounts
    async with service.transaction():
        await service.execute("SELECT set_config('tidegate.account', $1, true)", str(ours))
        rows = await service.fetch(f"SELECT DISTINCT account_id FROM tidegate.{table}")
        assert [row["account_id"] for row in rows] == [ours]
        changed = await service.execute(f"UPDATE tidegate.{table} SET name = 'x' WHERE account_id = $1", theirs)
        assert changed == "UPDATE 0"
    assert await service.fetchval(f"SELECT count(*) FROM tidegate.{table}") == 0, (
        "the setting ends with its transaction"
    )


async def test_rows_cannot_be_written_in_another_accounts_name(
    service: "asyncpg.Connection[asyncpg.Record]", two_accounts: tuple[UUID, UUID]
) -> None:
    ours, theirs = two_accounts
    async with service.transaction():
        await service.execute("SELECT set_config('tidegate.account', $1, true)", str(ours))
        text = "INSERT INTO tidegate.domain_groups (account_id, number, name) VALUES ($1, 99, 'x')"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute(text, theirs)


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE tidegate.accounts DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tidegate.accounts NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY own_account ON tidegate.accounts",
        "ALTER POLICY own_account ON tidegate.accounts USING (true)",
        "CREATE POLICY mine ON tidegate.accounts TO tidegate_service USING (true)",
        "CREATE OR REPLACE FUNCTION tidegate.account_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'",
        "SET ROLE tidegate_watch",
        "SET ROLE tidegate_owner",
        "TRUNCATE tidegate.accounts CASCADE",
        "DELETE FROM tidegate.runs",
    ],
)
async def test_the_services_cannot_move_the_walls(service: "asyncpg.Connection[asyncpg.Record]", attempt: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(attempt)


async def test_no_role_of_ours_may_pass_by_the_walls(service: "asyncpg.Connection[asyncpg.Record]") -> None:
    rows = await service.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname IN ('tidegate_service', 'tidegate_watch') "
        "AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)"
    )
    assert rows == []


async def test_the_watching_role_reads_identities_states_and_times_only(
    watch: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await watch.fetch(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'tidegate' AND NOT table_name = ANY ($1::text[]) AND table_name <> 'outbox' "
        "AND has_column_privilege(format('tidegate.%I', table_name), column_name, 'SELECT') "
        "AND data_type <> 'timestamp with time zone'",
        sorted(NOT_WALLED),
    )
    readable = {(row["table_name"], row["column_name"]) for row in rows}
    assert {
        (table, column)
        for table, column in readable
        if column not in FOR_WATCHING and f"{table}.{column}" not in FOR_WATCHING
    } == set()
    assert ("runs", "state") in readable


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT name FROM tidegate.accounts",
        "SELECT secret_sha256 FROM tidegate.api_keys",
        "SELECT settings FROM tidegate.connections",
        "SELECT password_sealed FROM tidegate.connections",
        "SELECT path FROM tidegate.arrivals",
        "SELECT receipt FROM tidegate.runs",
        "SELECT recipient FROM tidegate.mails",
        "UPDATE tidegate.runs SET state = 'queued'",
        "UPDATE tidegate.outbox SET body = '{}'",
        "DELETE FROM tidegate.arrivals",
    ],
)
async def test_the_watching_role_reads_no_names_paths_or_secrets_and_changes_nothing(
    watch: "asyncpg.Connection[asyncpg.Record]", attempt: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await watch.execute(attempt)


async def test_the_watching_role_cannot_enter_an_accounts_schema(
    watch: "asyncpg.Connection[asyncpg.Record]", two_accounts: tuple[UUID, UUID]
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await watch.execute(f'SELECT count(*) FROM "account_{two_accounts[0].hex}".profiles')
