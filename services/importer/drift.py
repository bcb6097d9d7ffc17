"""How a file differs from those that its goal was made from, told before anything is written.

A header that lacks the goal's columns may be another delimiter, encoding or type of file: that is found by reading the
same file so. Where the goal knows what it was made from, the header is compared with that as well.
"""

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from services.importer.order import Order
from shared.domain.dialect import Dialect
from shared.domain.failures import (
    DelimiterChanged,
    EncodingChanged,
    FileFailure,
    FileTypeChanged,
    GoalFailure,
    HeaderChanged,
)
from shared.domain.goal import ImportGoal
from shared.domain.reject import hands_back
from shared.domain.trimmed import folded
from shared.formats.reader import Reading
from shared.processing.chain import columns_after
from shared.processing.file_columns import FileColumns, listed, shortened
from shared.processing.map_all import Settled, settled

DELIMITERS = (",", ";", "\t", "|", "^", "~", ":")


def meant(order: Order, columns: FileColumns) -> tuple[FileColumns, Settled]:
    """The columns as the processors leave them, and what the goal means for them. Raises what `settled` raises."""
    _demand_expected(order.goal, columns)
    after = columns_after(order.goal.processors, columns, order.goal.dialect)
    return after, settled(order.goal, order.properties, after)


def explained(failure: HeaderChanged, reading: Reading, order: Order) -> FileFailure:
    """What changed of a file whose header is not the goal's: it, or rather the delimiter, the encoding, the type."""
    if reading.format != "csv":
        return failure
    found_type = reading.plainly()
    if found_type is not None:
        return FileTypeChanged(f"Expected csv, found {found_type}.")
    for dialect, why in _others(reading.dialect):
        if _fits(replace(reading, dialect=dialect), order):
            return why
    return failure


def _others(dialect: Dialect) -> Iterator[tuple[Dialect, FileFailure]]:
    """Other ways to read the file, each with what is to be told if it is the right one."""
    said = dialect.model_dump(by_alias=True)
    for delimiter in DELIMITERS:
        if delimiter == dialect.delimiter:
            continue
        try:
            other = Dialect.model_validate(said | {"delimiter": delimiter})
        except ValidationError:
            continue  # A sign that means something else in this dialect.
        sentence = f"Expected {dialect.delimiter!r}, found {delimiter!r}, which gives the columns that the goal maps."
        yield other, DelimiterChanged(sentence)
    if not dialect.encoding.startswith("utf"):
        sentence = f"Expected {dialect.encoding}, found utf-8, which gives the columns that the goal maps."
        yield dialect.model_copy(update={"encoding": "utf-8"}), EncodingChanged(sentence)


def _fits(reading: Reading, order: Order) -> bool:
    """Whether a file that is read so has the goal's columns, and rows of that many fields."""
    try:
        with reading.rows() as reader:
            meant(order, FileColumns.of(reader.header, reader.width))
            first = next(iter(reader), None)
    except (FileFailure, GoalFailure):
        return False
    return first is None or len(first.bad) <= first.frame.height


def _demand_expected(goal: ImportGoal, columns: FileColumns) -> None:
    """Raise HeaderChanged where the columns are not what the goal was made from, and that matters."""
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


def _positions(goal: ImportGoal) -> set[int]:
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
