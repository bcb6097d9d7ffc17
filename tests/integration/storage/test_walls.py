"""The walls between accounts: held by the database for every table of the catalogue, whatever a query forgets."""

import re
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.integration.storage.filled import NOT_WALLED, Shelves

WORLDWIDE = {
    ("accounts", ("account_id",)): "the account itself",
    ("accounts", ("is_operator",)): "there is one operator",
    ("api_keys", ("prefix",)): "random, and made by us",
    ("connections", ("account_id",)): "one for manual imports; the wall is asked before the index",
    ("credentials", ("username",)): "random, and made by us",
}
"""What is unique across accounts, so that an insert could tell whether somebody else has it: nothing that a tenant
chooses may be among it."""


async def test_every_table_is_behind_a_forced_wall_or_holds_nothing_of_a_tenants(service: Any) -> None:
    rows = await service.fetch(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity "
        # A view that asks in its reader's name has the walls of its tables.
        "OR coalesce('security_invoker=true' = ANY (c.reloptions), false) AS is_walled, "
        "EXISTS (SELECT FROM pg_attribute a "
        "WHERE a.attrelid = c.oid AND a.attname = 'account_id') AS is_tenants FROM pg_class c "
        "WHERE c.relnamespace = 'tidegate'::regnamespace AND c.relkind NOT IN ('i', 'S', 't')"
    )
    assert {row["relname"] for row in rows if not row["is_walled"]} == set(NOT_WALLED)
    assert not [row["relname"] for row in rows if row["is_tenants"] and not row["is_walled"]]


async def test_every_policy_of_the_services_is_the_same_one(service: Any, shelves: Shelves) -> None:
    rows = await service.fetch(
        "SELECT tablename, cmd, permissive, qual, with_check FROM pg_policies "
        "WHERE schemaname = 'tidegate' AND roles && '{tidegate_service,public}'"
    )
    same = "(account_id = tidegate.account_id())"
    assert sorted(row["tablename"] for row in rows) == shelves.tables
    assert {tuple(row)[1:] for row in rows} == {("ALL", "PERMISSIVE", same, same)}


async def test_without_a_named_account_nothing_is_seen_changed_or_taken_away(service: Any, shelves: Shelves) -> None:
    for table, columns in shelves.columns.items():
        assert await service.fetchval(f"SELECT count(*) FROM tidegate.{table}") == 0, table
        assert await _changed(service, table, columns, "true") in (0, None), table
        assert await _deleted(service, table, "true") in (0, None), table


async def test_an_empty_setting_is_no_account_and_a_wrong_one_is_an_error(service: Any, shelves: Shelves) -> None:
    await service.execute("SELECT set_config('tidegate.account', '', false)")
    assert await service.fetchval("SELECT count(*) FROM tidegate.accounts") == 0
    await service.execute("SELECT set_config('tidegate.account', '%', false)")
    with pytest.raises(asyncpg.DataError):
        await service.fetchval("SELECT count(*) FROM tidegate.accounts")


async def test_an_account_sees_its_own_rows_only(as_ours: Any, shelves: Shelves) -> None:
    for table in shelves.tables:
        rows = await as_ours.fetch(f"SELECT DISTINCT account_id FROM tidegate.{table}")
        assert [row["account_id"] for row in rows] == [shelves.ours], table
        assert await as_ours.fetch(f"SELECT FROM tidegate.{table} WHERE account_id = $1", shelves.theirs) == [], table
        copied = await as_ours.fetchval(f"SELECT count(*) FROM (TABLE tidegate.{table}) AS everything")
        assert copied == await as_ours.fetchval(
            f"SELECT count(*) FROM tidegate.{table} WHERE account_id = $1", shelves.ours
        )


async def test_an_account_changes_and_deletes_its_own_rows_only(as_ours: Any, shelves: Shelves) -> None:
    theirs = f"account_id = '{shelves.theirs}'"
    for table, columns in shelves.columns.items():
        assert await _changed(as_ours, table, columns, theirs) in (0, None), table
        assert await _deleted(as_ours, table, theirs) in (0, None), table
        if await _may(as_ours, table, "UPDATE"):
            assert await as_ours.fetch(f"SELECT FROM tidegate.{table} WHERE {theirs} FOR UPDATE") == [], table


async def test_no_row_is_written_in_another_accounts_name(as_ours: Any, shelves: Shelves) -> None:
    for table, columns in shelves.columns.items():
        names = ", ".join(columns)
        values = ", ".join("$1" if name == "account_id" else name for name in columns)
        copy = f"INSERT INTO tidegate.{table} ({names}) SELECT {values} FROM tidegate.{table}"
        for text in (copy, f"{copy} ON CONFLICT DO NOTHING", f"{copy} RETURNING *"):
            async with _undone(as_ours):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await as_ours.fetch(text, shelves.theirs)
        async with _undone(as_ours):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await as_ours.execute(f"UPDATE tidegate.{table} SET account_id = $1", shelves.theirs)


