"""What an export's goal selects, file by file: the one place that knows which kind of goal is made of what."""

from datetime import datetime

from shared.domain.export_goal import ExportGoal, ExportProfiles
from shared.domain.failures import InvalidGoal
from shared.domain.profile_conditions import InSegment
from shared.storage import domain_groups, properties, segments
from shared.storage.asking import askable
from shared.storage.database import Tx
from shared.storage.selections.profiles import profiles
from shared.storage.selections.segments import Segments
from shared.storage.selections.selection import Selection


async def selections_of(tx: Tx, goal: ExportGoal, *, now: datetime) -> tuple[Selection, ...]:
    """The files that the goal comes to, the main one first. Raises InvalidGoal, InvalidCondition.

    `now` is what a segment counts days from; of a run it is always the same.
    """
    if not isinstance(goal, ExportProfiles):
        raise InvalidGoal("The run is not an export's.")
    known = {each.name: each for each in await properties.list_all(tx)}
    domain_group = await domain_groups.number_of(tx, goal.domain_group)
    only = [] if goal.segment is None else [await _in_segment(tx, goal.segment, now)]
    return (await profiles(tx, goal, known, domain_group, now=now, only=only),)
    asked = await _segments(tx, goal, now)
    only = [] if goal.segment is None else [asked.holds(goal.segment)]
    return (await profiles(tx, goal, known, asked, domain_group, only=only),)


async def _segments(tx: Tx, goal: ExportProfiles, now: datetime) -> Segments:
    known = await askable(tx, *(InSegment(segment=each) for each in goal.segments_named))
    return Segments(known, await segments.names(tx), tx.schema, now)
