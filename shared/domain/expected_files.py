"""Whether the files of a goal came as they are expected: what to tell people, and how a day stands. Pure.

Judged again and again, at deadlines and whenever a file came or a run ended, and the same findings come each time: who
tells them knows which were told. What came before the expectation was set, or before its connection was used again
after a rest, is not judged; it counts as having come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from shared.domain.expectation import Expectation

Finding = Literal["missing", "late", "small", "large", "unexpected"]
State = Literal["awaited", "met", "missing", "late", "not_expected"]
DAYS_BACK = 1
"""How many days before today are still judged: a poller may have been away over midnight."""


@dataclass(frozen=True, slots=True)
class Came:
    """A complete file that a goal takes; its rows once they have been counted."""

    arrival_id: UUID
    came_at: datetime
    size_bytes: int
    rows: int | None = None
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is not as it is expected: `about` a day or a file, of each of which one thing is told once."""

    finding: Finding
    about: str
    detail: str
    run_id: UUID | None = None


def judge(expected: Expectation, came: Sequence[Came], since: datetime, now: datetime) -> list[Found]:
    """All that is not as expected of today and the day before; `came` in any order, `since` when it was set."""
    today = expected.day_of(now)
    in_order = sorted((each for each in came if each.came_at <= now), key=lambda each: each.came_at)
    found: list[Found] = []
    for day in (today - timedelta(days=back) for back in range(DAYS_BACK, -1, -1)):
        of_day = [each for each in in_order if expected.day_of(each.came_at) == day]
        found += _of_day(expected, day, of_day, since, now)
        found += [each for file in of_day if file.came_at >= since for each in _of_size(expected, file)]
    return found


def _of_day(expected: Expectation, day: date, came: Sequence[Came], since: datetime, now: datetime) -> Iterator[Found]:
    wanted = expected.files if expected.expects(day) else 0
    if wanted and since < expected.deadline(day) <= now:
        deadline = expected.deadline(day)
        in_time = sum(each.came_at <= deadline for each in came)
        if len(came) < wanted:
            yield Found("missing", str(day), f"Found {_files(len(came))} by {_shown(deadline)}, expected {wanted}.")
        elif in_time < wanted:
            last = came[wanted - 1]
            yield Found(
                "late",
                str(day),
                f"The last came at {_shown(last.came_at)}, expected by {_shown(deadline)}.",
                last.run_id,
            )
    surplus = [each for each in came[wanted:] if each.came_at >= since]
    if expected.unexpected and surplus:
        detail = f"Found {_files(len(came))} on {day}, expected {wanted or 'none'}."
        yield Found("unexpected", str(day), detail, surplus[0].run_id)


def _of_size(expected: Expectation, file: Came) -> Iterator[Found]:
    about = str(file.arrival_id)
    for what, amount in (("bytes", file.size_bytes), ("rows", file.rows)):
        least, most = getattr(expected, f"minimum_{what}"), getattr(expected, f"maximum_{what}")
        if amount is not None and least is not None and amount < least:
            yield Found("small", about, f"Found {amount} {what}, expected {least} at least.", file.run_id)
        if amount is not None and most is not None and amount > most:
            yield Found("large", about, f"Found {amount} {what}, expected {most} at most.", file.run_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """How today stands."""

    day: date
    state: State
    files: int
    deadline: datetime | None
    next_deadline: datetime


def standing(expected: Expectation, came: Sequence[Came], since: datetime, now: datetime) -> Standing:
    """Whether today's files have come. A day whose deadline had passed when the expectation was set is not judged."""
    day = expected.day_of(now)
    of_day = [each for each in came if expected.day_of(each.came_at) == day]
    deadline = expected.deadline(day) if expected.expects(day) else None
    return Standing(
        day, _state(expected, of_day, deadline, since, now), len(of_day), deadline, expected.next_deadline(now)
    )


def _state(
    expected: Expectation, came: Sequence[Came], deadline: datetime | None, since: datetime, now: datetime
) -> State:
    if deadline is None or deadline <= since:
        return "not_expected"
    if len(came) < expected.files:
        return "missing" if now >= deadline else "awaited"
    return "met" if sum(each.came_at <= deadline for each in came) >= expected.files else "late"


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
