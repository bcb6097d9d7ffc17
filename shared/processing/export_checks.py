"""Whether an export's settings make sense. Asked by goal_checks.py, which says what all goals have in common. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from shared.domain.built_in import identifier_named, shown_named, shown_of_group_named
from shared.domain.dialect import AUTO
from shared.domain.event_files import LEFT, tables_of
from shared.domain.export_columns import GroupColumn, ListsColumn, PropertyColumn, SegmentsColumn, TextColumn
from shared.domain.export_goal import AboutPeople, AboutProfiles, ExportGoal, ExportProfiles
from shared.domain.export_groups import ExportGroups, GroupPropertyColumn
from shared.domain.export_kinds import ExportSubscribers
from shared.domain.export_messages import FACTS_PER, AboutMessages, ExportResponses, ResponseColumn, ResponseFact
from shared.domain.schedule import AfterGoal
from shared.processing.delivery_checks import delivery_flaws
from shared.processing.event_file_checks import event_file_flaws
from shared.processing.file_columns import FileColumns
from shared.processing.goal_flaws import Flaw, Surroundings
from shared.processing.table_checks import table_flaws


def export_flaws(goal: ExportGoal, around: Surroundings) -> list[Flaw]:
    """What is wrong with an export, in the order of its fields."""
    flaws = _segment_flaws(goal, around) if isinstance(goal, ExportProfiles) else []
    if isinstance(goal, ExportSubscribers) and goal.list not in around.lists:
        flaws.append(Flaw("/list", "unknown_list", f"The account has no list {goal.list}; make it first."))
    flaws += _message_flaws(goal, around) if isinstance(goal, AboutMessages) else []
    flaws += _column_flaws(goal, around) if isinstance(goal, AboutPeople) else []
    flaws += _group_flaws(goal, around) if isinstance(goal, ExportGroups) else []
    if goal.dialect.encoding == AUTO:
        flaws.append(Flaw("/dialect/encoding", "encoding_open", "Found 'auto', expected an encoding such as utf-8."))
    flaws += event_file_flaws(goal, around)
    flaws += delivery_flaws(goal, around, _further_parts(goal, around))
    flaws += _processor_flaws(goal, around)
    flaws += [
        Flaw(f"/when/{number}/after_goal", "unknown_goal", f"Found {each.after_goal}, expected an import goal's id.")
        for number, each in enumerate(goal.when)
        if isinstance(each, AfterGoal) and not around.goals.get(each.after_goal, "").startswith("import_")
    ]
    return flaws


def _further_parts(goal: ExportGoal, around: Surroundings) -> list[str]:
    """What is put behind the main file's name for further files, as far as the goal itself says which there are."""
    left = [LEFT] if isinstance(goal, AboutProfiles) and goal.tells_leavers else []
    if not isinstance(goal, ExportProfiles) or goal.events is None:
        return left
    named = (around.event_types[each] for each in goal.events.named if each in around.event_types)
    return [*left, *(each.part for each in tables_of(named))]


def _processor_flaws(goal: ExportGoal, around: Surroundings) -> list[Flaw]:
    headers: list[str] = []
    segments: dict[UUID, str] = {}
    if isinstance(goal, ExportGroups):
        headers = [each.heading for each in goal.columns]
    if isinstance(goal, AboutPeople):
        headers = [each.heading for each in goal.columns]
    if isinstance(goal, AboutPeople) and not _is_of_messages(goal):
        segments = {each: str(each) for each in goal.segments_asked if each in around.segments}
    columns = replace(FileColumns.of(tuple(headers), len(headers)), segments=segments)
    return table_flaws(goal.processors, columns, goal.dialect, "/processors")


def _segment_flaws(goal: ExportProfiles, around: Surroundings) -> list[Flaw]:
    if goal.segment is None or goal.segment in around.segments:
        return []
    return [Flaw("/segment", "unknown_segment", f"The account has no segment {goal.segment}.")]


