"""What conditions of profiles can name in an account, read for those who judge them or ask them. Writes nothing."""

from collections.abc import Iterable
from uuid import UUID

from shared.domain.askable import Askable, GroupKind
from shared.domain.built_in import SHOWN
from shared.domain.condition import Node, leaves
from shared.domain.profile_conditions import EventSeen, InGroup, OnList
from shared.storage import event_types, group_types, lists, properties, segments
from shared.storage.database import Tx


async def askable(tx: Tx, *conditions: Node, holds: bool = False) -> Askable:
    """What the account has; of its lists those that these conditions name, or any segment.

    `holds`: they are to be saved, so that what they name must not be deleted before the transaction ends.
    """
    known = await segments.conditions(tx)
    if holds:
        await lists.hold(tx, _lists_in(conditions))
        await event_types.hold(tx, _event_types_in(conditions))
        await group_types.hold(tx, _group_types_in(conditions))
    return Askable(
        properties=SHOWN | {each.name: each for each in await properties.list_all(tx)},
        lists=await lists.numbers_of(tx, _lists_in((*conditions, *known.values()))),
        segments=known,
        event_types={
            each.name: {one.name: one.as_property() for one in each.properties}
            for each in await event_types.list_all(tx)
        },
        group_types=await group_kinds(tx),
    )


async def group_kinds(tx: Tx) -> dict[str, GroupKind]:
    """The account's types of groups, by name."""
    known = {each.name: each for each in await properties.of_groups(tx)}
    return {
        each.type.name: GroupKind(each.number, known[each.type.identifier]) for each in await group_types.list_all(tx)
    }


def _group_types_in(conditions: Iterable[Node]) -> set[str]:
    return {leaf.group.type for each in conditions for _, leaf in leaves(each) if isinstance(leaf, InGroup)}


def _event_types_in(conditions: Iterable[Node]) -> set[str]:
    return {leaf.event.type for each in conditions for _, leaf in leaves(each) if isinstance(leaf, EventSeen)}


def _lists_in(conditions: Iterable[Node]) -> set[UUID | int]:
    return {leaf.list for each in conditions for _, leaf in leaves(each) if isinstance(leaf, OnList)}
