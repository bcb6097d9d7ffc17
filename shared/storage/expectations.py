"""Which goals expect files, when they are judged next, and what people were told. Writes `expectations` and
`expectations_told`.

What is judged, and how, stands in `shared/domain/expected_files.py`. Nothing here commits.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from shared.domain.expectation import Expectation
from shared.domain.expected_files import Came, Found
from shared.domain.goal import AnyImport, Goal
from shared.domain.integration import Integration
from shared.storage import notifications
from shared.storage.database import Session, Tx

SOON_SECONDS = 5.0
"""How long files that come together are waited for before their goal is judged."""
MOST_FILES = 20_000
"""That are looked at for one judgement."""
_ADVICE = {
    "missing": ("file_missing", "An expected file has not come", "Ask the sender; the file is imported when it comes."),
    "late": (
        "file_late",
        "An expected file came late",
        "It was taken all the same. Give more time with `expect`, if need be.",
    ),
    "small": ("file_small", "A file is smaller than expected", "See whether the sender left something out."),
    "large": ("file_large", "A file is larger than expected", "See whether the sender put in more than was agreed."),
    "unexpected": ("file_unexpected", "A file came that was not expected", "See whether the sender sent one twice."),
}


def of_goal(goal: Goal | None) -> Expectation | None:
    """What a goal expects while it is switched on."""
    return goal.expect if isinstance(goal, AnyImport) and goal.active else None


async def plan(tx: Tx, goal_id: UUID, goal: Goal | None, *, before: Goal | None = None) -> None:
    """A goal was saved, or is gone (None). Another expectation, or a resumed goal, is judged from now on.

    When it is judged next is found out by whoever judges it first, at once.
    """
    expected = of_goal(goal)
    if expected is None:
        await drop(tx, goal_id)
    elif expected != of_goal(before):
        now = datetime.now(UTC)
        await tx.execute("expectations.set", tx.account_id, goal_id, now, now)


async def drop(tx: Tx, goal_id: UUID) -> None:
    """A goal expects nothing any more."""
    await tx.execute("expectations.drop", tx.account_id, goal_id)


async def hasten(tx: Tx, goal_ids: Collection[UUID]) -> None:
    """Files of these goals came, or runs ended: those that expect something are judged soon."""
    await tx.execute("expectations.hasten", tx.account_id, sorted(goal_ids), SOON_SECONDS)


async def due(watch: Session, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """(account, goal) to be judged: of each account those first that were due first, and the accounts in turn."""
    return [(row["account_id"], row["goal_id"]) for row in await watch.fetch("expectations.due", now, limit)]


async def hold(tx: Tx, goal_id: UUID, now: datetime) -> datetime | None:
    """Hold a goal that is to be judged; since when it expects what it does. None: nothing to do."""
    found: datetime | None = await tx.value("expectations.hold", tx.account_id, goal_id, now)
    return found


async def judge_next(tx: Tx, goal_id: UUID, judge_at: datetime) -> None:
    """Note when a goal is judged next, unless something comes before."""
    await tx.execute("expectations.judge_next", tx.account_id, goal_id, judge_at)


async def since(tx: Tx, goal_id: UUID) -> datetime | None:
    """Since when a goal expects what it does; None where it expects nothing."""
    found: datetime | None = await tx.value("expectations.since", tx.account_id, goal_id)
    return found


async def rests(tx: Tx, goal_id: UUID) -> bool:
    """Whether the goal's connection is switched off or paused, by itself or with its integration."""
    return bool(await tx.value("expectations.rests", tx.account_id, goal_id))


async def pass_over(tx: Tx, goal_id: UUID, now: datetime, judge_at: datetime) -> None:
    """The goal's connection rests: what has not come by now was not expected. It is judged next at `judge_at`."""
    await tx.execute("expectations.set", tx.account_id, goal_id, now, judge_at)


async def begin_anew(
    tx: Tx,
    *,
    connection_id: UUID | None = None,
    integration: Integration | None = None,
    since: datetime | None = None,
) -> None:
    """A connection, or all of an integration, is used again: what did not come meanwhile was not expected.

    `since` where it is looked at in other hours: deadlines that passed by then are judged no more.
    """
    kind, now = None if integration is None else integration.value, datetime.now(UTC)
    await tx.execute("expectations.begin_anew", tx.account_id, since or now, connection_id, kind, now)


async def came(tx: Tx, goal_id: UUID, earliest: datetime) -> list[Came]:
    """Files that a goal took which came since then, the first ones if there are very many."""
    rows = await tx.fetch("expectations.came", tx.account_id, goal_id, earliest, MOST_FILES)
    return [Came(**dict(row)) for row in rows]


async def complete(tx: Tx, goal_id: UUID, earliest: datetime) -> list[tuple[str, Came]]:
    """Complete files of the goal's connection, with their paths, that wait for the turn of whoever takes them."""
    rows = await tx.fetch("expectations.complete", tx.account_id, goal_id, earliest, MOST_FILES)
    return [(row["path"], Came(row["arrival_id"], row["came_at"], row["size_bytes"])) for row in rows]


async def tell(tx: Tx, connection_id: UUID, goal_id: UUID, found: Found) -> bool:
    """Tell people once; whether this was the time."""
    if await tx.row("expectations.tell", tx.account_id, goal_id, found.finding, found.about) is None:
        return False
    await tx.execute("expectations.forget_told", tx.account_id, goal_id)
    code, title, what_to_do = _ADVICE[found.finding]
    news = notifications.News(code, title, found.detail, what_to_do, connection_id, goal_id, found.run_id)
    await notifications.raise_(tx, news)
    return True
