"""What an export's goal selects, file by file: the one place that knows which kind of goal is made of what."""

from datetime import datetime, timedelta
from uuid import UUID

from shared.domain.condition import AllOf, Negation, Node
from shared.domain.export_goal import AboutProfiles, ExportGoal, ExportProfiles
from shared.domain.export_groups import ExportGroups
from shared.domain.export_kinds import ExportSubscribers, ExportUnsubscribes
from shared.domain.export_messages import AboutMessages
from shared.domain.failures import InvalidGoal
from shared.domain.profile_conditions import InSegment, IsSuppressed, OnList
from shared.storage import domain_groups, messages, properties
from shared.storage.asking import askable, group_kinds
from shared.storage.conditions import SqlCondition, compiled
from shared.storage.database import Tx
from shared.storage.selections.events import Events, event_tables
from shared.storage.selections.groups import Groups
from shared.storage.selections.messages import Messages
from shared.storage.selections.news import Since
from shared.storage.selections.profiles import Profiles
from shared.storage.selections.selection import Condition, Parameters, Selection
from shared.storage.selections.shown import shown_of
from shared.storage.statements import statement


async def selections_of(
    tx: Tx, goal: ExportGoal, *, now: datetime, since: Since | None = None
) -> tuple[Selection, ...]:
    """The files that the goal comes to, the main one first. Raises InvalidGoal, InvalidCondition.

    `tx` must see the moment that the selections are carried out in: which files they are goes by what there is.
    `now` is what a segment counts days from; of a run it is always the same. `since` is the moment that it tells the
    changes after; without one it tells everything.
    """
    if isinstance(goal, ExportGroups):
        return ((await _about_groups(tx, goal)).selected(since if goal.tells_changes else None),)
    if isinstance(goal, AboutMessages):
        return ((await _about_messages(tx, goal, now)).selected(since if goal.tells_changes else None),)
    if not isinstance(goal, AboutProfiles):
        raise InvalidGoal("The run is not an export's.")
    about = await _about(tx, goal, now)
    told = since if goal.tells_changes else None
    selections = [about.selected(told)]
    if since is not None and goal.tells_leavers:
        selections.append(about.left(since))
    if isinstance(goal, ExportProfiles) and goal.events is not None:
        events = Events(about, goal.events, now)
        selections += [events.selected(each, told) for each in await event_tables(tx, goal.events)]
    return tuple(selections)


async def told_of_by(tx: Tx, goal: ExportGoal, goal_id: UUID, *, now: datetime) -> Selection | None:
    """Whom the goal tells of, for its next export; None where that is not what it goes by.

    Raises InvalidGoal, InvalidCondition.
    """
    if isinstance(goal, AboutMessages):
        return (await _about_messages(tx, goal, now)).told_of(goal_id)
    if not isinstance(goal, AboutProfiles):
        return None
    return (await _about(tx, goal, now)).told_of(goal_id)


async def _about(tx: Tx, goal: AboutProfiles, now: datetime) -> Profiles:
    known = {each.name: each for each in await properties.list_all(tx)}
    domain_group = await domain_groups.number_of(tx, goal.domain_group)
    only = await _only(tx, goal, now)
    shown = await shown_of(tx, goal, known, now, Parameters())
    return Profiles(goal, shown, domain_group, only, is_about_suppression=isinstance(goal, ExportUnsubscribes))


async def _about_groups(tx: Tx, goal: ExportGroups) -> Groups:
    kind = (await group_kinds(tx)).get(goal.group_type)
    if kind is None:
        raise InvalidGoal(f"There is no type of groups {goal.group_type!r}.")
    known = {each.name: each for each in await properties.of_groups(tx)}
    return Groups(goal, known, kind.number, await domain_groups.number_of(tx, goal.domain_group))


async def _about_messages(tx: Tx, goal: AboutMessages, now: datetime) -> Messages:
    known = {each.name: each for each in await properties.list_all(tx)}
    domain_group = await domain_groups.number_of(tx, goal.domain_group)
    named = None if goal.messages == "all" else await messages.numbers_of(tx, goal.message_kind, goal.messages)
    shown = await shown_of(tx, goal, known, now, Parameters())
    numbers = None if named is None else tuple(sorted(set(named.values())))
    return Messages(goal, shown, domain_group, numbers, now)


async def _only(tx: Tx, goal: AboutProfiles, now: datetime) -> list[Condition]:
    """What profiles must be for each kind of goal. Raises InvalidGoal, InvalidCondition."""
    match goal:
        case ExportProfiles(segment=segment):
            return [] if segment is None else [await _asked(tx, InSegment(segment=segment), now)]
        case ExportUnsubscribes(reasons=reasons, period=period):
            suppressed = await _asked(tx, IsSuppressed(suppression=reasons), now)
            if period is None or period.last_days is None:
                return [suppressed]
            return [suppressed, _suppressed_within(now - timedelta(days=period.last_days), now)]
        case ExportSubscribers(list=reference):
            writable = AllOf(all=(OnList(list=reference), Negation(negated=IsSuppressed(suppression="any"))))
            return [await _asked(tx, writable, now)]
        case _:
            raise InvalidGoal("The run is not an export's.")


def _suppressed_within(since: datetime, until: datetime) -> Condition:
    text = statement("selections.suppressed_within")

    def condition(first: int) -> SqlCondition:
        filled = text.replace("{since}", f"${first}::timestamptz").replace("{until}", f"${first + 1}::timestamptz")
        return SqlCondition(filled, (since, until))

    return condition


async def _asked(tx: Tx, asked: Node, now: datetime) -> Condition:
    known = await askable(tx, asked)
    return lambda first: compiled(asked, known, schema=tx.schema, now=now, first_parameter=first)
