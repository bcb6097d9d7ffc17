"""What conditions of profiles can name in an account: its properties, lists, segments, types of events and of groups.

Whoever judges a condition or asks it is given this; it is read by shared/storage/asking.py. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.domain.condition import Node
from shared.domain.lists import ListReference
from shared.domain.property import Property


@dataclass(frozen=True, slots=True)
class GroupKind:
    """A type of groups: the number that its groups carry, and what names one."""

    number: int
    identifier: Property


@dataclass(frozen=True, slots=True)
class Askable:
    """What there is to be named."""

    properties: Mapping[str, Property]
    lists: Mapping[ListReference, int] = field(default_factory=dict)
    """The numbers of lists, by id and by number."""
    segments: Mapping[UUID, Node] = field(default_factory=dict)
    """What the profiles of each segment must be like."""
    event_types: Mapping[str, Mapping[str, Property]] = field(default_factory=dict)
    """What an event of each type can say, by name."""
    group_types: Mapping[str, GroupKind] = field(default_factory=dict)
