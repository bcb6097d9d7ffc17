"""What an export's goal selects, file by file: the one place that knows which kind of goal is made of what."""

from datetime import datetime
from uuid import UUID

from shared.domain.export_goal import ExportGoal, ExportProfiles
from shared.domain.failures import InvalidGoal
from shared.domain.profile_conditions import InSegment
from shared.storage import domain_groups, properties
from shared.storage.asking import askable
from shared.storage.conditions import compiled
from shared.storage.database import Tx
from shared.storage.selections.profiles import profiles
from shared.storage.selections.selection import Condition, Selection


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


async def _in_segment(tx: Tx, segment: UUID, now: datetime) -> Condition:
    asked = InSegment(segment=segment)
    known = await askable(tx, asked)
    return lambda first: compiled(asked, known, schema=tx.schema, now=now, first_parameter=first)
