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
from shared.storage.selections.news import Since
from shared.storage.selections.profiles import Profiles
from shared.storage.selections.selection import Condition, Parameters, Selection
from shared.storage.selections.shown import shown_of


async def selections_of(
    tx: Tx, goal: ExportGoal, *, now: datetime, since: Since | None = None
) -> tuple[Selection, ...]:
    """The files that the goal comes to, the main one first. Raises InvalidGoal, InvalidCondition.

    `now` is what a segment counts days from; of a run it is always the same. `since` is the moment that it tells the
    changes after; without one it tells everything.
    """
    if not isinstance(goal, ExportProfiles):
        raise InvalidGoal("The run is not an export's.")
    about = await _about(tx, goal, now)
    main = about.selected(since if goal.changed_only else None)
    if since is None or not goal.leavers:
        return (main,)
    return (main, about.left(since))


async def told_of_by(tx: Tx, goal: ExportProfiles, goal_id: UUID, *, now: datetime) -> Selection:
    """Whom the goal tells of, for its next export. Raises InvalidGoal, InvalidCondition."""
    return (await _about(tx, goal, now)).told_of(goal_id)


async def _about(tx: Tx, goal: ExportProfiles, now: datetime) -> Profiles:
    known = {each.name: each for each in await properties.list_all(tx)}
    domain_group = await domain_groups.number_of(tx, goal.domain_group)
    only = [] if goal.segment is None else [await _in_segment(tx, goal.segment, now)]
    shown = await shown_of(tx, goal, known, now, Parameters())
    return Profiles(goal, shown, domain_group, only)


async def _in_segment(tx: Tx, segment: UUID, now: datetime) -> Condition:
    asked = InSegment(segment=segment)
    known = await askable(tx, asked)
    return lambda first: compiled(asked, known, schema=tx.schema, now=now, first_parameter=first)
