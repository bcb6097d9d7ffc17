"""How the ledger's machine plays an act: begun, stopped before its commits, gone on or dead, and compared each time.

Also what every example ends with: everything is carried out, and what must hold after every other test must hold.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from shared.bus.relay import relay_once
from shared.domain.run import ClaimedRun, RunState
from shared.observe.metrics import Metrics
from shared.storage import arrivals, claims, ending, outbox, run_watch, takeover
from shared.storage.errors import TransactionConflict
from tests.integration.ledger import acts
from tests.integration.ledger.acts import LEASE_SECONDS, Act, Hand
from tests.integration.ledger.model import ATTEMPTS, GIVEN_UP, HOLD_SECONDS, Model, ModelRun
from tests.integration.ledger.stepping import Stage
from tests.integration.ledger.world import World

AT_ONCE = 4
A_DAY = 86_400.0
which = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
"""Which of several; the first is the likeliest to be of use."""
stops = st.booleans()
"""Whether an act stops before its first commit, with its transaction open."""


def when(holds: Callable[[Any], Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule that does nothing where that does not hold.

    Not hypothesis's own precondition: which rules are enabled would then hang on what the database does in a tie, or
    on which of two a deadlock ends, and hypothesis wants the same choices whenever it tries the same beginning.
    """

    def only_then(do: Callable[..., None]) -> Callable[..., None]:
        @wraps(do)
        def may_do(self: Any, **chosen: Any) -> None:
            if holds(self):
                do(self, **chosen)

        return may_do

    return only_then


