"""Find the date patterns of a file's columns by reading it once, where the goal says `auto`.

One survey a column sees all its values; in the end each column has its pattern, or the file fails with the question.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from shared.domain.dates import AUTO, date_pattern
from shared.domain.property import PropertyType
from shared.processing.date_columns import DateSurvey, decided, told
from shared.processing.mapping import MappedColumn, MappingPlan
from shared.processing.values import nulls_of, trimmed

_ANY = date_pattern("YYYY-MM-DD")
"""Of a column without values: every pattern will do."""


class DateChoice:
    """The surveys of one file."""

    def __init__(self, plan: MappingPlan) -> None:
        self._plan = plan
        self._surveys = {
            place: DateSurvey(column.property.type, column.dialect.pivot_year)
            for place, column in enumerate(plan.columns)
            if _is_open(column)
        }

    @property
    def is_needed(self) -> bool:
        """Whether any column is to be found out."""
        return bool(self._surveys)

    def see(self, frame: pl.DataFrame, record_numbers: npt.NDArray[np.int64]) -> None:
        """Take in rows as the processors left them, in ascending order of their numbers."""
        for place, survey in self._surveys.items():
            column = self._plan.columns[place]
            values = trimmed(frame[f"c{column.position}"], nulls_of(column.dialect))
            survey.see(values, pl.Series(record_numbers, dtype=pl.Int64))

    def plan(self) -> MappingPlan:
        """The plan with all patterns. Raises AmbiguousDates, UnreadableDates."""
        columns = list(self._plan.columns)
        for place, survey in self._surveys.items():
            found = decided(survey.verdict(), columns[place].shown)
            columns[place] = replace(columns[place], pattern=found or _ANY)
        return replace(self._plan, columns=tuple(columns))

    def told(self) -> Iterator[str]:
        """What was found, a sentence for each column that has values, for the receipt."""
        for place, survey in self._surveys.items():
            verdict = survey.verdict()
            if verdict.pattern is not None:
                yield told(verdict, self._plan.columns[place].shown)


def _is_open(column: MappedColumn) -> bool:
    is_date = column.property.type in (PropertyType.DATE, PropertyType.DATETIME)
    return is_date and column.dialect.date_format == AUTO and column.position is not None
