"""Runs and arrivals in the ledger, as the poller and the importer would have left them."""

from datetime import UTC, datetime
from uuid import UUID

from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.receipt import Counts, FileFacts, Receipt
from shared.domain.reject import Reject, RejectCode, ValueReject
from shared.domain.run import ClaimedRun, Reason, RunState, Waiting
from shared.storage import arrivals, claims, ending, rejects, runs
from shared.storage.arrivals import Explained, Sighting
from shared.storage.database import Database

COLUMNS = ("E-mail", "First name")
REJECTS = [
    Reject(record_number=2, line_number=3, code=RejectCode.NOT_AN_EMAIL, field="E-mail", raw=("ann(at)x", 'Ann; "A"')),
    Reject(record_number=5, line_number=6, code=RejectCode.TOO_FEW_FIELDS, raw=("bob@x.example",)),
    Reject(record_number=7, line_number=8, code=RejectCode.UNDECODABLE, raw=("c@x.example", "C\udcff")),
]


async def arrive(database: Database, account: UUID, made: dict[str, dict[str, str]], *, minute: int = 0) -> UUID:
    """A file arrived and has a run; the run."""
    at = datetime(2026, 3, 1, 6, minute, tzinfo=UTC)
    stamp = FileStamp(path=f"in/contacts_{minute}.csv", size_bytes=100, modified_at=at)
    async with database.account(account) as tx:
        connection_id = UUID(made["connection"]["id"])
        await arrivals.lock_connection(tx, connection_id)
        [arrival_id] = await arrivals.insert(tx, connection_id, [Sighting(stamp, Explained(ArrivalState.WAITING))])
        await arrivals.accept(tx, [arrival_id])
        run_id = await runs.create(
            tx,
            runs.NewRun("import", UUID(made["goal"]["id"]), order_at=at, order_name=stamp.path, arrival_id=arrival_id),
        )
    assert run_id is not None
    return run_id


async def claim(database: Database) -> ClaimedRun:
    """A worker takes the next import."""
    claimed = await claims.claim(database, "import", "worker of the tests")
    assert claimed is not None
    return claimed


VALUES = [
    ValueReject(
        record_number=record,
        line_number=record + 1,
        code=RejectCode.NOT_A_NUMBER,
        position=1,
        field="First name",
        raw="many",
        identifiers=("dan@x.example",),
    )
    for record in (3, 4)
]


async def complete(database: Database, run: ClaimedRun, found: list[Reject] = REJECTS) -> None:
    """The worker ends the run, with these rejects, and with values that it rejected."""
    by_code = {each.code.value: 1 for each in found}
    counts = Counts(rows_read=10, created=10 - len(found), rejected=len(found), rejects_by_code=by_code)
    state = RunState.COMPLETED_WITH_REJECTS if found else RunState.COMPLETED
    file = FileFacts(name="in/contacts_0.csv", size_bytes=100, sha256="a" * 64, columns=COLUMNS)
    async with database.account(run.account_id) as tx:
        await rejects.add(tx, run, found)
        await rejects.add_values(tx, run, VALUES)
        await ending.end(tx, run, "import", _receipt(run, state, counts=counts, file=file))


async def fail(database: Database, run: ClaimedRun, code: str = "header_changed") -> None:
    """The worker gives the run up."""
    reason = Reason(code=code, detail="Expected 'E-mail'.", what_to_do="Mend it.")
    async with database.account(run.account_id) as tx:
        await ending.end(tx, run, "import", _receipt(run, RunState.FAILED, reason=reason))


async def ask_a_person(database: Database, run: ClaimedRun) -> None:
    """The run waits for approval."""
    reason = Reason(code="duplicate_content")
    async with database.account(run.account_id) as tx:
        await runs.put_aside(tx, run, _receipt(run, RunState.WAITING, reason=reason), Waiting.APPROVAL)


async def messages(database: Database) -> list[str]:
    """The names of the messages that wait in the outbox."""
    async with database.watching() as watch:
        return [
            row["name"] for row in await watch.connection.fetch("SELECT name FROM tidegate.outbox ORDER BY created_at")
        ]


def _receipt(
    run: ClaimedRun,
    state: RunState,
    *,
    counts: Counts | None = None,
    file: FileFacts | None = None,
    reason: Reason | None = None,
) -> Receipt:
    return Receipt(
        **(counts or Counts()).model_dump(),
        run_id=run.id,
        goal_id=run.goal_id,
        goal_version=run.goal_version,
        state=state,
        reason=reason,
        file=file,
        queued_at=run.queued_at,
        started_at=run.started_at,
        finished_at=datetime.now(UTC),
    )
