"""Bring the shared tables and every account's schema to this version: forward only, under an advisory lock.

The owner runs the shared migrations; the services' role, which owns the accounts' schemas, runs theirs. Both may
be called again at any time and by several processes at once, also while services of the release before are at work:
a migration that does not get its locks at once lets everybody by who waits behind it, and tries again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import asyncpg

from shared.storage.database import Database, Tx, schema_of
from shared.storage.errors import TransactionConflict, translated

_LOCK = 7_436_201_944
"""Advisory lock of everybody who migrates."""
LOCK_SECONDS = 2.0
"""How long a migration may keep others waiting behind it for a lock."""
PATIENCE_SECONDS = 900.0
"""How long it is tried again."""
FOLLOWING_SECONDS = 20.0
"""How long where a run waits for it, which is tried again anyway."""
_PAUSE_SECONDS = 1.0
T = TypeVar("T")
OWNER = "tidegate_owner"
SERVICE = "tidegate_service"
WATCH = "tidegate_watch"


def _scripts(family: str) -> Iterator[tuple[int, str]]:
    folder = files("shared.storage") / "migrations" / family
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".sql"):
            yield int(entry.name.split("_", 1)[0]), entry.read_text("utf-8")


@cache
def latest(family: str) -> int:
    """The newest migration of `shared` or `account`."""
    return max(number for number, _ in _scripts(family))


async def migrate_shared(owner_url: str, *, service_url: str, watch_url: str) -> list[int]:
    """Create the roles where they are missing and apply what is new to the shared schema; what was applied.

    Raises StorageUnavailable when the database does not answer.
    """
    with translated():
        connection = await asyncpg.connect(owner_url, timeout=10)
        try:
            await _be_brief(connection)
            await _patiently(partial(connection.execute, "SELECT pg_advisory_lock($1)", _LOCK))
            await _ensure_role(connection, OWNER, None)
            await _ensure_role(connection, SERVICE, service_url)
            await _ensure_role(connection, WATCH, watch_url)
            return await _apply_shared(connection)
        finally:
            await connection.close(timeout=10)


async def prepare_cluster(superuser_url: str, *, owner_url: str, service_url: str, watch_url: str) -> None:
    """Make the three roles and the owner's database where they are missing: for a cluster that is ours alone.

    Passwords and the database's name are taken from the URLs. Raises StorageUnavailable.
    """
    name = urlsplit(owner_url).path.lstrip("/")
    with translated():
        connection = await asyncpg.connect(superuser_url, timeout=10)
        try:
            await _be_brief(connection)
            await _patiently(partial(connection.execute, "SELECT pg_advisory_lock($1)", _LOCK))
            for role, url in ((OWNER, owner_url), (SERVICE, service_url), (WATCH, watch_url)):
                await _ensure_role(connection, role, url)
            if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name):
                quoted = await connection.fetchval("SELECT quote_ident($1)", name)
                await connection.execute(f"CREATE DATABASE {quoted} OWNER {OWNER}")
        finally:
            await connection.close(timeout=10)


async def migrate_account(tx: Tx) -> list[int]:
    """Apply what is new to the schema of the transaction's account; what was applied."""
    version = await tx.connection.fetchval(
        "SELECT schema_version FROM tidegate.accounts WHERE account_id = $1 FOR UPDATE", tx.account_id
    )
    applied = []
    for number, script in _scripts("account"):
        if number > version:
            await tx.connection.execute(script.replace("{schema}", schema_of(tx.account_id)))
            applied.append(number)
    if applied:
        await tx.connection.execute(
            "UPDATE tidegate.accounts SET schema_version = $2 WHERE account_id = $1", tx.account_id, applied[-1]
        )
    return applied


async def migrate_accounts(database: Database, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """Bring every account's schema to this version; how many needed it.

    Raises TransactionConflict where the locks are not to be had.
    """
    async with database.watching() as watch:
        rows = await watch.connection.fetch(
            "SELECT account_id FROM tidegate.accounts WHERE NOT is_operator AND schema_version < $1", latest("account")
        )
    accounts: list[UUID] = [row["account_id"] for row in rows]
    for account_id in accounts:
        await _patiently(partial(_migrate_one, database, account_id), patience_seconds)
    return len(accounts)


async def follow(database: Database, account_id: UUID) -> bool:
    """Bring an account's schema to this version where it is not; whether it was not.

    While services of the release before are still at work they make accounts as they know them, after the migration
    that came with this one. Raises TransactionConflict where the locks are not to be had, and StorageUnavailable.
    """
    async with database.account(account_id, read_only=True) as tx:
        version = await tx.connection.fetchval(
            "SELECT schema_version FROM tidegate.accounts WHERE account_id = $1", account_id
        )
    if version is None or version >= latest("account"):
        return False
    await _patiently(partial(_migrate_one, database, account_id), FOLLOWING_SECONDS)
    return True


async def _migrate_one(database: Database, account_id: UUID) -> None:
    async with database.account(account_id) as tx:
        await tx.connection.execute("SELECT set_config('lock_timeout', $1, true)", f"{LOCK_SECONDS}s")
        await migrate_account(tx)


async def is_current(database: Database) -> bool:
    """Whether the shared schema is at least at this version."""
    async with database.watching() as watch:
        exists = await watch.connection.fetchval("SELECT to_regclass('tidegate.schema_versions') IS NOT NULL")
        if not exists:
            return False
        version = await watch.connection.fetchval("SELECT max(number) FROM tidegate.schema_versions")
    return version is not None and version >= latest("shared")


async def _apply_shared(connection: Any) -> list[int]:
    exists = await connection.fetchval("SELECT to_regclass('tidegate.schema_versions') IS NOT NULL")
    version = await connection.fetchval("SELECT max(number) FROM tidegate.schema_versions") if exists else 0
    applied = []
    for number, script in _scripts("shared"):
        if number > (version or 0):
            await _patiently(partial(_apply, connection, number, script))
            applied.append(number)
    return applied


async def _apply(connection: Any, number: int, script: str) -> None:
    async with connection.transaction():
        await connection.execute(script)
        await connection.execute("INSERT INTO tidegate.schema_versions (number) VALUES ($1)", number)


async def _be_brief(connection: Any) -> None:
    """Wait shortly for locks: behind a waiting migration everybody else waits as well."""
    await connection.execute("SELECT set_config('lock_timeout', $1, false)", f"{LOCK_SECONDS}s")


async def _patiently(do: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """Try until the locks are had, letting others by in between. Raises the last refusal when patience ends."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await do()
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, TransactionConflict):
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


async def _ensure_role(connection: Any, role: str, url: str | None) -> None:
    """Make a role that is missing, with the password of its URL; one that is there is left as it is."""
    if await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", role):
        return
    parts = urlsplit(url or "")
    password = unquote(parts.password or "")
    literal = await connection.fetchval("SELECT quote_literal($1::text)", password)
    login = f"LOGIN PASSWORD {literal}" if password else "LOGIN"
    try:
        await connection.execute(f"CREATE ROLE {role} {login} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        # Roles are cluster-wide: another database of the cluster may have made it at this moment.
        await asyncio.sleep(0)