class Playing(RuleBasedStateMachine):
    """How acts are played, and how an example ends; what is done in between is the machine's."""

    steps_done = 0

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.is_sound = True
        self.stage = Stage(world.observer)
        self.acts: list[Act] = []
        self.hands: list[Hand] = []
        self.findings: list[tuple[UUID, UUID, int]] = []
        """What sweepers found lost: (account, run, token)."""
        self.settling: list[UUID] = []
        """Arrivals whose file somebody marks."""
        self.model: Model = world.run(world.empty())

    # How an act is played.

    def play(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something, and compare."""
        type(self).steps_done += 1
        self.is_sound = False
        self.world.run(self._played(work))
        self.is_sound = True

    async def _played(self, work: Coroutine[Any, Any, None]) -> None:
        await work
        await self.world.compare(self.model)

    async def begin(self, act: Act, *, stops: bool) -> None:
        """Begin an act; unless it stops, go on until it is done or stands before a lock."""
        act.claimable = self.model.heads()
        self.acts.append(act)
        act.step = await self.stage.start(act.name, _working(act))
        self._note(act)
        while not stops and act.step.is_stopped:
            await self.go_on(act)

    async def go_on(self, act: Act) -> None:
        """Let an act commit, and tell the model; others that waited for its locks come to rest as well."""
        assert act.step is not None
        await self.stage.go_on(act.step)
        self._note(act)

    async def lose(self, act: Act) -> None:
        """The process of an act dies before it commits."""
        assert act.step is not None
        self.acts.remove(act)
        await self.stage.lose(act.step)
        self.stage.steps.remove(act.step)
        self._forget(act)
        self._note(None)

    def _note(self, first: Act | None) -> None:
        """Tell the model what has been committed, and judge answers and refusals; the act that went on comes first."""
        for act in sorted(self.acts, key=lambda act: act is not first):
            assert act.step is not None
            if act.step.has_ended:
                self._ended(act)
        for act in self.acts:
            assert act.step is not None
            act.claimable |= self.model.heads()
            if act.step.is_stopped:
                if act.stops != act.step.stops:
                    act.at, act.stops = self.model.now, act.step.stops
                self._judge(act)

    def _ended(self, act: Act) -> None:
        assert act.step is not None
        self.acts.remove(act)
        self.stage.steps.remove(act.step)
        self._forget(act)
        failure = act.step.failure()
        if failure is None:
            self._judge(act)
            now, self.model.now = self.model.now, act.at or self.model.now
            act.committed(act.answer)
            self.model.now = now
        elif not act.refusal(failure) and not isinstance(failure, TransactionConflict):
            raise failure

    def _judge(self, act: Act) -> None:
        if not act.is_judged and act.answer is not None:
            act.is_judged = True
            assert act.allowed(act.answer), f"{act.name}: {act.answer}"

    def _forget(self, act: Act) -> None:
        for hand in self.hands:
            if hand.act is act:
                hand.act = None

    def hand(self, number: int) -> Hand:
        """One of the runs that workers have in hand, or believe to have: those that have come first."""
        newest_first = self.hands[::-1]
        those = sorted(newest_first, key=lambda hand: not self.model.is_held(hand.run.id, hand.run.token))
        return those[number % len(those)]

    def run_for(self, number: int, is_apt: Callable[[ModelRun], bool]) -> ModelRun:
        """A run to do something with: those that it is meant for come first, and of them what a worker may claim."""
        newest_first = list(self.model.runs.values())[::-1]
        heads = self.model.heads()
        those = sorted(newest_first, key=lambda run: (not is_apt(run), run.id not in heads))
        return those[number % len(those)]

    @property
    def may_begin(self) -> bool:
        """Whether another act may begin."""
        return len(self.acts) < AT_ONCE

    # Time, commits, deaths.

    @rule(seconds=st.sampled_from([1.0, 10.0, LEASE_SECONDS + 1, HOLD_SECONDS + 1, 2 * A_DAY]))
    @when(lambda self: not any(act.step.is_moving for act in self.acts))
    def time_passes(self, seconds: float) -> None:
        async def move() -> None:
            self.model.now = await self.world.clock.move(seconds)

        self.play(move())

    @rule(number=which)
    @when(lambda self: any(act.step.is_stopped for act in self.acts))
    def one_commits(self, number: int) -> None:
        stopped = [act for act in self.acts if act.step is not None and act.step.is_stopped]
        self.play(self.go_on(stopped[number % len(stopped)]))

    @rule(number=which)
    @when(lambda self: any(act.step.is_stopped for act in self.acts))
    def one_dies(self, number: int) -> None:
        stopped = [act for act in self.acts if act.step is not None and act.step.is_stopped]
        self.play(self.lose(stopped[number % len(stopped)]))

    # What several rules need.

    async def look(self) -> None:
        """Alone, it finds exactly what there is, and of what nobody heard at least one run of each goal."""
        async with self.world.database.watching() as watch:
            lost = await run_watch.lost(watch)
            unheard = await run_watch.unheard(watch, 0)
            unsettled = await arrivals.unsettled(watch, 0)
            held = await run_watch.held_too_long(watch)
        assert {run_id for _, run_id, _ in lost} == self.model.lost()
        self.findings += lost
        silent = {self.model.runs[run_id].goal_id for run_id in self.model.heads()}
        silent -= {run.goal_id for run in self.model.runs.values() if self.world.rung_at[run.id] >= self.model.now}
        assert {self.model.runs[run_id].goal_id for _, run_id, _ in unheard} >= silent
        assert {arrival_id for _, arrival_id in unsettled} == {
            arrival_id for arrival_id in self.model.arrivals if self.model.may_settle(arrival_id)
        }
        over = {run.id for run in self.model.runs.values() if self.has_held_too_long(run.id)}
        assert {run_id for _, run_id in held} == over
        for account_id, run_id, kind in unheard:
            async with self.world.database.account(account_id) as tx:
                await run_watch.mark_rung(tx, run_id)
                await outbox.ring_run(tx, run_id, kind)

    def has_held_too_long(self, run_id: UUID) -> bool:
        run = self.model.runs[run_id]
        has_limit = run.hold_until is not None and run.hold_until != GIVEN_UP
        return run.waits_for == "retry" and has_limit and run.hold_until < self.model.now

    def taking_over(self, account_id: UUID, run_id: UUID, token: int) -> Act:
        def committed(outcome: str) -> None:
            assert outcome == "is_alive" or outcome == self.model.take_over(run_id, token)

        async def work(_: Act) -> str:
            return await takeover.take_over(self.world.database, account_id, run_id, token, ATTEMPTS)

        self.cut(run_id, token)
        return Act(f"take over {run_id.hex[:4]}/{token}", work, committed, refusal=never)

    def releasing(self, hand: Hand) -> Act:
        run = hand.run

        async def work(_: Act) -> None:
            await ending.release(self.world.database, run)

        def let_go() -> None:
            if self.has_lease(run):
                self.model.runs[run.id].lease = None

        return Act("release", work, committed=lambda _: let_go(), refusal=never)

    def has_lease(self, run: ClaimedRun) -> bool:
        lease = self.model.runs[run.id].lease
        return lease is not None and lease.token == run.token

    def were_cut(self) -> bool:
        return any(hand.may_be_cut for hand in self.hands)

    def cut(self, run_id: UUID, token: int) -> None:
        for hand in self.hands:
            if hand.run.id == run_id and hand.run.token <= token:
                hand.may_be_cut = True

    # The end of an example.

    def teardown(self) -> None:
        """Let everything come to its end, which it must, and check what must be true then."""
        try:
            if self.is_sound:
                self.world.run(asyncio.wait_for(self._come_to_the_end(), 120))
        finally:
            self.world.run(self._clear())

    async def _come_to_the_end(self) -> None:
        while self.acts:
            for act in [act for act in self.acts if act.step is not None and act.step.is_stopped]:
                if act in self.acts:
                    await self.go_on(act)
            await self.stage.settle()
            self._note(None)
        for hand in self.hands:
            await acts.leave(hand, None)
        await self.world.compare(self.model)
        self.world.post.refuses = False
        while not await self._is_over():
            self.model.now = await self.world.clock.move(2 * A_DAY)
            await self.look()
            for found in [each for each in self.findings if each[1] in self.model.lost()]:
                await self.begin(self.taking_over(*found), stops=False)
            while claimed := await claims.claim(self.world.database, acts.KIND, "last", LEASE_SECONDS):
                assert claimed.id in self.model.heads()
                self.model.claim(claimed.id, LEASE_SECONDS)
                async with self.world.database.account(claimed.account_id) as tx:
                    await acts.finish(tx, claimed, RunState.COMPLETED)
                self.model.end(claimed.id, "completed")
                await self.begin(self.releasing(Hand(claimed)), stops=False)
            await self._mark_all()
            await relay_once(self.world.database, self.world.post, Metrics())
            await self.world.compare(self.model)
        await self.world.check_all()

    async def _mark_all(self) -> None:
        for arrival in self.model.arrivals.values():
            if self.model.may_settle(arrival.id):
                async with self.world.database.account(arrival.account_id) as tx:
                    assert await arrivals.begin_settling(tx, arrival.id, LEASE_SECONDS)
                    await arrivals.settle(tx, arrival.id, "renamed", "done", is_gone=True)
                arrival.settling_until = self.model.now
                self.model.settle(arrival.id)

    async def _is_over(self) -> bool:
        """Whether all runs have ended or wait for a person, and every file that may be marked is."""
        unsent = await self.world.observer.fetchval("SELECT count(*) FROM tidegate.outbox WHERE sent_at IS NULL")
        is_busy = any(
            run.lease is not None or run.state in ("queued", "running") or run.waits_for == "retry"
            for run in self.model.runs.values()
        )
        unmarked = any(
            not arrival.is_settled and self.model.has_ended(arrival.id) for arrival in self.model.arrivals.values()
        )
        return not (unsent or is_busy or unmarked)

    async def _clear(self) -> None:
        for step in self.stage.steps:
            assert step.task is not None
            step.task.cancel()
        await asyncio.gather(*(step.task for step in self.stage.steps if step.task), return_exceptions=True)
        for hand in self.hands:
            await acts.leave(hand, None)


async def _working(act: Act) -> Any:
    answer = await act.work(act)
    act.answer = answer if act.answer is None else act.answer
    return answer


def never(_: BaseException) -> bool:
    return False


def bounded(*, examples: int, steps: int) -> settings:
    """So many examples of so many steps."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),  # a step is a handful of transactions, and its rules are choosy
    )
