"""Whether a file's header is still what its goal was made from (`shared/domain/expected.py`), as far as that matters.

Encodings are compared where a file is opened (`shared/formats/reader.py`). Nothing here looks at a row.
"""

from collections.abc import Iterator

from shared.domain.failures import HeaderChanged
from shared.domain.goal import AnyImport
from shared.domain.reject import hands_back
from shared.domain.trimmed import folded
from shared.processing.file_columns import FileColumns, listed, shortened


def demand_expected(goal: AnyImport, columns: FileColumns) -> None:
    """Raise HeaderChanged where the columns of a file are not what the goal was made from, and that matters."""
    expected, header = goal.expected.header, columns.header
    if not expected or header is None or hands_back(header):
        return
    names = [folded(name) for name in header]
    if not set(names) & {folded(name) for name in expected}:
        # The first line of a file without a header is a person's record: it is not shown.
        raise HeaderChanged(f"Expected {listed(expected)}, found {len(header)} fields with none of these names.")
    for place in sorted(_positions(goal)):
        if place >= len(expected):
            continue
        found = names[place] if place < len(names) else None
        if found != folded(expected[place]):
            moved = folded(expected[place]) in names
            now = f"; it is at {names.index(folded(expected[place]))} now" if moved else ""
            shown = "no column" if found is None else shortened(header[place])
            raise HeaderChanged(
                f"Expected {shortened(expected[place])} at position {place} (0-based), found {shown}{now}."
            )
    if goal.map_all is not None:
        # What is mapped by name is judged by the mapping, which knows other names of it, and what may be missing.
        entries = (*goal.identifiers, *goal.mapping, *goal.own_fields)
        elsewhere = {folded(each.field) for each in entries if each.field is not None}
        left_out = {folded(name) for name in (*goal.ignore, "")}
        missing = {folded(name) for name in expected} - set(names) - elsewhere - left_out
        if missing:
            raise HeaderChanged(
                f"Expected {listed(sorted(missing))}, which map_all took before, found {listed(header)}."
            )


def _positions(goal: AnyImport) -> set[int]:
    """Where the goal looks for columns by position, its processors too."""
    entries = (*goal.identifiers, *goal.mapping, *goal.own_fields)
    named = {entry.position for entry in entries if entry.position is not None}
    return named | set(_positions_in([processor.model_dump() for processor in goal.processors]))


_CHOOSING = ("position", "fields", "source")
"""What processors and their conditions call the columns that they work on."""


def _positions_in(settings: object) -> Iterator[int]:
    if isinstance(settings, dict):
        for name, value in settings.items():
            chosen = value if isinstance(value, tuple | list) else (value,)
            yield from (each for each in chosen if name in _CHOOSING and type(each) is int)
            yield from _positions_in(value)
    elif isinstance(settings, tuple | list):
        for each in settings:
            yield from _positions_in(each)
