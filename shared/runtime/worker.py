"""Carry out runs: claim, keep the lease, and settle each run's fate. Shared by importer and exporter.

A doorbell only wakes the worker; the ledger says what to do, accounts in turn and goals in order. The doorbell is
acknowledged when it was heard: a lost one costs the few seconds until an idle worker looks by itself. How many runs at
a time: places.py; a run that is away keeps its lease like any other, and is cancelled and handed back like any other.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from shared.domain.failures import (
    Failure,
    HostBusy,
    InternalError,
    LeaseLost,
    StorageUnavailable,
    Transient,
    WorkerBusy,
)
from shared.domain.run import ClaimedRun, Reason, RunState
from shared.observe import tracing
from shared.observe.failpoints import reach
from shared.observe.metrics import Metrics
from shared.runtime.desk import Desk, reason_of
from shared.runtime.places import Places
from shared.runtime.service import Base, worker_name
from shared.runtime.trouble import STOPPING, note_trial
from shared.runtime.visits import Visits
from shared.runtime.waiting import first_of
from shared.storage import claims, ending, migrate, runs, staging, takeover
from shared.storage.database import Database, Tx

log = structlog.get_logger()

LONGEST_RETRY_SECONDS = 3600.0
BUSY_SECONDS = 30.0
"""Until a run asks again for a session of a host that had none for it."""
WORKER_BUSY_SECONDS = 2.0
"""The same where its worker had no room; until there is some it is passed over by that one, and taken by another."""
LONGEST_BUSY_SECONDS = 120.0
FULL_SECONDS = 1.0
"""How long a place waits where no more may be away, before it begins what may need no partner."""
AWAY_A_PLACE = 32
"""So many runs may be at their partners' at a time, as a multiple of the places."""
_BUSY = (HostBusy, WorkerBusy)
"""What is no attempt: the run was not even let to begin."""
CarryOut = Callable[[Desk], Awaitable[None]]
"""The flow of one run. Returns when the run is ended or put aside; raises what its fate is decided by."""


