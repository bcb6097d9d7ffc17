"""What a run tells of its file's columns: which are new, left out, or called otherwise.

Each column is told once: those that a goal leaves out by the goal's first run, a new one by the first run that sees it.
A run that failed has told nothing, as far as the next one knows. What a goal says it ignores is not told at all.
"""

from collections.abc import Sequence

from services.importer.pages import Pages
from shared.domain.reject import ALL_OWN_COLUMNS
from shared.domain.trimmed import folded
from shared.processing.file_columns import listed
from shared.runtime.desk import Desk


def note_columns(pages: Pages, desk: Desk) -> None:
    """Put the header into the receipt, whether it was found to be one, and what is to be told of it."""
    assert desk.file is not None
    desk.file = desk.file.model_copy(update={"columns": pages.header or ()})
    if pages.fetched.order.one_shot is not None:
        desk.file = desk.file.model_copy(update={"first_row": "data" if pages.header is None else "header"})
    plan, known = pages.plan, pages.fetched.order.known_columns
    if plan.renamed:
        desk.warn(
            "columns_renamed",
            f"{plan.renamed} columns of the file go by a label or an alias of their property, not by the goal's name.",
            "Nothing, if that was meant; otherwise take the alias off the property.",
        )
    left = {folded(column.name or "") for column in plan.left} - _ignored(pages)
    if known or pages.fetched.order.goal.expected.header:
        names = _new(pages.header or (), pages)
        # A processor may have given a column that was left another name.
        places = {column.position for column in plan.left}
        unread = {folded(name) for place, name in enumerate(pages.header or ()) if place in places}
        # The first line of a file that lost its header is a person's record: it is not shown.
        is_header = len(names) < len({folded(name) for name in pages.header or () if folded(name)})
        ignored = sum(folded(name) in unread for name in names)
        _tell_new(names, ignored, desk, shown=listed(names) if is_header else "all of them")
    elif left:
        desk.warn(
            "columns_ignored",
            f"{len(left)} columns of the file are not mapped and were ignored.",
            "Map them in the goal if their values are wanted, or name them in its ignore.",
        )


def note_further(pages: Pages, desk: Desk) -> None:
    """The same of keys that only later files of an archive have, once these were read."""
    assert desk.file is not None
    if not pages.further:
        return
    desk.file = desk.file.model_copy(update={"further_columns": tuple(pages.further)})
    names = _new(list(pages.further), pages)
    _tell_new(names, len(names), desk, shown=listed(names))


def _ignored(pages: Pages) -> set[str]:
    return {folded(name) for name in pages.fetched.order.goal.ignore}


def _new(names: Sequence[str], pages: Pages) -> list[str]:
    """Those that no run has seen before, and the goal did not expect."""
    goal = pages.fetched.order.goal
    mapped = {
        folded(each.field) for each in (*goal.identifiers, *goal.mapping, *goal.own_fields) if each.field is not None
    }
    expected = {folded(name) for name in goal.expected.header}
    old = pages.fetched.order.known_columns | expected | mapped | _ignored(pages) | ALL_OWN_COLUMNS
    return list({folded(name): name for name in names if folded(name) not in old and folded(name)}.values())


def _tell_new(names: Sequence[str], ignored: int, desk: Desk, *, shown: str) -> None:
    if names:
        desk.warn(
            "columns_new",
            f"Columns that files of this goal did not have before: {shown}. {ignored} of them were ignored.",
            "Map them in the goal if their values are wanted, or name them in its ignore. They are told once.",
        )
