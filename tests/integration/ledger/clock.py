"""A clock that stands still until a test moves it, for every statement of one database.

The ledger's statements say now() and clock_timestamp(). A schema that stands before pg_catalog in the database's
search_path has functions of those names, so the statements are those of the product, word for word, and a lease runs
out when the test says so. The readings of clock_timestamp() differ by microseconds, since accounts are taken in turn
by it.
"""

from datetime import datetime
from typing import Any

_MADE = """
CREATE SCHEMA clock;
CREATE TABLE clock.time (reads timestamptz NOT NULL);
CREATE SEQUENCE clock.readings;
INSERT INTO clock.time VALUES (pg_catalog.now());
CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT reads FROM clock.time';
CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT reads + pg_catalog.nextval(''clock.readings'') * interval ''1 microsecond'' FROM clock.time';
GRANT USAGE ON SCHEMA clock TO PUBLIC;
GRANT SELECT ON clock.time TO PUBLIC;
GRANT USAGE ON SEQUENCE clock.readings TO PUBLIC;
DO $$
DECLARE
    timed record;
BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = clock, pg_catalog', current_database());
    FOR timed IN
        SELECT format('%I.%I', n.nspname, c.relname) AS of_table, a.attname
        FROM pg_attrdef d
        JOIN pg_class c ON c.oid = d.adrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE n.nspname = 'tidegate' AND pg_get_expr(d.adbin, d.adrelid) = 'now()'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT clock.now()', timed.of_table, timed.attname);
    END LOOP;
END $$;
"""


class Clock:
    """The database's clock. Connections opened before it was installed keep the real one."""

    def __init__(self, superuser: Any) -> None:
        self._superuser = superuser

    async def install(self) -> None:
        """Put the clock in place of the server's, for every connection opened from now on."""
        await self._superuser.execute(_MADE)

    async def read(self) -> datetime:
        """What it reads."""
        now: datetime = await self._superuser.fetchval("SELECT reads FROM clock.time")
        return now

    async def move(self, seconds: float) -> datetime:
        """Let so many seconds pass; what it reads then."""
        query = "UPDATE clock.time SET reads = reads + pg_catalog.make_interval(secs => $1) RETURNING reads"
        now: datetime = await self._superuser.fetchval(query, seconds)
        return now
