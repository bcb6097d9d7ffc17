"""Whether a condition makes sense: of profiles, against what the account has; of rows of a file, by what it asks.

What the tree's own models refuse is not repeated. Pure.
"""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from shared.domain.askable import Askable
from shared.domain.comparison import Comparison
from shared.domain.condition import Leaf, Node, leaves
from shared.domain.condition_values import type_of
from shared.domain.identifier import MAX_IDENTIFIER_BYTES, key_of
from shared.domain.profile_conditions import EventChoice, EventSeen, GroupChoice, InGroup, InSegment, OnList
from shared.domain.property import Property
from shared.domain.segment import MAX_LEAVES, MAX_WITHIN, reached, weights
from shared.processing.goal_flaws import Flaw


def condition_flaws(condition: Node, known: Askable, pointer: str = "") -> Iterator[Flaw]:
    """What is wrong with a condition that is asked of profiles, in order. `pointer` is where it stands."""
    for where, leaf in leaves(condition, pointer):
        match leaf:
            case Comparison():
                yield from _comparison_flaws(leaf, known.properties, where, "the account")
            case OnList(list=reference) if reference not in known.lists:
                yield Flaw(f"{where}/list", "unknown_list", f"The account has no list {reference}.")
            case InSegment(segment=segment_id) if segment_id not in known.segments:
                yield Flaw(f"{where}/segment", "unknown_segment", f"The account has no segment {segment_id}.")
            case InGroup(group=choice):
                yield from _group_flaws(choice, known, f"{where}/group")
            case EventSeen(event=choice):
                yield from _event_flaws(choice, known, f"{where}/event")


def segment_flaws(segment_id: UUID, condition: Node, known: Askable, pointer: str = "") -> Iterator[Flaw]:
    """What is wrong with a segment's condition, also with what it comes to with those that ask for it.

    `segment_id` is the segment's own, or that of no other where it is new.
    """
    flaws = list(condition_flaws(condition, known, pointer))
    yield from flaws
    if any(each.code == "unknown_segment" for each in flaws):
        return
    segments = {**known.segments, segment_id: condition}
    rounds = [
        Flaw(f"{where}/segment", "segment_cycle", f"The segment {leaf.segment} asks for this one.")
        for where, leaf in leaves(condition, pointer)
        if isinstance(leaf, InSegment) and segment_id in {leaf.segment, *reached(leaf.segment, segments)}
    ]
    yield from rounds
    if rounds:
        return
    for one, weight in weights(segments).items():
        if weight.is_too_much and (one == segment_id or segment_id in reached(one, segments)):
            which = "It comes" if one == segment_id else f"The segment {one} would come"
            detail = (
                f"{which} to {weight.leaves} questions, {weight.within} segments deep; "
                f"expected at most {MAX_LEAVES}, and {MAX_WITHIN} segments."
            )
            yield Flaw(pointer, "segment_too_large", detail)


def faults_of_rows(condition: Node, segments: Collection[UUID] = (), pointer: str = "") -> Iterator[tuple[str, str]]:
    """What is wrong with a condition that is asked of the rows of a file, whatever columns it has.

    `segments` are those of which it is known who is in them: none, unless the rows are profiles. RFC 6901 pointers,
    behind where it stands, each with a sentence.
    """
    for where, leaf in leaves(condition, pointer):
        if isinstance(leaf, InSegment) and leaf.segment in segments:
            continue
        if not isinstance(leaf, Comparison):
            (name,) = type(leaf).model_fields
            detail = "only rows of an export of profiles know segments, of those that there are"
            if not isinstance(leaf, InSegment):
                detail = "which is asked of profiles; rows have fields"
            yield f"{where}/{name}", f"Found {name!r}, {detail}."
        elif leaf.property is not None:
            yield f"{where}/property", f"Found the property {leaf.property!r}; rows have fields."


def _comparison_flaws(asked: Comparison, known: Mapping[str, Property], where: str, whose: str) -> Iterator[Flaw]:
    if asked.property is None:
        which = "field" if asked.field is not None else "position"
        detail = "Found a column of a file, expected a property: this is asked of what is stored."
        yield Flaw(f"{where}/{which}", "not_of_profiles", detail)
        return
    found = known.get(asked.property)
    if found is None:
        detail = f"There is no property {asked.property!r} of {whose}."
        yield Flaw(f"{where}/property", "unknown_property", detail)
        return
    try:
        asked.read(type_of(found.type))
    except ValueError as error:
        text = str(error)
        detail = f"The property is of the type {found.type.value}: {text}."
        yield Flaw(f"{where}/{asked.operator().value}", "invalid_comparison", detail)


def _group_flaws(choice: GroupChoice, known: Askable, where: str) -> Iterator[Flaw]:
    kind = known.group_types.get(choice.type)
    if kind is None:
        yield Flaw(f"{where}/type", "unknown_group_type", f"The account has no type of groups {choice.type!r}.")
        return
    for number, value in enumerate(choice.identifiers or ()):
        if len(key_of(value, kind.identifier.type).encode()) > MAX_IDENTIFIER_BYTES:
            detail = f"Found a value that is no identifier: more than {MAX_IDENTIFIER_BYTES} bytes."
            yield Flaw(f"{where}/identifiers/{number}", "invalid_comparison", detail)


def _event_flaws(choice: EventChoice, known: Askable, where: str) -> Iterator[Flaw]:
    said = known.event_types.get(choice.type)
    if said is None:
        yield Flaw(f"{where}/type", "unknown_event_type", f"The account has no type of events {choice.type!r}.")
        return
    if choice.where is None:
        return
    for inner, leaf in leaves(choice.where, f"{where}/where"):
        if isinstance(leaf, Comparison):
            yield from _comparison_flaws(leaf, said, inner, f"events of the type {choice.type!r}")
        else:
            yield _not_of_events(leaf, inner)


def _not_of_events(leaf: Leaf, where: str) -> Flaw:
    (name,) = type(leaf).model_fields
    detail = f"Found {name!r}, which is asked of profiles; of an event only its own properties can be asked."
    return Flaw(f"{where}/{name}", "not_of_events", detail)