def _group_flaws(goal: ExportGroups, around: Surroundings) -> Iterator[Flaw]:
    if goal.group_type not in around.group_types:
        detail = f"The account has no type of groups {goal.group_type!r}."
        yield Flaw("/group_type", "unknown_group_type", detail)
    for number, column in enumerate(goal.columns):
        if isinstance(column, GroupPropertyColumn):
            yield from _group_property_flaws(f"/columns/{number}/property", column.property, around)


def _group_property_flaws(pointer: str, name: str, around: Surroundings) -> Iterator[Flaw]:
    if shown_of_group_named(name, around.group_properties) is None:
        yield Flaw(pointer, "unknown_property", f"Groups have no property {name!r}, and none is built in.")


def _message_flaws(goal: AboutMessages, around: Surroundings) -> Iterator[Flaw]:
    for number, one in enumerate(() if goal.messages == "all" else goal.messages):
        if one not in around.messages:
            sentence = f"The account has no message {one} of the kind {goal.message_kind!r}."
            yield Flaw(f"/messages/{number}", "unknown_message", sentence)
    if not isinstance(goal, ExportResponses):
        return
    for number, column in enumerate(goal.columns):
        if isinstance(column, ResponseColumn) and column.fact not in FACTS_PER[goal.per]:
            expected = ", ".join(each.value for each in ResponseFact if each in FACTS_PER[goal.per])
            sentence = f"Found {column.fact.value!r} in rows per {goal.per}, expected one of {expected}."
            yield Flaw(f"/columns/{number}/fact", "not_of_rows", sentence)
    if _is_of_messages(goal):
        yield from _people_flaws(goal)


def _people_flaws(goal: ExportResponses) -> Iterator[Flaw]:
    """What is said of people where no row is about one."""
    for number, column in enumerate(goal.columns):
        if not isinstance(column, ResponseColumn | TextColumn):
            yield Flaw(f"/columns/{number}", "not_of_rows", "Found a column of people, and rows per message.")
    if goal.identifier is not None:
        yield Flaw("/identifier", "not_of_rows", "Found an identifier of people, and rows per message.")
    if goal.with_unsubscribes:
        yield Flaw("/with_unsubscribes", "not_of_rows", "Found rows of people to be added to rows per message.")


def _is_of_messages(goal: AboutPeople) -> bool:
    return isinstance(goal, ExportResponses) and goal.per == "message"


def _column_flaws(goal: AboutPeople, around: Surroundings) -> Iterator[Flaw]:
    for number, column in enumerate(goal.columns):
        match column:
            case PropertyColumn(property=name) if shown_named(name, around.properties) is None:
                detail = f"The account has no property {name!r}, and none is built in."
                yield Flaw(f"/columns/{number}/property", "unknown_property", detail)
            case GroupColumn(group=shown):
                if shown.type not in around.group_types:
                    detail = f"The account has no type of groups {shown.type!r}."
                    yield Flaw(f"/columns/{number}/group/type", "unknown_group_type", detail)
                yield from _group_property_flaws(f"/columns/{number}/group/property", shown.property, around)
            case ListsColumn(lists=tuple(named)):
                for place, one in enumerate(named):
                    if one not in around.lists:
                        detail = f"The account has no list {one}; make it first."
                        yield Flaw(f"/columns/{number}/lists/{place}", "unknown_list", detail)
            case SegmentsColumn(segments=tuple(chosen)):
                for place, each in enumerate(chosen):
                    if each not in around.segments:
                        detail = f"The account has no segment {each}."
                        yield Flaw(f"/columns/{number}/segments/{place}", "unknown_segment", detail)
    if goal.identifier is not None:
        found = identifier_named(goal.identifier, around.properties)
        if found is None:
            yield Flaw("/identifier", "unknown_property", f"The account has no property {goal.identifier!r}.")
        elif not found.is_identifier:
            detail = f"The property {goal.identifier!r} is no identifier; define one with identifier: true."
            yield Flaw("/identifier", "not_an_identifier", detail)
