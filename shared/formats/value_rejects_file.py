"""Write values that were not imported so that a person can mend them and drop the file again.

A row for each row of the original that had a bad value: the goal's identifier columns, then the columns of which any
value was bad, then `_row`, `_code`, `_field`, `_message` and `_values_of_run`. What was imported is left out, so that a
sum is not added twice; by the last column's name it is known then that a blank says nothing, and clears nothing. Of
several codes of one row the first stands there.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from shared.domain.failures import InvalidGoal
from shared.domain.goal import AnyImport
from shared.domain.reject import MESSAGES, OWN_COLUMNS_OF_VALUES, ValueReject
from shared.domain.trimmed import folded
from shared.formats.reader import rejects_dialect
from shared.formats.rejects_file import DialectLines

_LISTED = "GET /v1/runs/{id}/value-rejects lists the values; mend them where they come from."


class ValueRejectsFile:
    """Turns rejected values into the bytes of one file, in the order of the original. It opens and keeps nothing."""

    def __init__(self, goal: AnyImport, columns: Mapping[int, str], run_id: UUID) -> None:
        """`columns` are those of which values were rejected, as the goal calls them, by position.

        Raises InvalidGoal for a goal that could not read this file: one that finds columns by position, which stand
        elsewhere here, or one with processors, which have been at work on these values already.
        """
        if any(each.position is not None for each in (*goal.identifiers, *goal.mapping, *goal.own_fields)):
            raise InvalidGoal(
                f"The goal finds columns by position, and in this file they would stand elsewhere. {_LISTED}"
            )
        if goal.processors:
            raise InvalidGoal(f"The goal has processors, and they have changed these values already. {_LISTED}")
        self._lines = DialectLines(rejects_dialect(goal.format, goal.dialect))
        # A column stands there once, whatever it feeds.
        names = [each.field or "" for each in goal.identifiers]
        places = {folded(name): place for place, name in reversed(list(enumerate(names)))}
        self._identifiers = sorted(places.values())
        self._positions = [place for place, name in columns.items() if folded(name) not in places]
        self._names = [*(names[place] for place in self._identifiers), *(columns[place] for place in self._positions)]
        self._run_id = run_id
        self._row: list[ValueReject] = []

    def header(self) -> bytes:
        """The first line."""
        return self._lines.header([*self._names, *OWN_COLUMNS_OF_VALUES])

    def rows(self, rejects: Iterable[ValueReject]) -> bytes:
        """The lines of these, but for the last row, of which more values may come."""
        return b"".join(self._added(reject) for reject in rejects)

    def end(self) -> bytes:
        """The last row."""
        return self._written()

    def _added(self, reject: ValueReject) -> bytes:
        line = b""
        if self._row and self._row[0].record_number != reject.record_number:
            line = self._written()
        self._row.append(reject)
        return line

    def _written(self) -> bytes:
        if not self._row:
            return b""
        first, values = self._row[0], {each.position: each.raw for each in self._row}
        own = [str(first.line_number), first.code.value, first.field, MESSAGES[first.code], str(self._run_id)]
        self._row = []
        named = [first.identifiers[place] for place in self._identifiers]
        return self._lines.line([*named, *(values.get(place, "") for place in self._positions), *own])
