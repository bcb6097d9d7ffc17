"""Profiles as a file's rows: one row a profile, in the order in which they were made."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.domain.built_in import SYSTEM_ID, identifier_named
from shared.domain.export_goal import ExportProfiles
from shared.domain.failures import InvalidGoal
from shared.domain.property import Property
from shared.storage.columns import quoted
from shared.domain.built_in import SYSTEM_ID, identifier_named, shown_named
from shared.domain.export_columns import ExportColumn, ListsColumn, PropertyColumn, SegmentsColumn, TextColumn
from shared.domain.export_goal import ExportProfiles
from shared.domain.failures import InvalidGoal
from shared.domain.property import Property, PropertyType
from shared.storage import lists
from shared.storage.columns import quoted, value_of
from shared.storage.database import Tx
from shared.storage.selections.segments import Segments
from shared.storage.selections.selection import Condition, Counted, Parameters, SelectedColumn, Selection
from shared.storage.selections.shown import shown_of
from shared.storage.statements import statement

NO_IDENTIFIER = "no_identifier"
"""Why profiles are held back that lack what the goal wants every row to have."""


async def profiles(
    tx: Tx,
    goal: ExportProfiles,
    known: Mapping[str, Property],
    domain_group: int,
    *,
    now: datetime,
    segments: Segments,
    domain_group: int,
    *,
    only: Sequence[Condition] = (),
) -> Selection:
    """The goal's columns of all profiles of a domain group that fulfil the conditions, as segments are `now`.

    Raises InvalidGoal.
    """
    parameters = Parameters([domain_group])
    conditions = "".join(
        " " + statement("selections.condition").replace("{condition}", parameters.fill(each)) for each in only
    )
    held_back: tuple[Counted, ...] = ()
    if goal.identifier is not None and goal.identifier != SYSTEM_ID.name:
        column = _identifier(goal.identifier, known)
        counted = statement("selections.without").replace("{conditions}", conditions).replace("{column}", column)
        held_back = (Counted(NO_IDENTIFIER, counted, tuple(parameters.values)),)
        conditions += " " + statement("selections.with").replace("{column}", column)
    shown = await shown_of(tx, goal, known, now, parameters)
    selected = [shown.column(each) for each in goal.columns]
    text = statement("selections.profiles").replace("{columns}", "".join(f", {text}" for _, text in selected))
    numbers = await _numbers(tx, goal.columns)
    shown = [_shown(each, goal, known, numbers, segments, parameters) for each in goal.columns]
    selected = [*(text for _, text in shown), *(_is_in(segments, each, parameters) for each in goal.segments_asked)]
    text = statement("selections.profiles").replace("{columns}", "".join(f", {each}" for each in selected))
    return Selection(
        columns=tuple(
            SelectedColumn(each.heading, kind) for each, (kind, _) in zip(goal.columns, selected, strict=True)
        ),
        text=text.replace("{conditions}", conditions),
        parameters=tuple(parameters.values),
        held_back=held_back,
        segments=goal.segments_asked,
    )


def _is_in(segments: Segments, segment: UUID, parameters: Parameters) -> str:
    return statement("selections.is_in").replace("{condition}", parameters.fill(segments.holds(segment)))


def _identifier(name: str, known: Mapping[str, Property]) -> str:
    found = identifier_named(name, known)
    if found is None or not found.is_identifier:
        raise InvalidGoal(f"Found {name!r} as an identifier, expected a property that is one.")
    return f"p.{quoted(found.column)}"


async def _numbers(tx: Tx, columns: Sequence[ExportColumn]) -> dict[UUID | int, int]:
    """The numbers of the lists that columns name."""
    named = {one for each in columns if isinstance(each, ListsColumn) and each.lists != "all" for one in each.lists}
    return await lists.numbers_of(tx, named) if named else {}


def _shown(
    column: ExportColumn,
    goal: ExportProfiles,
    known: Mapping[str, Property],
    numbers: Mapping[UUID | int, int],
    segments: Segments,
    parameters: Parameters,
) -> tuple[PropertyType, str]:
    """How a column is written, and what selects it."""
    match column:
        case PropertyColumn(property=name):
            found = shown_named(name, known)
            if found is None:
                raise InvalidGoal(f"There is no property {name!r}.")
            return found.type, value_of(found)
        case ListsColumn(lists=chosen):
            text = statement("selections.list_names" if goal.ids_as_names else "selections.list_numbers")
            if chosen == "all":
                return PropertyType.LIST, text.replace("{chosen}", "")
            wanted = parameters.add([numbers[each] for each in chosen if each in numbers], "integer[]")
            only = " " + statement("selections.chosen_lists").replace("{numbers}", wanted)
            return PropertyType.LIST, text.replace("{chosen}", only)
        case SegmentsColumn(segments=chosen):
            return PropertyType.LIST, segments.shown(chosen, parameters, by_name=goal.ids_as_names)
        case TextColumn(text=text):
            return PropertyType.TEXT, parameters.add(text, "text")
