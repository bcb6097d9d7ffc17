"""What the first row of a one-shot import's file is: nobody says whether there is a header.

It is a header exactly where its column of e-mail addresses holds no valid one. The receipt says which was taken.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.importer.order import Order
from shared.formats.reader import Reading
from shared.formats.unpacking.members import Member
from shared.processing.values import is_email

Readings = list[tuple[Member, Reading]]


def with_first_row(order: Order, readings: Readings) -> tuple[Order, Readings]:
    """The order and its readings with a dialect that says whether there is a header; others' stay as they were.

    An archive is judged by the first of its files that has a row. Raises what reading raises.
    """
    if order.one_shot is None:
        return order, readings
    has_header = not _begin_with_data(readings, order.one_shot.email_position)
    dialect = order.goal.dialect.model_copy(update={"has_header": has_header})
    settled = replace(order, goal=order.goal.model_copy(update={"dialect": dialect}))
    return settled, [(member, _with_header(each, has_header=has_header)) for member, each in readings]


def _begin_with_data(readings: Sequence[tuple[Member, Reading]], position: int) -> bool:
    """Whether the first row that there is holds an address there."""
    for _, reading in readings:
        with _with_header(reading, has_header=False).fetcher() as fetcher:
            rows = fetcher.rows([1])
        if rows:
            fields = rows[0].fields
            return position < len(fields) and is_email(fields[position])
    return False


def _with_header(reading: Reading, *, has_header: bool) -> Reading:
    return replace(reading, dialect=reading.dialect.model_copy(update={"has_header": has_header}))
