"""Profiles as a file's rows: one row a profile, in the order in which they were made."""

from collections.abc import Sequence

from shared.domain.property import Property
from shared.storage.columns import quoted
from shared.storage.selections.selection import Condition, SelectedColumn, Selection
from shared.storage.statements import statement


def profiles(chosen: Sequence[tuple[str, Property]], domain_group: int, *, only: Sequence[Condition] = ()) -> Selection:
    """Headers and properties of all profiles of a domain group that fulfil the conditions."""
    parameters: list[object] = [domain_group]
    conditions = ""
    for condition in only:
        made = condition(len(parameters) + 1)
        parameters += made.parameters
        conditions += " " + statement("selections.condition").replace("{condition}", made.text)
    text = statement("selections.profiles")
    text = text.replace("{columns}", "".join(f", p.{quoted(each.column)}" for _, each in chosen))
    return Selection(
        columns=tuple(SelectedColumn(header, each.type) for header, each in chosen),
        text=text.replace("{conditions}", conditions),
        parameters=tuple(parameters),
    )
