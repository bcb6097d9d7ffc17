"""Profiles as a file's rows: one row a profile, in the order in which they were made."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.domain.built_in import SYSTEM_ID, identifier_named
from shared.domain.export_goal import ExportProfiles
from shared.domain.failures import InvalidGoal
from shared.domain.property import Property
from shared.storage.columns import quoted
from shared.storage.database import Tx
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
    texts = [*(text for _, text in selected), *map(shown.is_in, goal.segments_asked)]
    text = statement("selections.profiles").replace("{columns}", "".join(f", {text}" for text in texts))
    return Selection(
        columns=tuple(
            SelectedColumn(each.heading, kind) for each, (kind, _) in zip(goal.columns, selected, strict=True)
        ),
        text=text.replace("{conditions}", conditions),
        parameters=tuple(parameters.values),
        held_back=held_back,
        segments=goal.segments_asked,
    )


def _identifier(name: str, known: Mapping[str, Property]) -> str:
    found = identifier_named(name, known)
    if found is None or not found.is_identifier:
        raise InvalidGoal(f"Found {name!r} as an identifier, expected a property that is one.")
    return f"p.{quoted(found.column)}"
