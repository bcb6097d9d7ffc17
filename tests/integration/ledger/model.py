"""The ledger in plain words: what product.md ("The ledger", "Order", "States of a run") says, in memory, one at a time.

The machine asks it what may happen, tells it what has been committed, and compares. It knows no SQL, no locks and no
transactions: whatever the database interleaves must come to one order of these.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

ATTEMPTS = 3
HOLD_SECONDS = 100
OPEN = ("queued", "running", "waiting")
LEGAL = {
    "queued": {"running", "cancelled"},
    "running": {"queued", "waiting", "completed", "failed", "skipped", "cancelled"},
    "waiting": {"running", "queued", "cancelled"},
    "failed": {"queued"},
    "cancelled": {"queued"},
    "completed": set(),
    "skipped": set(),
}
"""state -> the states that may come next. What has been imported or skipped stays so."""


@dataclass(slots=True)
class Lease:
    """Who has a run in hand."""

    token: int
    expires_at: datetime


@dataclass(slots=True)
class ModelRun:
    """A run as the ledger tells it."""

    id: UUID
    account_id: UUID
    goal_id: UUID
    arrival_id: UUID
    order: tuple[datetime, str]
    state: str = "queued"
    waits_for: str | None = None
    attempt: int = 0
    token: int = 0
    retry_at: datetime | None = None
    hold_until: datetime | None = None
    """Until when it holds its goal's later runs while it waits; the distant past where it was given up."""
    is_cancel_asked: bool = False
    is_approved: bool = False
    lease: Lease | None = None


@dataclass(slots=True)
class ModelArrival:
    """A file as the ledger tells it."""

    id: UUID
    account_id: UUID
    settling_until: datetime | None = None
    is_settled: bool = False
    told: int = 0
    """How often `arrival.ended` was told: once an end of a run of it."""


GIVEN_UP = datetime.min.replace(tzinfo=UTC)
"""The moment until which a run holds nobody: its order was given up."""