async def test_what_is_unique_is_unique_within_an_account(service: Any, shelves: Shelves) -> None:
    """Else an insert, with ON CONFLICT or without, would tell of another account's row."""
    rows = await service.fetch(
        "SELECT c.relname, array_agg(a.attname ORDER BY k.n) AS columns FROM pg_index x "
        "JOIN pg_class c ON c.oid = x.indrelid CROSS JOIN unnest(x.indkey) WITH ORDINALITY AS k (attnum, n) "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum "
        "WHERE x.indisunique AND c.relname = ANY ($1) GROUP BY x.indexrelid, c.relname",
        shelves.tables,
    )
    found = {(row["relname"], tuple(row["columns"])) for row in rows}
    assert {each for each in found if each[1][0] != "account_id" or each[1] == ("account_id",)} == set(WORLDWIDE)


async def test_what_is_referred_to_is_of_the_same_account(service: Any, shelves: Shelves) -> None:
    """Foreign keys are checked past the walls: one without the account would tell which identities there are."""
    rows = await service.fetch(
        "SELECT c.conrelid::regclass::text AS of_table, a.attname, f.attname AS other FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
        "JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1] "
        "WHERE c.contype = 'f' AND c.connamespace = 'tidegate'::regnamespace"
    )
    assert rows
    assert {(row["attname"], row["other"]) for row in rows} == {("account_id", "account_id")}


async def test_a_reference_to_another_accounts_thing_fails_like_one_to_nothing(as_ours: Any, shelves: Shelves) -> None:
    theirs = uuid4()
    async with _undone(as_ours):
        await as_ours.execute("SELECT set_config('tidegate.account', $1, true)", str(shelves.theirs))
        await as_ours.execute(
            "INSERT INTO tidegate.drop_folders (account_id, drop_folder_id, name, quota_bytes) VALUES ($1, $2, 'f', 1)",
            shelves.theirs,
            theirs,
        )
        await as_ours.execute("SELECT set_config('tidegate.account', $1, true)", str(shelves.ours))
        told = [await _refused(as_ours, shelves, folder) for folder in (theirs, uuid4())]
    assert told[0] == told[1]


async def test_no_expression_looks_at_a_row_before_the_wall_does(as_ours: Any, shelves: Shelves) -> None:
    """A condition of one's own that fails, or tells, for another's row would show it."""
    schema = f"probe_{uuid4().hex}"
    await as_ours.execute(f"CREATE SCHEMA {schema}")
    await as_ours.execute(
        f"CREATE FUNCTION {schema}.tells(uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS "
        f"$$ BEGIN IF $1 = '{shelves.theirs}' THEN RAISE 'seen'; END IF; RETURN true; END $$"
    )
    for table in shelves.tables:
        await as_ours.fetch(f"SELECT FROM tidegate.{table} WHERE {schema}.tells(account_id)")
        await as_ours.fetch(
            f"SELECT FROM tidegate.{table} WHERE 1 / (CASE account_id WHEN $1 THEN 0 ELSE 1 END) = 1", shelves.theirs
        )


async def test_the_setting_ends_with_its_transaction(service: Any, shelves: Shelves) -> None:
    async with service.transaction():
        await service.execute("SELECT set_config('tidegate.account', $1, true)", str(shelves.ours))
        assert await service.fetchval("SELECT count(*) FROM tidegate.accounts") == 1
    assert await service.fetchval("SELECT count(*) FROM tidegate.accounts") == 0


async def _may(connection: Any, table: str, privilege: str) -> bool:
    return bool(await connection.fetchval("SELECT has_table_privilege('tidegate.' || $1, $2)", table, privilege))


async def _changed(connection: Any, table: str, columns: dict[str, Any], where: str) -> int | None:
    """How many rows an update touches; None where the role may not update at all."""
    name = next(name for name in reversed(columns) if name != "account_id")
    async with _undone(connection):
        try:
            rows = await connection.fetch(f"UPDATE tidegate.{table} SET {name} = {name} WHERE {where} RETURNING *")
        except asyncpg.InsufficientPrivilegeError:
            return None
    return len(rows)


async def _deleted(connection: Any, table: str, where: str) -> int | None:
    async with _undone(connection):
        try:
            rows = await connection.fetch(f"DELETE FROM tidegate.{table} WHERE {where} RETURNING *")
        except asyncpg.InsufficientPrivilegeError:
            return None
    return len(rows)


async def _refused(connection: Any, shelves: Shelves, folder: Any) -> str:
    """What the database says about a credential for a folder, but for the folder's own identity."""
    async with _undone(connection):
        with pytest.raises(asyncpg.ForeignKeyViolationError) as refused:
            await connection.execute(
                "INSERT INTO tidegate.credentials (account_id, drop_folder_id, username, public_key) "
                "VALUES ($1, $2, gen_random_uuid()::text, 'k')",
                shelves.ours,
                folder,
            )
    error: Any = refused.value
    return re.sub(str(folder), "folder", f"{error.sqlstate} {error} {error.detail} {error.constraint_name}")


class _undone:
    """A savepoint that is rolled back, so that the next attempt meets what this one met."""

    def __init__(self, connection: Any) -> None:
        self._transaction = connection.transaction()

    async def __aenter__(self) -> None:
        await self._transaction.start()

    async def __aexit__(self, *_: object) -> None:
        await self._transaction.rollback()