@dataclass(slots=True)
class Worker:
    """So many runs of one kind at a time."""

    kind: str
    name: str
    database: Database
    metrics: Metrics
    carry_out: CarryOut
    slots: int
    poll_seconds: float
    lease_seconds: float
    shutdown_seconds: float
    retry_base_seconds: float
    retry_attempts: int
    places: Places = field(default_factory=Places)

    async def hear(self, _message: object) -> None:
        """A doorbell: look into the ledger."""
        self.places.wake.set()

    @asynccontextmanager
    async def working(self, stopping: asyncio.Event) -> AsyncIterator[None]:
        """Carry out runs while inside; at the end wait until what is in hand is finished or handed back."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.slots):
                group.create_task(self._slot(stopping, group))
            yield

    async def _slot(self, stopping: asyncio.Event, group: asyncio.TaskGroup) -> None:
        while not (stopping.is_set() and not self.places.is_anybody_away):
            self.places.wake.clear()
            work = self.places.who_comes_back() or await self._begun(stopping, group)
            if work is not None:
                await self.places.held(work)
                continue
            pause = self.poll_seconds * random.uniform(0.8, 1.2)  # noqa: S311 jitter
            # Told to stop, a place is there for who comes back.
            told = [] if stopping.is_set() else [stopping.wait()]
            await first_of(self.places.wake.wait(), *told, limit_seconds=pause)

    async def _begun(self, stopping: asyncio.Event, group: asyncio.TaskGroup) -> "asyncio.Task[None] | None":
        """The next run, begun; None where there is none, or it must not be begun now."""
        if self.places.visits.at_most and self.places.visits.is_full:
            # Whatever is begun now might only be put aside, so those that are away get a moment.
            await first_of(self.places.wake.wait(), stopping.wait(), limit_seconds=FULL_SECONDS)
            if self.places.is_anybody_back:
                return None
        run = None if stopping.is_set() else await self._claim()
        if run is None:
            return None
        # Another slot may find more: one ring can stand for many runs.
        self.places.wake.set()
        return group.create_task(self._take(run, stopping))

    async def _claim(self) -> ClaimedRun | None:
        passed_over = self.places.visits.passed_over()
        try:
            return await claims.claim(self.database, self.kind, self.name, self.lease_seconds, passed_over=passed_over)
        except StorageUnavailable as failure:
            log.warning("worker.blind", code=failure.code)
            await asyncio.sleep(1)
            return None

    async def _take(self, run: ClaimedRun, stopping: asyncio.Event) -> None:
        facts = {"run_id": str(run.id), "goal_id": str(run.goal_id), "account_id": str(run.account_id)}
        with structlog.contextvars.bound_contextvars(**facts, attempt=run.attempt):
            # A claim that was on its way when we were told to stop is not begun, and is told by its hand-back alone.
            if not stopping.is_set():
                log.info("run.claimed", kind=self.kind)
            reach(f"{self.kind}er.claimed")
            work = asyncio.current_task()
            assert work is not None
            desk = Desk(run, self.kind, self.metrics, self.places.of(work))
            with tracing.span(f"run.{self.kind}", parent=run.traceparent, kind="hears", **facts, attempt=run.attempt):
                await self._carry_out(desk, stopping)

    async def _carry_out(self, desk: Desk, stopping: asyncio.Event) -> None:
        """Carry a run out that is in hand, and write down how it ended."""
        # Told to stop while the claim was on its way: nothing new is begun.
        fate = _HAND_BACK if stopping.is_set() else await self._watched(desk, stopping)
        if isinstance(fate, BaseException):
            tracing.mark_failed(str(getattr(fate, "code", type(fate).__name__)))
        broken = await self._settle(desk, fate)
        if broken is not None:
            # What was noted on the desk came from a file and may be what cannot be kept, so the end is told without.
            log.error("run.end_refused", exc_info=broken)
            bare = Desk(desk.run, desk.kind, desk.metrics, properties_created=desk.properties_created)
            broken = await self._settle(bare, InternalError(type(broken).__name__))
        if broken is not None:
            log.error("run.left_to_sweeper", exc_info=broken)

    async def _settle(self, desk: Desk, fate: "BaseException | Reason | None") -> Exception | None:
        """Write down how the run ended, if the ledger lets us; what else was in the way. No run may end its slot."""
        [answer] = await asyncio.gather(self._decide(desk, fate), return_exceptions=True)
        if isinstance(answer, LeaseLost):
            # It was ended before the connection broke, or another has it: either way the ledger knows.
            log.warning("run.lost")
        elif isinstance(answer, StorageUnavailable):
            log.warning("run.left_to_sweeper", code=answer.code)
        elif isinstance(answer, Exception):
            return answer
        elif answer is not None:
            raise answer
        return None

    async def _watched(self, desk: Desk, stopping: asyncio.Event) -> "BaseException | Reason | None":
        """Carry the run out with its heart beating; what ended it, or None when it ended by itself."""
        work = asyncio.ensure_future(self.carry_out(desk))
        pulse = asyncio.create_task(self._beat(desk))
        stop = asyncio.create_task(_after(stopping, self.shutdown_seconds))
        ended_by: BaseException | Reason | None = None
        try:
            await asyncio.wait({work, pulse, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                ended_by = pulse.result() if pulse.done() else _HAND_BACK
        finally:
            for task in (work, pulse, stop):
                task.cancel()
        outcome = (await asyncio.gather(work, return_exceptions=True))[0]
        if outcome is not None and (ended_by is not None or isinstance(outcome, asyncio.CancelledError)):
            # What breaks while it is being stopped (a connection that is closed under it) is not why it ended.
            return ended_by
        return outcome

    async def _beat(self, desk: Desk) -> BaseException | Reason:
        """Keep the lease until it is lost, or until somebody asks to cancel; which of them it was."""
        loop = asyncio.get_running_loop()
        held_until = loop.time() + self.lease_seconds
        while True:
            await asyncio.sleep(self.lease_seconds / 6)
            try:
                async with self.database.account(desk.run.account_id) as tx:
                    is_cancelled = await runs.heartbeat(tx, desk.run, desk.progress, self.lease_seconds)
            except LeaseLost as lost:
                return lost
            except StorageUnavailable as failure:
                if loop.time() > held_until:
                    return failure
                continue
            held_until = loop.time() + self.lease_seconds
            if is_cancelled:
                return ending.CANCELLED

    async def _decide(self, desk: Desk, fate: "BaseException | Reason | None") -> None:
        """Write down how the run ended, if its flow did not."""
        if fate is None:
            return
        if isinstance(fate, LeaseLost):
            raise fate
        # Whatever the run's connections were doing has an end now, so that the ledger cannot change behind us.
        await takeover.end_connections(self.database, desk.run.account_id, desk.run.id, desk.run.token)
        reach("worker.cut_off")
        if fate is _HAND_BACK:
            await self._hand_back(desk)
        elif isinstance(fate, Reason):
            await self._end(desk, RunState.CANCELLED, fate)
        elif isinstance(fate, _BUSY) or (isinstance(fate, Transient) and desk.run.attempt < self.retry_attempts):
            await self._retry_later(desk, fate)
        elif isinstance(fate, Failure):
            await self._fail(desk, fate)
        elif isinstance(fate, Exception):
            log.error("run.broken", exc_info=fate)
            await self._fail(desk, InternalError(type(fate).__name__))
        else:
            raise fate

    @asynccontextmanager
    async def _clearing(self, desk: Desk) -> AsyncIterator[Tx]:
        """A transaction that gives the run up: with it goes what was staged, which is full of personal data."""
        async with self.database.account(desk.run.account_id) as tx:
            await runs.hold(tx, desk.run)
            await staging.drop_all_of(tx, desk.run.id)
            yield tx
            reach("worker.giving_up")
        reach("worker.given_up")

    async def _fail(self, desk: Desk, failure: Failure) -> None:
        await self._note(desk, failure)
        reason = reason_of(failure)
        if isinstance(failure, Transient):
            reason = Reason(
                code=reason.code,
                detail=f"{reason.detail} {desk.run.attempt} attempts were made.",
                what_to_do="Retry the run when the place answers again.",
            )
        await self._end(desk, RunState.FAILED, reason)

    async def _note(self, desk: Desk, failure: Failure) -> None:
        """A place that does not let us in is shown on the connection, and tried by nobody else.

        In a transaction of its own, which waits for a person's change and holds nothing that this waits for. A
        built-in connection is not stopped: what it was tried with was that one import's.
        """
        connection = desk.connection
        if connection is None or connection.is_built_in or not isinstance(failure, STOPPING):
            return
        async with self.database.account(desk.run.account_id) as tx:
            await note_trial(tx, connection, failure, version=connection.version)

    async def _end(self, desk: Desk, state: RunState, reason: Reason) -> None:
        async with self._clearing(desk) as tx:
            await ending.end(tx, desk.run, self.kind, desk.receipt(state, reason=reason))
        self.metrics.runs.labels(self.kind, state.value).inc()
        log.info("run.ended", state=state.value, code=reason.code)
        await ending.release(self.database, desk.run)

    async def _retry_later(self, desk: Desk, failure: Transient) -> None:
        is_busy = isinstance(failure, _BUSY)
        pause = min(self.retry_base_seconds * 2 ** (desk.run.attempt - 1), LONGEST_RETRY_SECONDS)
        if isinstance(failure, WorkerBusy):
            pause = WORKER_BUSY_SECONDS
        elif is_busy:
            # Others are being served, and nothing is wrong with the file: it waits as long as it has to. Who has waited
            # for long asks less often: very many may wait for a host that hangs.
            waited = (datetime.now(UTC) - desk.run.queued_at).total_seconds()
            pause = max(BUSY_SECONDS, min(waited / 4, LONGEST_BUSY_SECONDS))
        pause *= random.uniform(0.75, 1.25)  # noqa: S311 jitter
        receipt = desk.receipt(RunState.WAITING, reason=reason_of(failure))
        async with self._clearing(desk) as tx:
            became = await ending.retry_later(tx, desk.run, self.kind, receipt, pause, is_attempt=not is_busy)
        if became is RunState.CANCELLED:
            self._tell_cancelled()
            return
        self.metrics.runs.labels(self.kind, "retry").inc()
        log.warning("run.put_aside", code=failure.code, retry_in_seconds=round(pause, 1))

    async def _hand_back(self, desk: Desk) -> None:
        async with self._clearing(desk) as tx:
            became = await ending.hand_back(tx, desk.run, self.kind, desk.receipt(RunState.QUEUED))
        if became is RunState.CANCELLED:
            self._tell_cancelled()
            return
        self.metrics.runs.labels(self.kind, "handed_back").inc()
        log.info("run.handed_back")

    def _tell_cancelled(self) -> None:
        self.metrics.runs.labels(self.kind, RunState.CANCELLED.value).inc()
        log.info("run.ended", state=RunState.CANCELLED.value, code=ending.CANCELLED.code)


def worker_of(base: Base, kind: str, carry_out: CarryOut, *, at_most_lasting: int = 0) -> Worker:
    """A worker under the service's settings; so many runs that last give their places to others."""
    settings = base.settings
    visits = Visits(AWAY_A_PLACE * settings.workers, settings.work_directory)
    places = Places(at_most_lasting, visits=visits)
    base.metrics.watch_runs(kind, places.in_hand)

    async def carry_out_in_step(desk: Desk) -> None:
        await migrate.follow(base.database, desk.run.account_id)
        await carry_out(desk)

    return Worker(
        kind=kind,
        name=worker_name(f"{kind}er"),
        database=base.database,
        metrics=base.metrics,
        carry_out=carry_out_in_step,
        slots=settings.workers,
        poll_seconds=settings.ledger_poll_seconds,
        lease_seconds=settings.lease_seconds,
        shutdown_seconds=settings.shutdown_seconds,
        retry_base_seconds=settings.retry_base_seconds,
        retry_attempts=settings.retry_attempts,
        places=places,
    )


_HAND_BACK = Reason(code="handed_back")


async def _after(event: asyncio.Event, seconds: float) -> None:
    await event.wait()
    await asyncio.sleep(seconds)
