"""Manual imports that lead goals: which one leads, and what it says. Writes through `goals` and `notifications`.

Only what has completed leads: its settings were proved by a file, and what was found in that file is what the goal's
files are measured against. Nothing here commits.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from shared.domain.failures import ImportNotCompleted, NotFound
from shared.domain.goal import ImportGoal, LedBy
from shared.domain.leading import led, proved, would_judge_others
from shared.domain.receipt import Receipt
from shared.domain.run import RunState
from shared.storage import built_in_connections, goals, notifications, runs
from shared.storage.database import Tx
from shared.storage.goals import StoredGoal

_COMPLETED = (RunState.COMPLETED, RunState.COMPLETED_WITH_REJECTS)


async def leader(tx: Tx, import_id: UUID) -> ImportGoal:
    """What a manual import says for the goals that it leads. Raises NotFound, ImportNotCompleted."""
    run = await runs.get(tx, import_id)
    if run is None or run["connection_id"] != await built_in_connections.find_manual(tx):
        raise NotFound("The account has no such manual import.")
    if run["state"] not in _COMPLETED:
        raise ImportNotCompleted(f"Found it {run['state']}.")
    goal = await goals.version(tx, run["goal_id"], run["goal_version"])
    if not isinstance(goal, ImportGoal):
        raise NotFound("The manual import is one of events; only imports of profiles lead goals.")
    return proved(goal, Receipt.model_validate(run["receipt"]))


Judge = Callable[[Tx, StoredGoal, ImportGoal], Awaitable[str]]
"""What is wrong with a goal that would be saved in the place of the stored one; "" for nothing."""


async def follow(tx: Tx, goal_id: UUID, ended: UUID, judge: Judge) -> int:
    """Let an import that has ended, if it is the latest completed one of its goal, lead all that follow that.

    How many have changed. May be repeated, and come in any order: what counts is which import is the latest now. A goal
    that cannot be what the import says stays as it is, and people are told; no other import's end tells them again.
    """
    # One at a time, so that nobody goes by what was the latest before.
    await tx.row("leading.hold", tx.account_id, goal_id)
    latest: UUID | None = await tx.value("leading.latest", tx.account_id, goal_id)
    if latest is None or latest != ended:
        return 0
    followers = await tx.fetch("leading.followers", tx.account_id, goal_id, latest)
    return sum([await _lead(tx, row["goal_id"], latest, judge) for row in followers])


async def _lead(tx: Tx, goal_id: UUID, import_id: UUID, judge: Judge) -> bool:
    # Held, because a person may save it at this moment.
    stored = await goals.lock(tx, goal_id)
    goal = stored.goal
    if not isinstance(goal, ImportGoal) or goal.led_by is None or not goal.led_by.latest:
        return False
    following = led(goal, LedBy(import_id=import_id, latest=True), await leader(tx, import_id))
    flaw = would_judge_others(goal, following) or await judge(tx, stored, following)
    if flaw:
        news = notifications.News(
            code="goal_not_led",
            title="A goal cannot follow a later manual import",
            detail=flaw,
            what_to_do="It stays with the import before. Give it from_import once it fits, or no longer led_by.latest.",
        )
    else:
        saved = await goals.update(tx, goal_id, following)
        news = notifications.News(
            code="goal_led_anew",
            title="A goal follows a later manual import",
            detail=f"Version {saved.version} of the goal says what the latest import of that name said.",
            what_to_do=f"See what changed with GET /v1/goals/{goal_id}/versions/{saved.version}/diff; "
            "set led_by.latest to false where the goal shall stay with one import.",
        )
    about = replace(news, connection_id=stored.connection_id, goal_id=goal_id, run_id=import_id)
    await notifications.raise_(tx, about)
    return not flaw
