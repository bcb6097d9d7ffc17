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
from shared.formats.reader import Reading
from shared.processing.chain import columns_after
from shared.processing.file_columns import FileColumns
from shared.processing.header_expected import demand_expected
from shared.processing.map_all import Settled, settled

DELIMITERS = (",", ";", "\t", "|", "^", "~", ":")


def meant(order: Order, columns: FileColumns) -> tuple[FileColumns, Settled]:
    """The columns as the processors leave them, and what the goal means for them. Raises what `settled` raises."""
    demand_expected(order.goal, columns)
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
