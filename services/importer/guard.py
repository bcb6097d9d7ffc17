"""Guards: what a run may do by itself. What would do more rolls back, and a person is asked.

Judged by the merge's own counts, in its transaction. What was approved is a plan of one version of the goal: carried
out, it is judged again, and asks again where it would do more than that, or where the goal has changed.
"""

from collections.abc import Sequence

import structlog

from services.importer.tools import Tools
from shared.domain.absent import AbsentCounts
from shared.domain.goal import AnyImport
from shared.domain.receipt import Counts, MemberFacts
from shared.domain.run import ABSENT_OVER_GUARD, ClaimedRun, Reason, RunState
from shared.observe.failpoints import reach
from shared.runtime.desk import Desk
from shared.storage import ending, staging
from shared.storage.run_connection import RunConnection

log = structlog.get_logger()


class OverGuard(Exception):
    """The run would do more than it may by itself. Raised through the transaction, so that it rolls back."""

    def __init__(self, reason: Reason, counts: Counts, absent: AbsentCounts) -> None:
        self.reason, self.counts, self.absent = reason, counts, absent
        super().__init__(reason.code)


def check(goal: AnyImport, run: ClaimedRun, counts: Counts, absent: AbsentCounts | None) -> None:
    """Raises OverGuard where a person must be asked who has not approved just that."""
    if absent is None or not absent.is_over(goal.guards.approve_when_absent_over):
        return
    approved = run.approval
    if approved is None or not approved.covers(ABSENT_OVER_GUARD, run.goal_version, absent):
        raise OverGuard(_reason(goal, absent), counts, absent)


async def ask(
    over: OverGuard,
    members: Sequence[MemberFacts],
    kind: str,
    connection: RunConnection,
    tools: Tools,
    desk: Desk,
) -> None:
    """Let the run wait for approval with what it would have done; nothing of it is left but the question."""
    receipt = desk.receipt(
        RunState.WAITING, reason=over.reason, counts=over.counts, members=members, absent=over.absent
    )
    reach("importer.guarded")
    async with connection.transaction() as tx:
        await staging.drop_all_of(tx, desk.run.id)
        became = await ending.put_aside_for_person(tx, desk.run, kind, receipt)
    tools.metrics.runs.labels(kind, became.value).inc()
    log.info("run.put_off", outcome=became.value, code=over.reason.code)


def _reason(goal: AnyImport, absent: AbsentCounts) -> Reason:
    whose = "profiles on the list" if goal.lists.add_to else "contacts of the domain group"
    becomes = "taken off the list" if absent.removed else "unsubscribed"
    return Reason(
        code=ABSENT_OVER_GUARD,
        detail=(
            f"{absent.found:,} of {absent.looked_at:,} {whose} are absent from the file, and {absent.changed:,} "
            f"would be {becomes}; the goal's guard asks first."
        ),
        what_to_do=(
            "See whether the file is whole. POST /v1/runs/{id}/approve imports it and lets them go; "
            "POST /v1/runs/{id}/cancel changes nothing."
        ),
    )
