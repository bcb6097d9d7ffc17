"""Whether the files of a goal came as they are expected: what to tell people, and how a day stands. Pure.

Judged again and again, at deadlines and whenever a file came or a run ended, and the same findings come each time: who
tells them knows which were told. What came before the expectation was set, or before its connection was used again
after a rest or given other blackouts, is not judged; it counts as having come.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.domain.expectation import Expectation
from shared.domain.timetable import Timetable
from shared.domain.wall_clock import moment_of

Finding = Literal["missing", "late", "small", "large", "unexpected"]
State = Literal["awaited", "met", "missing", "late", "not_expected"]


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


def judge(
    times: Timetable, came: Sequence[Came], since: datetime, now: datetime, until: datetime | None = None
) -> list[Found]:
    """All that is not as expected of today and the day before; `came` in any order, `since` when it was set.

    `until` where those are not all that came: what was to come later is not judged.
    """
    expected, until = times.expected, min(now, until or now)
    by_day = _by_day(times, [each for each in came if each.came_at <= until], now)
    found: list[Found] = []
    day = times.first_judged(now)
    while day <= expected.day_of(until):
        of_day = by_day.get(day, [])
        found += _of_day(times, day, of_day, since, until)
        found += [each for file in of_day if file.came_at >= since for each in _of_size(expected, file)]
        day += timedelta(days=1)
    return found


def earliest(times: Timetable, now: datetime) -> datetime:
    """Since when files that came matter now."""
    return moment_of(times.first_counted(now), time(), ZoneInfo(times.expected.timezone))


def _by_day(times: Timetable, came: Sequence[Came], now: datetime) -> Mapping[date, list[Came]]:
    """The files of each day, in the order in which they came.

    One counts for the day on which it came. First seen while it is in time for a day before, whose deadline was put
    off, it counts for that day instead, as long as this lacks files.
    """
    day_of = times.expected.day_of
    carried = times.carried_over(times.first_counted(now), day_of(now))
    # By file its own day, and those before that it may count for instead.
    in_order = [(each, day_of(each.came_at)) for each in sorted(came, key=lambda each: each.came_at)]
    choices = [
        (each, own, [day for day, at in carried.items() if day < own and each.came_at <= at]) for each, own in in_order
    ]
    certain = Counter(own for _, own, before in choices if not before)
    lacking = {day: times.expected.files - certain[day] for day in carried}
    found: dict[date, list[Came]] = defaultdict(list)
    for each, own, before in choices:
        day = next((day for day in before if lacking[day] > 0), own)
        if day != own:
            lacking[day] -= 1
        found[day].append(each)
    return found


def _of_day(times: Timetable, day: date, came: Sequence[Came], since: datetime, now: datetime) -> Iterator[Found]:
    expected, deadline, seen_by = times.expected, times.deadline(day), times.seen_by(day)
    wanted = expected.files if expected.expects(day) else 0
    if wanted and since < expected.deadline(day) and deadline <= now:
        in_time = sum(each.came_at <= seen_by for each in came)
        if len(came) < wanted:
            yield Found("missing", str(day), f"Found {_files(len(came))} by {_shown(deadline)}, expected {wanted}.")
        elif in_time < wanted:
            last = came[wanted - 1]
            yield Found(
                "late",
                str(day),
                f"The last came at {_shown(last.came_at)}, expected by {_shown(seen_by)}.",
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


def standing(times: Timetable, came: Sequence[Came], since: datetime, now: datetime) -> Standing:
    """Whether today's files have come. A day whose deadline had passed when the expectation was set is not judged."""
    day = times.expected.day_of(now)
    of_day = _by_day(times, came, now).get(day, [])
    deadline = times.deadline(day) if times.expected.expects(day) else None
    is_judged = deadline is not None and since < times.expected.deadline(day)
    state = _state(times, of_day, day, now) if is_judged else "not_expected"
    return Standing(day, state, len(of_day), deadline, times.next_deadline(now))


def _state(times: Timetable, came: Sequence[Came], day: date, now: datetime) -> State:
    if len(came) < times.expected.files:
        return "missing" if now >= times.deadline(day) else "awaited"
    return "met" if sum(each.came_at <= times.seen_by(day) for each in came) >= times.expected.files else "late"


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
