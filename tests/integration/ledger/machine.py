"""The ledger under attack: any workers, any interleaving, on the product's own SQL, against a model.

Several transactions are open at once and commit in any order; processes die before their commit; workers that lost
their lease go on; relays die between publishing and marking; sweepers act on what was true long ago; people approve,
cancel and retry in between. The clock is the test's. At the end of each example everything is carried out, and the
invariants of every other test must hold: each file has its end, each message was sent, nothing is left behind.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from shared.bus.relay import relay_once
from shared.domain.failures import Conflict, OlderThanCompleted, StorageUnavailable
from shared.domain.run import ClaimedRun, RunState
from shared.observe.metrics import Metrics
from shared.storage import arrivals, claims, decisions, run_watch, runs
from shared.storage.database import Tx
from tests.integration.ledger import acts
from tests.integration.ledger.acts import LEASE_SECONDS, Act, Hand
from tests.integration.ledger.model import GIVEN_UP, HOLD_SECONDS, OPEN, ModelRun
from tests.integration.ledger.playing import Playing, never, stops, when, which


class LedgerMachine(Playing):
    """One example: from an empty ledger to one where everything has its end."""

    @initialize(minutes=st.lists(st.integers(0, 4), min_size=1, max_size=4), place=st.booleans())
    def some_files_lie_there(self, minutes: list[int], place: bool) -> None:
        """An example begins with work to do."""
        for minute in minutes:
            self.a_file_arrives(place=place, minute=minute, letter="a", stops=False)

    # The poller.

    @rule(place=st.booleans(), minute=st.integers(0, 4), letter=st.sampled_from("abc"), stops=stops)
    @when(lambda self: self.may_begin and len(self.model.arrivals) < 8)
    def a_file_arrives(self, place: bool, minute: int, letter: str, stops: bool) -> None:
        connection_id = list(self.world.goals)[place]
        account_id = self.world.account_of[connection_id]
        file = acts.stamp(self.steps_done % 1000, minute, letter)
        do = partial(acts.arrive, connection_id=connection_id, goal_ids=self.world.goals[connection_id], file=file)
        act = Act(
            f"arrive {file.path}",
            acts.in_transaction(self.world.database, account_id, do),
            committed=lambda made: acts.added(self.model, account_id, file, *made),
            refusal=never,
        )
        self.play(self.begin(act, stops=stops))

    # Workers.

    @rule(stops=stops)
    @when(lambda self: self.may_begin)
    def a_worker_claims(self, stops: bool) -> None:
        is_alone = not self.acts and not stops
        accounts, heads = self.model.next_accounts(), self.model.heads()

        def committed(claimed: ClaimedRun | None) -> None:
            assert claimed is not None or not (is_alone and heads), "found nothing to claim where there is something"
            if claimed is None:
                return
            assert claimed.id in act.claimable, "claimed out of order"
            assert not is_alone or claimed.account_id in accounts, "an account was passed over"
            self.model.claim(claimed.id, LEASE_SECONDS)
            assert (claimed.token, claimed.attempt) == (
                self.model.runs[claimed.id].token,
                self.model.runs[claimed.id].attempt,
            )
            self.hands.append(Hand(claimed))

        async def work(_: Act) -> ClaimedRun | None:
            return await claims.claim(self.world.database, acts.KIND, "worker", LEASE_SECONDS)

        act = Act("claim", work, committed, refusal=never)
        self.play(self.begin(act, stops=stops))

    def _of_worker(self, name: str, hand: Hand, do: Callable[[Tx], Awaitable[Any]], then: Callable[[], None]) -> Act:
        run = hand.run
        return Act(
            f"{name} {run.id.hex[:4]}/{run.token}",
            acts.in_transaction(self.world.database, run.account_id, do),
            committed=lambda _: then(),
            refusal=acts.fenced(self.model, run),
        )

    @rule(number=which, stops=stops)
    @when(lambda self: self.may_begin and self.hands)
    def a_heart_beats(self, number: int, stops: bool) -> None:
        hand = self.hand(number)
        run = hand.run

        def kept() -> None:
            lease = self.model.runs[run.id].lease
            assert lease is not None
            assert lease.token == run.token
            lease.expires_at = self.model.now + timedelta(seconds=LEASE_SECONDS)

        act = self._of_worker("beat", hand, lambda tx: runs.heartbeat(tx, run, runs.Progress(), LEASE_SECONDS), kept)
        act.refusal = lambda _: not self.has_lease(run)
        self.play(self.begin(act, stops=stops))

    @rule(number=which, stops=stops)
    @when(lambda self: self.may_begin and self.hands)
    def a_worker_connects(self, number: int, stops: bool) -> None:
        hand = self.hand(number)
        if hand.connection is not None or hand.act is not None:
            return

        async def work(_: Act) -> None:
            await acts.connect(self.world.database, hand)

        act = Act("connect", work, committed=lambda _: None, refusal=acts.fenced(self.model, hand.run))
        fenced = act.refusal
        # The pool may have kept a connection that was ended.
        act.refusal = lambda error: fenced(error) or (isinstance(error, StorageUnavailable) and self.were_cut())
        hand.act = act
        self.play(self.begin(act, stops=stops))

    @rule(number=which, breaks=st.booleans())
    @when(lambda self: self.hands)
    def a_worker_leaves_its_connection(self, number: int, breaks: bool) -> None:
        hand = self.hand(number)
        if hand.act is None:
            self.play(acts.leave(hand, RuntimeError("of the test") if breaks else None))

    @rule(
        number=which,
        state=st.sampled_from([RunState.COMPLETED, RunState.FAILED, RunState.SKIPPED]),
        releases=st.booleans(),
        stops=stops,
    )
    @when(lambda self: self.may_begin and self.hands)
    def a_run_ends(self, number: int, state: RunState, releases: bool, stops: bool) -> None:
        """On its own connection where it has one. The worker may die before it lets go of the run."""
        hand = self.hand(number)
        if hand.act is not None:
            return
        run = hand.run

        async def work(act: Act) -> None:
            if hand.connection is None:
                async with self.world.database.account(run.account_id) as tx:
                    await acts.finish(tx, run, state)
            else:
                async with hand.connection.transaction() as tx:
                    await acts.finish(tx, run, state)

        act = self._of_worker(f"end {state}", hand, _nothing, lambda: self._has_ended(run, state))
        act.work = work
        fenced = act.refusal
        act.refusal = lambda error: fenced(error) or (isinstance(error, StorageUnavailable) and hand.may_be_cut)
        hand.act = act if hand.connection is not None else None
        self.play(self.begin(act, stops=stops))
        has_ended = act.step is not None and act.step.has_ended and act.step.failure() is None
        if releases and has_ended and self.may_begin:
            self.play(self.begin(self.releasing(hand), stops=False))

    def _has_ended(self, run: ClaimedRun, state: RunState) -> None:
        assert self.model.is_held(run.id, run.token), "a worker ended a run that was not in its hand"
        self.model.end(run.id, state.value)

    @rule(
        number=which,
        how=st.sampled_from(["retry", "approval", "back"]),
        seconds=st.sampled_from([0.0, 5.0, 2 * HOLD_SECONDS]),
        stops=stops,
    )
    @when(lambda self: self.may_begin and self.hands)
    def a_run_is_put_aside(self, number: int, how: str, seconds: float, stops: bool) -> None:
        hand = self.hand(number)
        run = hand.run
        do: Callable[[Tx], Awaitable[None]] = {
            "retry": partial(acts.retry_later, run=run, seconds=seconds),
            "approval": partial(acts.ask, run=run),
            "back": partial(acts.hand_back, run=run),
        }[how]

        def then() -> None:
            assert self.model.is_held(run.id, run.token), "a worker put a run aside that was not in its hand"
            if how == "back":
                self.model.hand_back(run.id)
            else:
                self.model.put_aside(run.id, how, retry_seconds=seconds)

        act = self._of_worker(f"put aside for {how}", hand, _nothing, then)
        act.work = lambda act: acts.give_up(self.world.database, act, run, do)
        self.cut(run.id, run.token)
        self.play(self.begin(act, stops=stops))

    # People.

    @rule(
        number=which,
        decision=st.sampled_from(["approve", "cancel", "retry"]),
        out_of_order=st.booleans(),
        stops=stops,
    )
    @when(lambda self: self.may_begin and self.model.runs)
    def a_person_decides(self, number: int, decision: str, out_of_order: bool, stops: bool) -> None:
        run = self.run_for(number, lambda each: _is_open_to(decision, each))
        do: Callable[[Tx], Awaitable[Any]] = {
            "approve": partial(decisions.approve, run_id=run.id),
            "cancel": partial(decisions.cancel, run_id=run.id),
            "retry": partial(decisions.retry, run_id=run.id, out_of_order=out_of_order),
        }[decision]

        def decided(_: object) -> None:
            assert _is_open_to(decision, run), f"{decision} of a run that is {run.state}"
            if decision == "cancel" and run.state == "running":
                run.is_cancel_asked = True
            elif decision == "cancel":
                self.model.end(run.id, "cancelled", by_worker=False)
            else:
                self.model.requeue(run.id, is_approved=decision == "approve")
            if decision == "retry":
                self.model.reopen(run.arrival_id)

        def refused(error: BaseException) -> bool:
            if isinstance(error, OlderThanCompleted):
                return decision == "retry" and not out_of_order and self.model.is_older_than_completed(run.id)
            return isinstance(error, Conflict) and not _is_open_to(decision, run)

        work = acts.in_transaction(self.world.database, run.account_id, do)
        self.play(self.begin(Act(f"{decision} {run.id.hex[:4]}", work, decided, refused), stops=stops))

    # The sweeper.

    @rule()
    @when(lambda self: not self.acts)
    def a_sweeper_looks(self) -> None:
        self.play(self.look())

    @rule(number=which, stops=stops)
    @when(lambda self: self.may_begin and self.findings)
    def a_sweeper_takes_over(self, number: int, stops: bool) -> None:
        """By a finding of any age."""
        found = self.findings[-1 - number % len(self.findings)]
        self.play(self.begin(self.taking_over(*found), stops=stops))

    @rule(number=which, stops=stops)
    @when(lambda self: self.may_begin and self.model.runs)
    def an_order_is_given_up(self, number: int, stops: bool) -> None:
        run = self.run_for(number, lambda each: self.has_held_too_long(each.id))

        def committed(freed: object) -> None:
            if freed is not None:
                run.hold_until = GIVEN_UP

        do = partial(run_watch.stop_holding, run_id=run.id)
        act = Act(
            f"give up the order after {run.id.hex[:4]}",
            acts.in_transaction(self.world.database, run.account_id, do),
            committed,
            refusal=never,
            allowed=lambda _: self.has_held_too_long(run.id),
        )
        self.play(self.begin(act, stops=stops))

    # Who marks files.

    @rule(number=which, stops=stops)
    @when(lambda self: self.may_begin and self.model.arrivals)
    def a_file_is_to_be_marked(self, number: int, stops: bool) -> None:
        """By a doorbell that may be doubled, late, or too early."""
        those = sorted(self.model.arrivals.values(), key=lambda each: not self.model.has_ended(each.id))
        arrival = those[number % len(those)]

        def committed(has_begun: bool) -> None:
            if has_begun:
                arrival.settling_until = self.model.now + timedelta(seconds=LEASE_SECONDS)
                self.settling.append(arrival.id)

        do = partial(arrivals.begin_settling, arrival_id=arrival.id, lease_seconds=LEASE_SECONDS)
        act = Act(
            f"begin to mark {arrival.id.hex[:4]}",
            acts.in_transaction(self.world.database, arrival.account_id, do),
            committed,
            refusal=never,
            allowed=lambda has_begun: has_begun == self.model.may_settle(arrival.id),
        )
        self.play(self.begin(act, stops=stops))

    @rule(number=which, works=st.booleans(), stops=stops)
    @when(lambda self: self.may_begin and self.settling)
    def a_file_is_marked(self, number: int, works: bool, stops: bool) -> None:
        arrival = self.model.arrivals[self.settling.pop(-1 - number % len(self.settling))]

        async def do(tx: Tx) -> None:
            if works:
                await arrivals.settle(tx, arrival.id, "renamed", "done", is_gone=True)
            else:
                await arrivals.postpone_settling(tx, arrival.id, LEASE_SECONDS)

        def committed(_: object) -> None:
            if works:
                self.model.settle(arrival.id)
            elif not arrival.is_settled:
                arrival.settling_until = self.model.now + timedelta(seconds=LEASE_SECONDS)

        work = acts.in_transaction(self.world.database, arrival.account_id, do)
        self.play(self.begin(Act(f"mark {arrival.id.hex[:4]}", work, committed, refusal=never), stops=stops))

    # The relay.

    @rule(refuses=st.booleans(), stops=stops)
    @when(lambda self: self.may_begin)
    def a_relay_sends(self, refuses: bool, stops: bool) -> None:
        """Stopped, it has published and not marked; should it die there, the next one publishes again."""
        post = self.world.post
        post.refuses = refuses

        async def work(_: Act) -> None:
            await relay_once(self.world.database, post, Metrics())

        self.play(self.begin(Act("relay", work, committed=lambda _: None, refusal=never), stops=stops))


def _is_open_to(decision: str, run: ModelRun) -> bool:
    """Whether a person may decide that about the run as it stands."""
    return {
        "approve": run.waits_for == "approval",
        "cancel": run.state in OPEN,
        "retry": run.state in ("failed", "cancelled"),
    }[decision]


async def _nothing(_: Tx) -> None:
    """The work is put in its place by whoever asked."""
