"""What workers, the api, the sweeper and the relay do to the ledger, each as one act on the product's own functions.

An act says what it does, what the ledger is afterwards when it was committed, and which refusals are right. Nothing
here decides what happens when: the machine does.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.failures import LeaseLost
from shared.domain.receipt import Receipt
from shared.domain.run import ClaimedRun, Reason, RunState
from shared.storage import arrivals, ending, outbox, runs, takeover
from shared.storage.arrivals import Explained, Sighting
from shared.storage.database import Database, Tx
from shared.storage.run_connection import RunConnection, run_connection
from tests.integration.ledger.conftest import receipt_of
from tests.integration.ledger.model import Model, ModelArrival, ModelRun
from tests.integration.ledger.stepping import Step

FIRST = datetime(2026, 11, 22, 6, tzinfo=UTC)
LEASE_SECONDS = 30.0
KIND = "import"


@dataclass(slots=True)
class Hand:
    """A run as a worker has it in hand, or believes so."""

    run: ClaimedRun
    connection: RunConnection | None = None
    held: AsyncExitStack = field(default_factory=AsyncExitStack)
    act: "Act | None" = None
    """What is under way on its own connection."""
    may_be_cut: bool = False
    """Whether somebody has ended the connections of the run under its token."""


@dataclass(slots=True)
class Act:
    """One thing that is done to the ledger."""

    name: str
    work: Callable[["Act"], Awaitable[Any]]
    committed: Callable[[Any], None]
    """Tells the model, once it is committed."""
    refusal: Callable[[BaseException], bool]
    """Whether the ledger refused it rightly, as the model stands now."""
    allowed: Callable[[Any], bool] = lambda _: True
    """Whether its answer is right, as the model stands when it was given."""
    answer: Any = None
    is_judged: bool = False
    at: datetime | None = None
    """When its transaction read the clock."""
    stops: int = 0
    """How often it had stopped then."""
    claimable: set[UUID] = field(default_factory=set)
    """What could be claimed at some moment of its life."""
    step: Step | None = None


def in_transaction(database: Database, account_id: UUID, do: Callable[[Tx], Awaitable[Any]]) -> Callable[[Act], Any]:
    """The work of an act that is one short transaction."""

    async def work(act: Act) -> Any:
        async with database.account(account_id) as tx:
            act.answer = await do(tx)
        return act.answer

    return work


def told(run: ClaimedRun, state: RunState, code: str = "") -> Receipt:
    """A receipt, with a reason where the state wants one."""
    reason = Reason(code=code) if code else None
    return receipt_of(run, state).model_copy(update={"reason": reason})


async def arrive(tx: Tx, connection_id: UUID, goal_ids: list[UUID], file: FileStamp) -> tuple[UUID, dict[UUID, UUID]]:
    """A complete file is seen: its arrival, its runs by goal, their doorbells. A second look makes no second run."""
    await arrivals.lock_connection(tx, connection_id)
    [arrival_id] = await arrivals.insert(tx, connection_id, [Sighting(file, Explained(ArrivalState.ACCEPTED))])
    assert arrival_id is not None
    made = {}
    for goal_id in goal_ids:
        new = runs.NewRun(KIND, goal_id, file.modified_at, file.path, arrival_id=arrival_id)
        run_id = await runs.create(tx, new)
        assert run_id is not None
        assert await runs.create(tx, new) is None
        await outbox.ring_run(tx, run_id, KIND)
        made[run_id] = goal_id
    return arrival_id, made


def stamp(number: int, minute: int, letter: str) -> FileStamp:
    """A file of a minute, with a name that sorts by its letter and is no other's."""
    return FileStamp(path=f"{letter}{number:03}.csv", size_bytes=10, modified_at=FIRST + timedelta(minutes=minute))


def added(model: Model, account_id: UUID, file: FileStamp, arrival_id: UUID, made: dict[UUID, UUID]) -> None:
    """The model learns of a file and its runs."""
    model.arrivals[arrival_id] = ModelArrival(arrival_id, account_id)
    for run_id, goal_id in made.items():
        model.runs[run_id] = ModelRun(run_id, account_id, goal_id, arrival_id, (file.modified_at, file.path))


async def connect(database: Database, hand: Hand) -> None:
    """A worker opens the run's own connection."""
    hand.connection = await hand.held.enter_async_context(run_connection(database, hand.run))


async def leave(hand: Hand, failure: Exception | None) -> None:
    """A worker lets go of the run's connection, because its work is done or broke."""
    held, hand.held, hand.connection = hand.held, AsyncExitStack(), None
    if failure is None:
        await held.aclose()
        return
    with pytest.raises(type(failure), match=str(failure)):
        async with held:
            raise failure


async def finish(tx: Tx, run: ClaimedRun, state: RunState) -> None:
    """The last transaction of a run; what is merged goes with it."""
    if state is RunState.COMPLETED:
        await tx.connection.execute("INSERT INTO clock.merged VALUES ($1, $2)", run.id, run.token)
    code = "" if state is RunState.COMPLETED else "of_the_test"
    await ending.end(tx, run, KIND, told(run, state, code))


async def give_up(database: Database, act: Act, run: ClaimedRun, do: Callable[[Tx], Awaitable[None]]) -> None:
    """As the worker does: its connections are ended first, so that a doubtful commit is none or is done."""
    await takeover.end_connections(database, run.account_id, run.id, run.token)
    async with database.account(run.account_id) as tx:
        await runs.hold(tx, run)
        await do(tx)
        act.answer = "given up"


async def retry_later(tx: Tx, run: ClaimedRun, seconds: float) -> None:
    """Let the run wait for its next attempt."""
    await ending.retry_later(tx, run, KIND, told(run, RunState.WAITING, "of_the_test"), seconds)


async def ask(tx: Tx, run: ClaimedRun) -> None:
    """Let the run wait for a person."""
    await ending.put_aside_for_person(tx, run, KIND, told(run, RunState.WAITING, "duplicate_content"))


async def hand_back(tx: Tx, run: ClaimedRun) -> None:
    """Give the run back at shutdown."""
    await ending.hand_back(tx, run, KIND, told(run, RunState.QUEUED))


def fenced(model: Model, run: ClaimedRun) -> Callable[[BaseException], bool]:
    """The refusal of everything that a worker may do only with its run in hand."""
    return lambda error: isinstance(error, LeaseLost) and not model.is_held(run.id, run.token)
