"""The files of a goal that came lately: those that it took, and complete ones that wait for its turn."""

import asyncio
from datetime import datetime
from uuid import UUID

from shared.domain.expected_files import Came, earliest
from shared.domain.goal import AnyImport
from shared.domain.names import split
from shared.domain.timetable import Timetable
from shared.domain.watched import watches
from shared.processing.patterns import taken
from shared.storage import expectations
from shared.storage.database import Tx


async def came_lately(tx: Tx, goal_id: UUID, goal: AnyImport, times: Timetable, now: datetime) -> list[Came]:
    """Of today and the days that are judged, in any zone. What is skipped or has failed came as well."""
    since = earliest(times, now)
    found = await expectations.came(tx, goal_id, since)
    waiting = await expectations.complete(tx, goal_id, since)
    # Comparing thousands of names takes a moment, and others are to be heard meanwhile.
    fits = await asyncio.to_thread(taken, goal.source.pattern, [split(path)[1] for path, _ in waiting])
    for (path, each), is_taken in zip(waiting, fits, strict=True):
        if is_taken and watches(goal, split(path)[0]):
            found.append(each)
    return found
