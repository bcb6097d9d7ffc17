"""Processors that put one value in the place of another, or of nothing: value_map, fill, constant."""

import polars as pl

from shared.domain.case_folding import fold
from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.domain.processors.values import Constant, Fill, ValueMap
from shared.domain.reject import RejectCode
from shared.processing.conditions import folded
from shared.processing.file_columns import FileColumns
from shared.processing.processors.step import Outcome, Step, Work, coded, either, grown, nothing_in, place_of, step_at


def value_map(processor: ValueMap, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Values by a table."""
    table = processor.values
    if processor.ignore_case:
        table = {fold(key): value for key, value in processor.values.items()}
        if len(table) < len(processor.values):
            raise InvalidGoal("A value map that ignores case has two entries that differ in nothing else.")
    longest = max(len(value.encode()) for value in table.values())

    def work(values: pl.Series) -> Work:
        keys = values.to_frame("key").select(folded(pl.col("key"))).to_series() if processor.ignore_case else values
        mapped = keys.replace_strict(
            list(table), pl.Series(list(table.values()), dtype=pl.String), default=None, return_dtype=pl.String
        )
        return Work(mapped.fill_null(""), coded(mapped.is_null(), RejectCode.VALUE_NOT_MAPPED))

    place = place_of(processor, columns)
    size = grown(place.source.key, 1, longest)
    return [step_at(place, dialect, work, on_failure=processor.on_failure, size_after=size)]


def fill(processor: Fill, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """A value where there is nothing."""
    target = columns.find([processor.column])[0]
    source = columns.find([processor.source])[0] if processor.source is not None else None

    def apply(frame: pl.DataFrame) -> Outcome:
        values = frame[target.key]
        by = frame[source.key] if source is not None else processor.value or ""
        return Outcome(frame.with_columns(either(nothing_in(values, dialect), by, values).alias(target.key)))

    size = grown(source.key, 1) if source is not None else grown(target.key, 1, len((processor.value or "").encode()))
    return [Step(columns, apply, size)]


def constant(processor: Constant, columns: FileColumns, _: Dialect) -> list[Step]:
    """The same value in every row."""
    after, target = columns.having(processor.into)
    value = pl.lit(processor.value).alias(target.key)
    each = len(processor.value.encode()) + 16
    return [
        Step(
            after,
            lambda frame: Outcome(frame.with_columns(value)),
            lambda frame: int(frame.estimated_size()) + each * frame.height,
        )
    ]
