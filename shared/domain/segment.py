"""Segments: conditions with a name. Who is in one is asked anew each time; nothing of it is kept.

A segment may ask for others. What it comes to, with theirs in their places, is bounded as well as what it says itself.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from pydantic import Field

from shared.domain.condition import Condition, Leaf, Node, leaves
from shared.domain.lists import ListName
from shared.domain.model import Model
from shared.domain.profile_conditions import EventSeen, InSegment

MAX_SEGMENTS = 1_000
"""Of one account."""
MAX_WITHIN = 5
"""So many segments may stand in one another."""
MAX_LEAVES = 1_000
"""So much may a segment ask, with what the segments in it ask, and of events."""

SegmentName = ListName


class Segment(Model):
    """Profiles that are alike in something."""

    name: SegmentName = Field(description="No other segment of the account has it")
    description: str = Field(default="", max_length=2_000)
    condition: Condition = Field(description="What a profile must be like; fields of files cannot be asked for")


class Weight(NamedTuple):
    """What a segment comes to."""

    leaves: int
    within: int
    """How many segments stand in one another, itself counted."""

    @property
    def is_too_much(self) -> bool:
        """Whether a segment may not come to that."""
        return self.leaves > MAX_LEAVES or self.within > MAX_WITHIN


def segments_in(condition: Node) -> Iterator[tuple[str, UUID]]:
    """The segments that a condition asks for, each with its RFC 6901 pointer."""
    for pointer, leaf in leaves(condition):
        if isinstance(leaf, InSegment):
            yield pointer, leaf.segment


def reached(start: UUID, segments: Mapping[UUID, Node]) -> set[UUID]:
    """The segments that one asks for, and those that these ask for; itself where it comes round to it."""
    found: set[UUID] = set()
    pending = [start]
    while pending:
        for _, inner in segments_in(segments[pending.pop()]):
            if inner not in found and inner in segments:
                found.add(inner)
                pending.append(inner)
    return found


def weights(segments: Mapping[UUID, Node]) -> dict[UUID, Weight]:
    """What each segment comes to. None of them may ask for itself, by whichever way."""
    known: dict[UUID, Weight] = {}
    for one in segments:
        _weigh(one, segments, known)
    return known


def _weigh(one: UUID, segments: Mapping[UUID, Node], known: dict[UUID, Weight]) -> Weight:
    if one not in known:
        inner = [_weigh(each, segments, known) for _, each in segments_in(segments[one]) if each in segments]
        own = sum(map(_own, (leaf for _, leaf in leaves(segments[one]))))
        known[one] = Weight(
            own + sum(each.leaves for each in inner), 1 + max((each.within for each in inner), default=0)
        )
    return known[one]


def _own(leaf: Leaf) -> int:
    """What one leaf asks by itself; of an event also what that must be like."""
    if isinstance(leaf, InSegment):
        return 0
    where = leaf.event.where if isinstance(leaf, EventSeen) else None
    return 1 if where is None else 1 + sum(1 for _ in leaves(where))
