"""A worker that takes two sessions of a host, says so, and holds them until it is killed."""

import asyncio
import sys

from shared.domain.connection import Login
from shared.domain.place import SftpPlace
from shared.observe.metrics import Metrics
from shared.runtime.sessions import SharedSessions
from shared.storage.database import Database, DatabaseAddress
from shared.storage.secrets import KeyRing

LEASE_SECONDS = 2.0
"""Kept three times in it, by a process that may have to wait for its turn on the machine."""


async def hold(address: DatabaseAddress, host: str) -> None:
    """Hold two sessions for as long as the process lives."""
    async with Database.open(address) as database:
        sessions = SharedSessions(database, KeyRing((bytes(32),)), Metrics(), per_host=2, lease_seconds=LEASE_SECONDS)

        async def one(user: str) -> None:
            place = SftpPlace(transport="sftp", host=host, username=user)
            async with sessions.held(place, Login(password="x"), insists=False, patience_seconds=20):
                print("held", flush=True)  # noqa: T201 the test reads it
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(one("first"))
            group.create_task(one("second"))


if __name__ == "__main__":
    asyncio.run(hold(DatabaseAddress(sys.argv[1], sys.argv[2]), sys.argv[3]))
