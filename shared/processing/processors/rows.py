"""Processors that skip rows by a condition: keep_rows, drop_rows."""

import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.domain.processors.rows import DropRows, KeepRows
from shared.processing.condition_checks import faults_of_rows
from shared.processing.conditions import asked_of_file
from shared.processing.file_columns import FileColumns
from shared.processing.processors.step import Outcome, SkipReason, Step


def keep_rows(processor: KeepRows, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Only those that fulfil the condition."""
    return [_filtered(processor, columns, dialect, is_kept=True)]


def drop_rows(processor: DropRows, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Without those that fulfil the condition."""
    return [_filtered(processor, columns, dialect, is_kept=False)]


def _filtered(processor: KeepRows | DropRows, columns: FileColumns, dialect: Dialect, *, is_kept: bool) -> Step:
    for _, sentence in faults_of_rows(processor.where, columns.segments):
        raise InvalidGoal(sentence)
    asked = asked_of_file(processor.where, columns, dialect)
    keeps = asked if is_kept else ~asked

    def apply(frame: pl.DataFrame) -> Outcome:
        return Outcome(frame, keeps=frame.select(keeps.alias("keeps")).to_series(), reason=SkipReason.FILTERED)

    return Step(columns, apply, only_chooses=True)
