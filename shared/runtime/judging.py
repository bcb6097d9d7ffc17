"""Whether a goal may be saved as it is, or a segment renamed, against everything that its account has.

What is wrong is found by `shared/processing/goal_checks.py` and `clash_checks.py`, which are pure; here they get what
there is, and nothing is saved.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from shared.domain.event import EventType, MessageNamed
from shared.domain.export_goal import AboutPeople, ExportGoal, ExportProfiles
from shared.domain.export_messages import AboutMessages
from shared.domain.goal import MANUAL_SOURCE, Goal, ImportEvents
from shared.domain.place import BuiltInPlace, HostedPlace
from shared.domain.property import Property
from shared.domain.schedule import AfterGoal
from shared.processing.clash_checks import clash_flaws
from shared.processing.goal_checks import completed, flaws_of, missing_properties
from shared.processing.goal_flaws import Flaw, KnownKey, Surroundings
from shared.storage import (
    domain_groups,
    event_types,
    goals,
    group_types,
    lists,
    messages,
    openpgp_keys,
    properties,
    segments,
)
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.goals import StoredGoal


class Judged(NamedTuple):
    """A goal as it would be saved, what is wrong with it, and the properties that saving it makes."""

    goal: Goal
    flaws: list[Flaw]
    missing: list[Property]


async def judge(tx: Tx, connection: StoredConnection, sent: Goal, stored: StoredGoal | None = None) -> Judged:
    """Look at a goal that would be saved in the place of `stored`. What it names is held."""
    is_hosted = isinstance(connection.settings.place, HostedPlace | BuiltInPlace)
    goal = completed(sent, is_hosted=is_hosted)
    # What clients ask for takes no files beside others, and there may be a goal for every file that was ever asked for.
    stored_ones = [] if connection.is_built_in else await goals.of_connection(tx, connection.id)
    siblings = [each.goal for each in stored_ones if each.goal.active and (stored is None or each.id != stored.id)]
    around = Surroundings(
        properties={each.name: each for each in await properties.list_all(tx)},
        domain_groups=(await domain_groups.names(tx)).values(),
        is_hosted=is_hosted,
        event_types=await _event_types_named(tx, goal),
        group_types=await group_types.hold(tx, goal.group_types_named) if isinstance(goal, ExportGoal) else (),
        group_properties=await _group_properties(tx, goal),
        lists=await _lists_named(tx, goal),
        segments=await _segments_named(tx, goal),
        siblings=siblings,
        segment_names=await _segment_names(tx, [goal, *siblings]),
        goals=await _kinds_named(tx, goal),
        fixed=_fixed(stored) if connection.is_built_in else {},
        messages=await _messages_named(tx, goal),
        openpgp_keys=await _keys_named(tx, goal),
    )
    # Whether patterns share a name may take a moment for each other goal: the loop goes on meanwhile.
    flaws = await asyncio.to_thread(flaws_of, goal, around)
    return Judged(goal, flaws, missing_properties(goal, around.properties))


class Clash(NamedTuple):
    """That files of a goal would meet those of another, or be taken by it."""

    goal_id: UUID
    other_id: UUID
    code: str


async def clashes_by_name(tx: Tx, segment_id: UUID, name: str) -> list[Clash]:
    """What would come of another name of a segment: one clash at most of each goal whose files have that name."""
    called = {**await segments.names(tx), segment_id: name}
    named = [each for each in await goals.of_segment(tx, segment_id) if _is_named_after(each.goal)]
    beside = {each.connection_id: await goals.of_connection(tx, each.connection_id) for each in named}
    found = [next(_clashes(each, beside[each.connection_id], called), None) for each in named]
    return [each for each in found if each is not None]


def _clashes(stored: StoredGoal, beside: Sequence[StoredGoal], called: Mapping[UUID, str]) -> Iterator[Clash]:
    for other in beside:
        if other.id != stored.id:
            around = Surroundings({}, (), is_hosted=False, siblings=[other.goal], segment_names=called)
            yield from (Clash(stored.id, other.id, flaw.code) for flaw in clash_flaws(stored.goal, around))


async def _event_types_named(tx: Tx, goal: Goal) -> dict[str, EventType]:
    """The event types that there are of those which the goal names, held likewise; all, where it is about all."""
    if isinstance(goal, ImportEvents):
        return await event_types.hold(tx, goal.event.types)
    if not isinstance(goal, ExportProfiles) or goal.events is None:
        return {}
    if goal.events.types == "all":
        return {each.type.name: each.type for each in await event_types.in_order(tx)}
    return await event_types.hold(tx, goal.events.types)


async def _lists_named(tx: Tx, goal: Goal) -> set[UUID | int]:
    """The lists that there are of those which the goal names, held: they must not be deleted at this moment."""
    return {name for each in await lists.hold(tx, goal.named_lists) for name in each.references}


async def _segments_named(tx: Tx, goal: Goal) -> set[UUID]:
    """The segments that there are of those which the goal names, held: they must not be deleted at this moment."""
    return await segments.hold(tx, goal.segments_named) if isinstance(goal, AboutPeople) else set()


async def _messages_named(tx: Tx, goal: Goal) -> Collection[MessageNamed]:
    """The messages that there are of those which the goal names; messages are not deleted."""
    if not isinstance(goal, AboutMessages) or goal.messages == "all":
        return ()
    return await messages.numbers_of(tx, goal.message_kind, goal.messages)


async def _segment_names(tx: Tx, beside: Sequence[Goal]) -> dict[UUID, str]:
    """What segments are called, where files are named after any."""
    return await segments.names(tx) if any(map(_is_named_after, beside)) else {}


def _is_named_after(goal: Goal) -> bool:
    return isinstance(goal, ExportGoal) and goal.named_after is not None


async def _group_properties(tx: Tx, goal: Goal) -> dict[str, Property]:
    if not isinstance(goal, ExportGoal) or not goal.group_types_named:
        return {}
    return {each.name: each for each in await properties.of_groups(tx)}


async def _kinds_named(tx: Tx, goal: Goal) -> dict[UUID, str]:
    """The kinds of the goals that there are of those which the goal names."""
    when = goal.when if isinstance(goal, ExportGoal) else ()
    return await goals.kinds(tx, {each.after_goal for each in when if isinstance(each, AfterGoal)})


async def _keys_named(tx: Tx, goal: Goal) -> dict[str, KnownKey]:
    """The keys and passwords that there are of those which files are locked with, held likewise."""
    now = datetime.now(UTC)
    if isinstance(goal, ExportGoal):
        named: list[UUID | str | None] = [*goal.encrypt_to, goal.sign_with, goal.packing.password_id]
    else:
        named = [] if goal.rejects is None else [*goal.rejects.encrypt_to]
    return {
        name: KnownKey(
            each.kind, each.facts, each.facts is not None and (each.facts.is_revoked or each.facts.expired(now))
        )
        for each in await openpgp_keys.held(tx, filter(None, named))
        for name in (str(each.id), *(() if each.facts is None else (each.facts.fingerprint,)))
    }


def _fixed(stored: StoredGoal | None) -> dict[str, object]:
    """What stays as it is of a goal whose imports clients ask for: they find it by its name, and nobody looks."""
    fixed: dict[str, object] = {
        "source": MANUAL_SOURCE,
        "active": True,
        "rejects": None,
        "made_from": None,
        "led_by": None,
        "when": (),
        "blackouts": (),
        "expect": None,
    }
    return fixed if stored is None else fixed | {"name": stored.goal.name}
