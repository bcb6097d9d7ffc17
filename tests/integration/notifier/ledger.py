"""Runs in the ledger for people to be told about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.domain.connection import ConnectionSettings
from shared.domain.goal_base import Feedback
from shared.domain.place import SftpPlace
from shared.domain.receipt import FileFacts, Receipt
from shared.domain.reject import Reject
from shared.domain.run import ClaimedRun, RunState, Waiting
from shared.storage import claims, connections, ending, goals, rejects, runs
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from tests.builders import import_goal

MAKER = "maker@shop.example"
REJECTED = {"rows_read": 10, "created": 9, "rejected": 1, "rejects_by_code": {"not_an_email": 1}}
PLACE = SftpPlace(transport="sftp", host="files.shop.example", username="tide")


@dataclass
class Ledger:
    """One account's connection, with as many goals and runs as a test asks for."""

    database: Database
    account_id: UUID
    connection_id: UUID = field(default_factory=uuid4)

    @classmethod
    async def of(cls, database: Database, account_id: UUID, maker: str | None = MAKER) -> "Ledger":
        async with database.account(account_id) as tx:
            stored = await connections.create(
                tx, KeyRing((bytes(32),)), ConnectionSettings(name="Shop", place=PLACE), {}, email=maker
            )
        return cls(database, account_id, stored.id)

    async def goal(self, *emails: str, when: str = "always", maker: str | None = MAKER, name: str = "Nightly") -> UUID:
        """A new goal; its id."""
        feedback = Feedback.model_validate({"emails": emails, "when": when})
        settings = import_goal().model_copy(update={"feedback": feedback, "name": name})
        async with self.database.account(self.account_id) as tx:
            return (await goals.create(tx, self.connection_id, settings, email=maker)).id

    async def queued(self, goal_id: UUID) -> UUID:
        """A run that waits for a worker; its id."""
        new = runs.NewRun("import", goal_id, datetime.now(UTC), "contacts.csv", request_id=uuid4())
        async with self.database.account(self.account_id) as tx:
            run_id = await runs.create(tx, new)
        assert run_id is not None
        return run_id

    async def finished(self, goal_id: UUID, state: RunState = RunState.COMPLETED, *found: Reject, **facts: Any) -> UUID:
        """A run that a worker has ended, with its news in the outbox; its id."""
        await self.queued(goal_id)
        run = await self.claimed()
        await self.end(run, state, *found, **facts)
        return run.id

    async def end(self, run: ClaimedRun, state: RunState, *found: Reject, **facts: Any) -> None:
        """A run's worker ends it."""
        async with self.database.account(self.account_id) as tx:
            await rejects.add(tx, run, found)
            await ending.end(tx, run, "import", self.receipt(run, state, **facts))
        await ending.release(self.database, run)

    async def put_aside(self, goal_id: UUID, waits_for: Waiting) -> UUID:
        """A run that waits; its id."""
        await self.queued(goal_id)
        run = await self.claimed()
        async with self.database.account(self.account_id) as tx:
            await runs.put_aside(tx, run, self.receipt(run, RunState.WAITING), waits_for, retry_in_seconds=3600)
        return run.id

    async def claimed(self) -> ClaimedRun:
        """The next run, in the hands of a worker."""
        run = await claims.claim(self.database, "import", "tests")
        assert run is not None
        return run

    @staticmethod
    def receipt(run: ClaimedRun, state: RunState, **facts: Any) -> Receipt:
        """A receipt of nothing, or of what is named."""
        plain: dict[str, Any] = {
            "run_id": run.id,
            "goal_id": run.goal_id,
            "goal_version": run.goal_version,
            "state": state,
            "queued_at": run.queued_at,
            "started_at": run.started_at,
            "finished_at": datetime.now(UTC),
            "file": FileFacts(name="in/contacts.csv", size_bytes=1_234),
        }
        return Receipt(**(plain | facts))
