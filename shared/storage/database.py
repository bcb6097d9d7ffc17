"""The way into PostgreSQL: transactions in the name of one account, and a look across all for those who watch.

This is the one module that makes the row-level setting `tidegate.account`. A transaction knows its account and
its account's schema; nothing here knows what the tables mean.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import asyncpg

from shared.storage import liveness
from shared.storage.errors import translated
from shared.storage.statements import statement

Connection = asyncpg.Connection
Record = asyncpg.Record

ACQUIRE_SECONDS = 10.0
SHORT_STATEMENT_SECONDS = 30.0
WORK_STATEMENT_SECONDS = 6 * 3600.0
ROLLBACK_SECONDS = 10.0
ROWS_AT_ONCE = 1_000
IDLE_SECONDS = 30.0
SHORT_NAME = "tidegate"
"""How PostgreSQL calls sessions of short transactions."""
_WORK_NAME = "tidegate run"
_LEAST_IDLE_SECONDS = 5.0


def schema_of(account_id: UUID) -> str:
    """The name of an account's own schema, quoted. Derived from the identity, so that nobody must look it up."""
    return f'"account_{account_id.hex}"'


@dataclass(slots=True)
class Session:
    """A database connection that can run named statements."""

    connection: "Connection[Record]"

    async def fetch(self, name: str, *args: Any) -> list[Record]:
        """All rows of the named statement."""
        return await self.connection.fetch(self._text(name), *args)

    def stream(self, name: str, *args: Any) -> AsyncIterator[Record]:
        """The rows of the named statement as they come, for what may be too much to hold at once."""
        rows: AsyncIterator[Record] = aiter(self.connection.cursor(self._text(name), *args, prefetch=ROWS_AT_ONCE))
        return rows

    async def row(self, name: str, *args: Any) -> Record | None:
        """The first row of the named statement, or None."""
        return await self.connection.fetchrow(self._text(name), *args)

    async def value(self, name: str, *args: Any) -> Any:
        """The first value of the first row of the named statement, or None."""
        return await self.connection.fetchval(self._text(name), *args)

    async def execute(self, name: str, *args: Any) -> int:
        """Run the named statement; the number of rows it touched."""
        status = await self.connection.execute(self._text(name), *args)
        return int(status.rsplit(" ", 1)[-1]) if status[-1].isdigit() else 0

    def _text(self, name: str) -> str:
        return statement(name)