@dataclass(slots=True)
class Model:
    """All runs and arrivals."""

    now: datetime
    in_no_order: frozenset[UUID] = frozenset()
    """Goals whose runs never hold later ones."""
    runs: dict[UUID, ModelRun] = field(default_factory=dict)
    arrivals: dict[UUID, ModelArrival] = field(default_factory=dict)
    served: dict[UUID, int] = field(default_factory=dict)
    """account -> the number of the claim that served it last."""
    claims: int = 0

    def head(self, goal_id: UUID) -> ModelRun | None:
        """What a worker may claim of a goal now: one at a time, in order, unless something before it holds."""
        of_goal = [run for run in self.runs.values() if run.goal_id == goal_id]
        if any(run.state == "running" for run in of_goal):
            return None
        standing = [run for run in of_goal if self._may_run(run) or self._holds(run)]
        first = min(standing, key=lambda run: run.order, default=None)
        return first if first is not None and self._may_run(first) else None

    def _may_run(self, run: ModelRun) -> bool:
        return run.state == "queued" or (
            run.waits_for == "retry" and run.retry_at is not None and run.retry_at <= self.now
        )

    def _holds(self, run: ModelRun) -> bool:
        return run.waits_for == "retry" and run.hold_until is not None and run.hold_until > self.now

    def heads(self) -> set[UUID]:
        """What may be claimed."""
        goals = {run.goal_id for run in self.runs.values()}
        return {head.id for goal_id in goals if (head := self.head(goal_id)) is not None}

    def next_accounts(self) -> set[UUID]:
        """Accounts with something to claim that were served longest ago."""
        accounts = {self.runs[run_id].account_id for run_id in self.heads()}
        turns = {account: self.served.get(account, 0) for account in accounts}
        return {account for account, turn in turns.items() if turn == min(turns.values())}

    def is_held(self, run_id: UUID, token: int) -> bool:
        """Whether who has that token has the run in hand."""
        run = self.runs[run_id]
        return run.state == "running" and run.token == token

    def lost(self) -> set[UUID]:
        """Runs whose lease ran out, in the middle or after the end."""
        return {
            run.id
            for run in self.runs.values()
            if run.lease is not None
            and run.lease.expires_at < self.now
            and (run.state != "running" or run.token == run.lease.token)
        }

    def may_settle(self, arrival_id: UUID) -> bool:
        """Whether the file may be marked now: all runs ended, not done yet, nobody at it."""
        arrival = self.arrivals[arrival_id]
        is_free = arrival.settling_until is None or arrival.settling_until < self.now
        return not arrival.is_settled and is_free and self.has_ended(arrival_id)

    def has_ended(self, arrival_id: UUID) -> bool:
        """Whether every run of the arrival has."""
        return all(run.state not in OPEN for run in self.runs.values() if run.arrival_id == arrival_id)

    def is_older_than_completed(self, run_id: UUID) -> bool:
        """Whether a later file of the goal has been imported already."""
        mine = self.runs[run_id]
        of_goal = [run for run in self.runs.values() if run.goal_id == mine.goal_id]
        return any(run.state == "completed" and run.order > mine.order for run in of_goal)

    def claim(self, run_id: UUID, lease_seconds: float) -> None:
        """A worker took the run."""
        run = self.runs[run_id]
        self._become(run, "running")
        run.token += 1
        run.attempt += 1
        run.lease = Lease(run.token, self.now + timedelta(seconds=lease_seconds))
        self.claims += 1
        self.served[run.account_id] = self.claims

    def end(self, run_id: UUID, state: str, *, by_worker: bool = True) -> None:
        """The run ended; who ends it without a worker shuts the worker out."""
        run = self.runs[run_id]
        self._become(run, state)
        run.token += 0 if by_worker else 1
        self.arrivals[run.arrival_id].told += 1

    def put_aside(self, run_id: UUID, waits_for: str, *, retry_seconds: float = 0) -> None:
        """The run waits; one that a person had asked to cancel is cancelled instead. Its lease goes."""
        run = self.runs[run_id]
        run.lease = None
        if run.is_cancel_asked:
            self.end(run_id, "cancelled")
            return
        self._become(run, "waiting", waits_for)
        if waits_for == "retry":
            run.retry_at = self.now + timedelta(seconds=retry_seconds)
            until = GIVEN_UP if run.goal_id in self.in_no_order else self.now + timedelta(seconds=HOLD_SECONDS)
            run.hold_until = run.hold_until or until

    def hand_back(self, run_id: UUID) -> None:
        """A worker that stops gives the run back: no attempt. One that shall be cancelled is."""
        run = self.runs[run_id]
        run.lease = None
        if run.is_cancel_asked:
            self.end(run_id, "cancelled")
            return
        self._become(run, "queued")
        run.attempt -= 1

    def requeue(self, run_id: UUID, *, is_approved: bool = False) -> None:
        """A person wants the run carried out: it begins anew."""
        run = self.runs[run_id]
        self._become(run, "queued")
        run.token += 1
        run.attempt = 0
        run.hold_until = None
        run.is_cancel_asked = False
        run.is_approved = run.is_approved or is_approved

    def reopen(self, arrival_id: UUID) -> None:
        """A run of the arrival is retried: its file is marked when that has ended."""
        self.arrivals[arrival_id].is_settled = False
        self.arrivals[arrival_id].settling_until = None

    def settle(self, arrival_id: UUID) -> None:
        """The file was marked; not where a run of it was retried meanwhile."""
        arrival = self.arrivals[arrival_id]
        if not arrival.is_settled:
            arrival.is_settled = arrival.settling_until is not None
            arrival.settling_until = None

    def take_over(self, run_id: UUID, token: int) -> str:
        """The worker with that token is gone; what becomes of the run."""
        run = self.runs[run_id]
        if run.state == "running" and run.token != token:
            return "was_finished"
        run.lease = None
        if run.state != "running":
            return "was_finished"
        if run.is_cancel_asked:
            self.end(run_id, "cancelled", by_worker=False)
            return "cancelled"
        if run.attempt >= ATTEMPTS:
            self.end(run_id, "failed", by_worker=False)
            return "given_up"
        self._become(run, "queued")
        run.token += 1
        return "requeued"

    def copy(self) -> "Model":
        """As it stands, to say afterwards what was before."""
        return replace(self, runs={key: replace(run) for key, run in self.runs.items()})

    def _become(self, run: ModelRun, state: str, waits_for: str | None = None) -> None:
        assert state in LEGAL[run.state], f"{run.state} became {state}"
        run.state, run.waits_for, run.retry_at = state, waits_for, None
