"""The services' role cannot move the walls, nor pass by them, whatever SQL it speaks."""

from typing import Any

import asyncpg

from tests.integration.storage.filled import Shelves

OURS = ("tidegate_service", "tidegate_watch", "tidegate_owner")
ON_A_TABLE = (
    "ALTER TABLE tidegate.{} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE tidegate.{} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE tidegate.{} OWNER TO tidegate_service",
    "ALTER TABLE tidegate.{} ADD COLUMN mine text",
    "DROP POLICY own_account ON tidegate.{}",
    "ALTER POLICY own_account ON tidegate.{} USING (true)",
    "ALTER POLICY own_account ON tidegate.{} RENAME TO another",
    "CREATE POLICY mine ON tidegate.{} TO tidegate_service USING (true)",
    "CREATE TRIGGER mine BEFORE INSERT ON tidegate.{} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON INSERT TO tidegate.{} DO INSTEAD NOTHING",
    "CREATE INDEX mine ON tidegate.{} (account_id)",
    "COMMENT ON TABLE tidegate.{} IS 'mine'",
    "TRUNCATE tidegate.{} CASCADE",
    "DROP TABLE tidegate.{} CASCADE",
)
ATTEMPTS = (
    "CREATE OR REPLACE FUNCTION tidegate.account_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'",
    "ALTER FUNCTION tidegate.account_id() SECURITY DEFINER",
    "DROP FUNCTION tidegate.account_id() CASCADE",
    "CREATE FUNCTION tidegate.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_catalog.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE tidegate.mine (account_id uuid)",
    "CREATE VIEW tidegate.mine AS SELECT 1",
    "CREATE TABLE public.mine (account_id uuid)",
    "ALTER SCHEMA tidegate RENAME TO mine",
    "DROP SCHEMA tidegate CASCADE",
    "SET ROLE tidegate_watch",
    "SET ROLE tidegate_owner",
    "SET SESSION AUTHORIZATION tidegate_owner",
    "ALTER ROLE tidegate_service BYPASSRLS",
    "ALTER ROLE tidegate_service SUPERUSER",
    "ALTER ROLE tidegate_watch PASSWORD 'mine'",
    "GRANT tidegate_owner TO tidegate_service",
    "CREATE ROLE mine",
    "SET session_replication_role = replica",
    "CREATE EXTENSION dblink",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION mine()",
    "COPY tidegate.accounts TO PROGRAM 'cat'",
    "COPY tidegate.accounts TO '/dev/null'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT stxdexpr FROM pg_statistic_ext_data",
    "DELETE FROM tidegate.runs",
    "DELETE FROM tidegate.accounts",
)


async def _is_refused(connection: Any, text: str) -> bool:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(text)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await transaction.rollback()
    return False


async def test_no_table_can_be_altered(service: Any, shelves: Shelves) -> None:
    passed = [
        attempt.format(table)
        for table in shelves.tables
        for attempt in ON_A_TABLE
        if not await _is_refused(service, attempt.format(table))
    ]
    assert passed == []


async def test_the_walls_cannot_be_moved(service: Any) -> None:
    assert [attempt for attempt in ATTEMPTS if not await _is_refused(service, attempt)] == []


async def test_rights_cannot_be_passed_on(service: Any, superuser: Any, shelves: Shelves) -> None:
    """PostgreSQL takes such a GRANT with a warning and grants nothing."""
    asked = (
        "SELECT array_agg(c.relacl::text ORDER BY c.relname) FROM pg_class c "
        "WHERE relnamespace = 'tidegate'::regnamespace"
    )
    before = await superuser.fetchval(asked)
    for table in shelves.tables:
        await service.execute(f"GRANT ALL ON tidegate.{table} TO PUBLIC")
    assert await superuser.fetchval(asked) == before


async def test_row_security_cannot_be_switched_off(as_ours: Any, shelves: Shelves) -> None:
    """Switched off it turns what the wall would hide into an error; it shows nothing."""
    await as_ours.execute("SET LOCAL row_security = off")
    for table in shelves.tables:
        assert await _is_refused(as_ours, f"SELECT * FROM tidegate.{table}"), table


async def test_a_function_of_ones_own_sees_no_more_than_its_owner(as_ours: Any, shelves: Shelves) -> None:
    await as_ours.execute("CREATE SCHEMA mine")
    await as_ours.execute(
        "CREATE FUNCTION mine.others() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS "
        f"$$ SELECT count(*) FROM tidegate.accounts WHERE account_id = '{shelves.theirs}' $$"
    )
    await as_ours.execute(
        f"CREATE VIEW mine.seen AS SELECT * FROM tidegate.accounts WHERE account_id = '{shelves.theirs}'"
    )
    assert await as_ours.fetchval("SELECT mine.others()") == 0
    assert await as_ours.fetch("SELECT * FROM mine.seen") == []
    assert await _is_refused(
        as_ours, "CREATE FUNCTION mine.leaks(uuid) RETURNS boolean LANGUAGE sql LEAKPROOF AS 'SELECT true'"
    )


async def test_a_search_path_of_ones_own_does_not_change_who_one_is(as_ours: Any, shelves: Shelves) -> None:
    """Names in the policies' function were bound when it was made: another `current_setting` does not stand in."""
    await as_ours.execute("CREATE SCHEMA mine")
    await as_ours.execute(
        "CREATE FUNCTION mine.current_setting(text, boolean) RETURNS text LANGUAGE sql AS "
        f"$$ SELECT '{shelves.theirs}'::text $$"
    )
    await as_ours.execute("CREATE FUNCTION mine.account_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'")
    await as_ours.execute("SET LOCAL search_path = mine, pg_catalog, tidegate")
    assert await as_ours.fetchval("SELECT current_setting('tidegate.account', true)") == str(shelves.theirs)
    for table in shelves.tables:
        rows = await as_ours.fetch(f"SELECT DISTINCT account_id FROM tidegate.{table}")
        assert [row["account_id"] for row in rows] == [shelves.ours], table


async def test_statistics_tell_nothing_of_what_stands_in_the_tables(
    service: Any, watch: Any, superuser: Any, shelves: Shelves
) -> None:
    await superuser.execute("ANALYZE")
    asked = "SELECT count(*) FROM pg_stats WHERE schemaname = 'tidegate' AND tablename = ANY ($1)"
    assert await superuser.fetchval(asked, shelves.tables) > 0
    for role in (service, watch):
        assert await role.fetchval(asked, shelves.tables) == 0


async def test_no_role_of_ours_may_more_than_log_in(superuser: Any) -> None:
    rows = await superuser.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) AND (rolsuper OR rolbypassrls OR rolreplication)", OURS
    )
    assert rows == []
    rows = await superuser.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) AND (rolcreaterole OR rolcreatedb)", OURS[:2]
    )
    assert rows == []
    rows = await superuser.fetch(
        "SELECT FROM pg_auth_members WHERE member = ANY (SELECT oid FROM pg_roles WHERE rolname = ANY ($1))", OURS[:2]
    )
    assert rows == [], "none is a member of another"