@dataclass(slots=True)
class Tx(Session):
    """A transaction in the name of one account: it sees that account's rows and no others."""

    account_id: UUID
    rang: bool = field(default=False)
    """Whether a message was put into the outbox, so that the relay is woken after the commit."""

    @property
    def schema(self) -> str:
        """The account's own schema, quoted."""
        return schema_of(self.account_id)

    def _text(self, name: str) -> str:
        return statement(name).replace("{schema}", self.schema)


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is, for each of the two roles that services use; libpq URLs."""

    service_url: str
    watch_url: str


class Database:
    """Two roles, three pools: short transactions, long work of runs, and watching across accounts."""

    def __init__(self, service: "asyncpg.Pool[Record]", work: "asyncpg.Pool[Record]", watch: "asyncpg.Pool[Record]"):
        self._service = service
        self._work = work
        self._watch = watch
        self.rang = asyncio.Event()
        """Set when a transaction that put something into the outbox has committed in this process."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, address: DatabaseAddress, *, connections: int = 10, idle_seconds: float = IDLE_SECONDS
    ) -> "AsyncIterator[Database]":
        """Open the pools and close them at the end. Raises StorageUnavailable when the database does not answer.

        A process that freezes within a short transaction holds its locks for `idle_seconds`, at least five.
        """
        idle_seconds = max(_LEAST_IDLE_SECONDS, idle_seconds)
        with translated():
            service = await _pool(address.service_url, connections, SHORT_STATEMENT_SECONDS, idle_seconds)
        try:
            with translated():
                # A merge may wait for a second pass over its file; a worker that is stuck loses its connection anyway.
                work = await _pool(address.service_url, connections, WORK_STATEMENT_SECONDS, 0, name=_WORK_NAME)
                # A relay that freezes holds its batch of messages for so long, and nobody else can send them.
                watching = max(2, connections // 2)
                watch = await _pool(address.watch_url, watching, SHORT_STATEMENT_SECONDS, IDLE_SECONDS)
        except BaseException:
            service.terminate()
            raise
        try:
            yield cls(service, work, watch)
        finally:
            await asyncio.gather(*(_close(pool) for pool in (service, work, watch)))

    @asynccontextmanager
    async def account(self, account_id: UUID, *, read_only: bool = False) -> AsyncIterator[Tx]:
        """A short transaction in an account's name; commits at the end, rolls back on an exception."""
        with translated():
            async with (
                self._service.acquire(timeout=ACQUIRE_SECONDS) as connection,
                self.transaction(connection, account_id, read_only=read_only) as tx,
            ):
                yield tx

    @asynccontextmanager
    async def transaction(
        self, connection: Any, account_id: UUID, *, read_only: bool = False, isolation: str = "read_committed"
    ) -> AsyncIterator[Tx]:
        """A transaction in an account's name on a connection that the caller holds."""
        with translated():
            async with _transaction(connection, readonly=read_only, isolation=isolation):
                await connection.execute("SELECT set_config('tidegate.account', $1, true)", str(account_id))
                tx = Tx(connection, account_id)
                yield tx
            if tx.rang:
                self.rang.set()

    @asynccontextmanager
    async def speaking_for(self, tx: Tx, account_id: UUID) -> AsyncIterator[Tx]:
        """The same transaction in another account's name while inside, and in its own again afterwards.

        For the operator alone, who makes accounts and their first keys and remembers in the same transaction that this
        was done. An exception must end the transaction: then the name is not changed back.
        """
        await tx.connection.execute("SELECT set_config('tidegate.account', $1, true)", str(account_id))
        other = Tx(tx.connection, account_id)
        yield other
        await tx.connection.execute("SELECT set_config('tidegate.account', $1, true)", str(tx.account_id))
        tx.rang = tx.rang or other.rang

    @asynccontextmanager
    async def work_connection(self) -> AsyncIterator["Connection[Record]"]:
        """A connection for the long work of one run; runs.py records it before the first write."""
        with translated():
            async with self._work.acquire(timeout=ACQUIRE_SECONDS) as connection:
                yield cast("Connection[Record]", connection)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Session]:
        """A short transaction of the watching role: identities, states and times of all accounts."""
        with translated():
            async with self._watch.acquire(timeout=ACQUIRE_SECONDS) as connection, _transaction(connection):
                yield Session(cast("Connection[Record]", connection))

    async def check(self) -> None:
        """Raise StorageUnavailable unless the database answers and holds this version's tables."""
        async with self.watching() as watch:
            await watch.connection.execute("SELECT 1 FROM tidegate.duties LIMIT 1")


async def _pool(
    url: str, size: int, statement_seconds: float, idle_seconds: float, *, name: str = SHORT_NAME
) -> "asyncpg.Pool[Record]":
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        init=_prepare,
        command_timeout=statement_seconds,
        timeout=ACQUIRE_SECONDS,
        server_settings={
            "application_name": name,
            "timezone": "UTC",
            "datestyle": "ISO, YMD",
            "lock_timeout": "10s",
            "idle_in_transaction_session_timeout": f"{round(idle_seconds * 1000)}",
            "statement_timeout": f"{int(statement_seconds * 1000)}",
            **liveness.SERVER_SETTINGS,
        },
    )


@asynccontextmanager
async def _transaction(connection: Any, **options: Any) -> AsyncIterator[None]:
    """Commit at the end, roll back on an exception.

    A connection that cannot roll back in time is dropped, and the server rolls back by itself: a worker that gives a
    run up must not wait on a silent connection for as long as its longest statement may take.
    """
    block = connection.transaction(**options)
    # As a block and not by `start`: where that is cancelled nobody knows whether it began, and what was begun by hand
    # the pool tells as a mistake when it finds it.
    await block.__aenter__()
    try:
        yield
    except BaseException as error:
        try:
            async with asyncio.timeout(ROLLBACK_SECONDS):
                await block.__aexit__(type(error), error, error.__traceback__)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection.terminate()
        raise
    await block.__aexit__(None, None, None)


async def _prepare(connection: Any) -> None:
    # The driver offers no other way to its socket.
    liveness.watch(connection._transport)
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def _close(pool: "asyncpg.Pool[Record]") -> None:
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:
        pool.terminate()
