"""Trouble made inside PostgreSQL, by a session to which no wall applies: errors on demand, and locks that are held."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.acceptance.system import System
from tests.eventually import eventually

# Numbers of a sequence are not given back by a rollback, so it counts also what was tried in vain.
_MAKE = """
CREATE SEQUENCE public.trouble_met;
GRANT USAGE ON SEQUENCE public.trouble_met TO PUBLIC;
CREATE FUNCTION public.trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.trouble_met') <= {times} THEN
        {what};
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trouble BEFORE {event} ON {table} {each} EXECUTE FUNCTION public.trouble();
"""
_UNMAKE = """
DROP TRIGGER trouble ON {table};
DROP FUNCTION public.trouble;
DROP SEQUENCE public.trouble_met;
"""
_WAITING_FOR_LOCKS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""
_BLOCKED_BY = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


class Trouble:
    """A session that looks at, and gets into the way of, what the services do."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def waiting(self) -> int:
        """How many sessions wait for a lock."""
        return int(await self.connection.fetchval(_WAITING_FOR_LOCKS))

    async def until_somebody_waits(self) -> None:
        """Return when a session waits for a lock."""

        async def is_so() -> bool:
            return await self.waiting() > 0

        await eventually(is_so, "a session that waits for a lock")

    async def until_blocked_by(self, other: "Trouble") -> None:
        """Return when a session waits for what another one of ours holds."""
        blocking = other.connection.get_server_pid()

        async def is_so() -> bool:
            return bool(await self.connection.fetchval(_BLOCKED_BY, blocking))

        await eventually(is_so, "a session that waits for the other's lock")

    async def deadlocks(self) -> int:
        """How many this database has had; sessions tell with some delay."""
        return int(await self.connection.fetchval(_DEADLOCKS))

    async def until_deadlocks(self, count: int) -> None:
        """Return when the database has had so many."""

        async def is_so() -> bool:
            return await self.deadlocks() >= count

        await eventually(is_so, f"{count} deadlocks")

    async def met(self) -> int:
        """How often the place of the trouble was passed, in vain or not."""
        row = await self.connection.fetchrow("SELECT last_value, is_called FROM public.trouble_met")
        return int(row["last_value"]) if row["is_called"] else 0

    async def until_met(self, times: int) -> None:
        """Return when the place of the trouble was passed so often."""

        async def is_so() -> bool:
            return await self.met() >= times

        await eventually(is_so, f"trouble met {times} times", limit_seconds=90)


@asynccontextmanager
async def in_database(system: System) -> AsyncIterator[Trouble]:
    """A session of its own in the system's database."""
    connection = await asyncpg.connect(system.place.superuser_dsn, timeout=10)
    try:
        yield Trouble(connection)
    finally:
        await asyncio.wait_for(connection.close(), 10)


@asynccontextmanager
async def trouble_on(system: System, table: str, event: str, what: str, *, times: int) -> AsyncIterator[Trouble]:
    """The statement `what` runs before each of the next so many statements on a table.

    `event` is a trigger's: "INSERT", or "UPDATE ... WHEN (...)" for each row.
    """
    event, _, condition = event.partition(" WHEN ")
    each = f"FOR EACH ROW WHEN {condition}" if condition else "FOR EACH STATEMENT"
    async with in_database(system) as trouble:
        made = _MAKE.format(times=times, what=what, event=event, table=table, each=each)
        await trouble.connection.execute(made)
        try:
            yield trouble
        finally:
            await trouble.connection.execute("SET lock_timeout = '30s'")
            await trouble.connection.execute(_UNMAKE.format(table=table))


@asynccontextmanager
async def deadlocks_looked_for_after(trouble: Trouble, seconds: int) -> AsyncIterator[None]:
    """A session that waits for a lock looks once, after so long, whether everybody waits for each other."""
    await trouble.connection.execute(f"ALTER SYSTEM SET deadlock_timeout = '{seconds}s'")
    await trouble.connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await trouble.connection.execute("ALTER SYSTEM RESET deadlock_timeout")
        await trouble.connection.execute("SELECT pg_reload_conf()")


def raising(code: str) -> str:
    """The statement that raises an error with this SQLSTATE."""
    return f"RAISE EXCEPTION 'made by a test' USING ERRCODE = '{code}'"
