"""Processors that make, drop and rename columns: split, join, drop_columns, rename_columns."""

import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.domain.processors.columns import DropColumns, Join, RenameColumns, Split
from shared.domain.reject import RejectCode
from shared.domain.trimmed import folded
from shared.processing.file_columns import FileColumns
from shared.processing.processors.step import (
    MAX_VALUE_BYTES,
    Outcome,
    Step,
    bytes_of,
    coded,
    grown,
    nothing_in,
    without,
)


def split(processor: Split, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """One value in several columns."""
    source = columns.find([processor.column])[0]
    after, targets = columns, []
    if len(set(map(folded, processor.into))) != len(processor.into):
        raise InvalidGoal("Found names of columns that differ in white space or composition alone, expected others.")
    for name in processor.into:
        after, target = after.having(name)
        targets.append(target.key)

    def apply(frame: pl.DataFrame) -> Outcome:
        values = frame[source.key]
        present = without(nothing_in(values, dialect), values)
        parts = present.str.splitn(processor.delimiter, len(targets)).struct.unnest()
        made = [part.fill_null("").alias(key) for part, key in zip(parts.iter_columns(), targets, strict=True)]
        return Outcome(frame.with_columns(made))

    return [Step(after, apply, grown(source.key, 1, 16 * len(targets)))]


def join(processor: Join, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Several values in one column."""
    keys = [column.key for column in columns.find(processor.fields)]
    after, target = columns.having(processor.into)
    separator = len(processor.separator.encode())

    def apply(frame: pl.DataFrame) -> Outcome:
        present = [
            without(nothing_in(frame[key], dialect), frame[key]).alias(str(place)) for place, key in enumerate(keys)
        ]
        joined = pl.select(pl.concat_str(present, separator=processor.separator, ignore_nulls=True)).to_series()
        codes = None
        if frame.height and _most_bytes(frame, keys) + separator * len(keys) > MAX_VALUE_BYTES:
            codes = coded(joined.str.len_bytes() > MAX_VALUE_BYTES, RejectCode.FIELD_TOO_LONG)
        made = frame.with_columns(joined.alias(target.key))
        return Outcome(made, codes=codes, field=target.shown, made=target.key)

    def size(frame: pl.DataFrame) -> int:
        return int(frame.estimated_size()) + bytes_of(frame, keys) + (separator * len(keys) + 16) * frame.height

    return [Step(after, apply, size)]


def drop_columns(processor: DropColumns, columns: FileColumns, _: Dialect) -> list[Step]:
    """Without some columns."""
    after = columns.without(columns.find(processor.fields))
    if not after.columns:
        raise InvalidGoal("A processor drops all columns, so that nothing could be mapped.")
    keys = after.all_keys
    return [Step(after, lambda frame: Outcome(frame.select(keys)))]


def rename_columns(processor: RenameColumns, columns: FileColumns, _: Dialect) -> list[Step]:
    """Other names; frames call their columns by keys, which stay."""
    chosen = columns.find([each.column for each in processor.columns])
    if len({column.key for column in chosen}) < len(chosen):
        raise InvalidGoal("A processor renames one column twice.")
    after = columns.renamed({column.key: new.to for column, new in zip(chosen, processor.columns, strict=True)})
    return [Step(after, Outcome)]


def _most_bytes(frame: pl.DataFrame, keys: list[str]) -> int:
    longest = (frame[key].str.len_bytes().max() for key in keys)
    return sum(each for each in longest if isinstance(each, int))
