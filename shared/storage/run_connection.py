"""A database connection for the long work of one run, recorded before its first write.

Whoever takes the run over ends just the recorded connections and waits until they have gone; so a worker that was
frozen in the middle of a COPY or a merge finds nothing left to write with.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from shared.domain.run import ClaimedRun
from shared.observe.failpoints import reach
from shared.storage import runs
from shared.storage.database import Connection, Database, Record, Tx


@dataclass(frozen=True, slots=True)
class RunConnection:
    """The run's connection; transactions on it are in the run's account."""

    database: Database
    run: ClaimedRun
    raw: "Connection[Record]"

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction that commits at the end."""
        return self.database.transaction(self.raw, self.run.account_id)

    def snapshot(self) -> AbstractAsyncContextManager[Tx]:
        """A read-only transaction that sees one moment."""
        return self.database.transaction(self.raw, self.run.account_id, read_only=True, isolation="repeatable_read")


@asynccontextmanager
async def run_connection(database: Database, run: ClaimedRun) -> AsyncIterator[RunConnection]:
    """Open and record a connection for the run. Raises LeaseLost where the run is no longer ours."""
    async with database.work_connection() as connection:
        pid = connection.get_server_pid()
        async with database.account(run.account_id) as tx:
            await runs.record_backend(tx, run, pid)
        reach("run.connected")
        try:
            yield RunConnection(database, run, connection)
        except BaseException:
            # It is recorded, and whoever decides about the run now ends what is recorded: the pool must not have given
            # it to another run by then.
            with suppress(asyncpg.InterfaceError):  # the pool has let go of it already where it was ended
                connection.terminate()
            raise
