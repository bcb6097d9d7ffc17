"""What is owed after a run, at a partner's busy host: asked for again later, and kept for as long as it takes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest_asyncio

from services.importer.give_back import MOST_ATTEMPTS
from services.importer.settle import settle
from shared.contracts.runs import ArrivalEnded
from shared.domain.failures import HostBusy
from shared.domain.place import SftpPlace
from shared.runtime.service import Base
from shared.storage import arrivals, runs
from shared.transfer.sessions import LITTLE_PATIENCE_SECONDS
from tests.eventually import eventually
from tests.fakes.sessions import FreeSessions
from tests.integration.road.test_owed_returns import Debtor

LEASE_SECONDS = 3.0


class Crowded(Debtor):
    """A run that has ended, at a partner's host whose sessions are in use."""

    def __init__(self, base: Base, account_id: UUID, work: Path) -> None:
        super().__init__(base, account_id, work)
        self.sessions = FreeSessions(failure=HostBusy("Others have them."))
        places = replace(self.tools.places, sessions=self.sessions)
        self.tools = replace(self.tools, places=places, lease_seconds=LEASE_SECONDS)
        self.arrival_id = uuid4()

    async def mark(self) -> None:
        """An importer hears that the file is to be marked."""
        about = {"message_id": uuid4(), "occurred_at": datetime.now(UTC), "account_id": self.account_id}
        await settle(self.tools, ArrivalEnded(**about, arrival_id=self.arrival_id))

    async def marked_until(self) -> datetime:
        """Until when nobody else may begin to mark the file."""
        text = "SELECT coalesce(settling_until, '-infinity') FROM tidegate.arrivals WHERE arrival_id = $1"
        async with self.base.database.account(self.account_id) as tx:
            found = await tx.connection.fetchval(text, self.arrival_id)
        assert isinstance(found, datetime)
        return found


@pytest_asyncio.fixture
async def crowded(base: Base, account: UUID, tmp_path: Path) -> Crowded:
    made = Crowded(base, account, tmp_path / "workplace")
    await made.owe(SftpPlace(transport="sftp", host="127.0.0.1", port=9, username="partner"))
    async with base.database.account(account) as tx:
        run = await runs.get(tx, made.run_id)
    assert run is not None
    made.arrival_id = run["arrival_id"]
    return made


async def test_who_marks_or_gives_back_does_not_wait_long_for_a_busy_host(crowded: Crowded) -> None:
    await crowded.mark()
    async with crowded.base.database.account(crowded.account_id) as tx:
        arrival = await arrivals.get(tx, crowded.arrival_id)
    assert arrival is not None
    assert arrival["settled_at"] is None
    assert await crowded.marked_until() > datetime.now(UTC), "it is tried again later"

    # A host that serves others is no failed attempt, however often it is met.
    await crowded.wait_no_longer(MOST_ATTEMPTS)
    assert await crowded.give_back() == ("asked", [], "host_busy")
    assert crowded.sessions.patience == [LITTLE_PATIENCE_SECONDS] * 2


async def test_a_file_that_is_being_marked_is_kept_from_others_for_as_long_as_that_takes(crowded: Crowded) -> None:
    crowded.sessions.failure = None
    crowded.sessions.is_free = asyncio.Event()
    async with asyncio.timeout(20):
        marking = asyncio.create_task(crowded.mark())
        await eventually(lambda: bool(crowded.sessions.patience), "the host to be asked")
        first = await crowded.marked_until()

        async def is_kept() -> bool:
            return await crowded.marked_until() > first

        await eventually(is_kept, "the marking to be kept")
        await crowded.mark()
        assert len(crowded.sessions.patience) == 1, "another began to mark it"
        marking.cancel()
        await asyncio.wait([marking])
