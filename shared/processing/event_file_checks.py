"""Whether an export's files of timeline events make sense for the account's event types. Asked by export_checks.py."""

from collections.abc import Iterator, Sequence

from shared.domain.built_in import SYSTEM_ID, identifier_named
from shared.domain.event_files import MOST_TABLES, EventTable, tables_of
from shared.domain.export_goal import ExportGoal, ExportProfiles
from shared.processing.file_columns import FileColumns
from shared.processing.goal_flaws import Flaw, Surroundings
from shared.processing.table_checks import table_flaws

_SHOWN = 20
"""Names of files in a sentence."""


def event_file_flaws(goal: ExportGoal, around: Surroundings) -> list[Flaw]:
    """What is wrong with the types, and with what is done to their rows. All types are known where it is about all."""
    if not isinstance(goal, ExportProfiles) or goal.events is None:
        return []
    files = goal.events
    missing = [(number, name) for number, name in enumerate(files.named) if name not in around.event_types]
    if missing:
        detail = "The account has no event type {!r}; make it first."
        return [Flaw(f"/events/types/{n}", "unknown_event_type", detail.format(name)) for n, name in missing]
    flaws = []
    tables = tables_of(around.event_types[each] for each in files.named or around.event_types)
    if files.named and len(tables) > MOST_TABLES:
        detail = f"Found {len(tables)} files with those of items, expected {MOST_TABLES} at most."
        flaws.append(Flaw("/events/types", "too_many_event_files", detail))
    return [*flaws, *_processor_flaws(goal, tables, around)]


def _processor_flaws(goal: ExportProfiles, tables: Sequence[EventTable], around: Surroundings) -> Iterator[Flaw]:
    assert goal.events is not None
    named = None if goal.identifier is None else identifier_named(goal.identifier, around.properties)
    key = named or SYSTEM_ID
    known = {each.part: each for each in tables}
    for part, processors in goal.events.processors.items():
        if part not in known:
            detail = f"Found {part!r}, expected one of these files: {', '.join([*known][:_SHOWN])}."
            yield Flaw(f"/events/processors/{part}", "unknown_event_file", detail)
            continue
        columns = known[part].columns(goal.heading_of(key, around.properties), key.type)
        headings = tuple(each.heading for each in columns)
        found = FileColumns.of(headings, len(headings))
        yield from table_flaws(processors, found, goal.dialect, f"/events/processors/{part}")
