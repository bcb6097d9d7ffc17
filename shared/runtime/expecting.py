"""The files of a goal that came lately: those that it took, and complete ones that wait for its turn."""

import asyncio
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.domain.expected_files import Came, earliest
from shared.domain.goal import AnyImport
from shared.domain.names import split
from shared.domain.timetable import Timetable
from shared.domain.watched import watches
from shared.processing.patterns import taken
from shared.storage import arrivals, expectations
from shared.storage.database import Tx


class Lately(NamedTuple):
    """The files that came; and until when these are all, where there are too many to look at."""

    came: list[Came]
    until: datetime | None


async def came_lately(tx: Tx, goal_id: UUID, goal: AnyImport, times: Timetable, now: datetime) -> Lately:
    """Of the days that are judged. What is skipped or has failed came as well."""
    since = earliest(times, now)
    await arrivals.plan_anew(tx)
    found = await expectations.came(tx, goal_id, since)
    waiting = await expectations.complete(tx, goal_id, since)
    read = (found, [each for _, each in waiting])
    until = min((each[-1].came_at for each in read if len(each) >= expectations.MOST_FILES), default=None)
    # Comparing thousands of names takes a moment, and others are to be heard meanwhile.
    fits = await asyncio.to_thread(taken, goal.source.pattern, [split(path)[1] for path, _ in waiting])
    for (path, each), is_taken in zip(waiting, fits, strict=True):
        if is_taken and watches(goal, split(path)[0]):
            found.append(each)
    return Lately(found, until)
