"""A step: a processor that knows the columns of one file, ready to be applied to frame after frame.

A frame holds the text columns of `FileColumns.keys` in that order, without nulls, and behind them those that say who is
in a segment. A step never changes the number or
the order of rows: it says which of them go on, and which are to be rejected; the chain takes the others out. Whatever
may make text grow says beforehand by how much, so that the chain can cut the frame into pieces that fit the memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.processors.base import OneColumn, OnFailure, SomeColumns
from shared.domain.reject import RejectCode
from shared.processing.file_columns import FileColumn, FileColumns
from shared.processing.values import nulls_of

MAX_VALUE_BYTES = 1 << 20
"""Of a value that a processor makes: as much as a field of a file may have."""


class SkipReason(StrEnum):
    """Why a row was not imported though nothing is wrong with it."""

    FILTERED = "filtered"
    DUPLICATE = "duplicate"


class Outcome(NamedTuple):
    """What a step made of a frame. Rows that are not kept, and rows with a code, go no further."""

    frame: pl.DataFrame
    keeps: pl.Series | None = None
    """Boolean; None where all rows go on."""
    reason: SkipReason = SkipReason.FILTERED
    codes: pl.Series | None = None
    """Reject codes as text, null where the row is good; None where all are."""
    field: str | None = None
    """How rejects name the column."""
    made: str | None = None
    """The key of the column in which rows with a code have nothing of use."""


Size = Callable[[pl.DataFrame], int]


def same_size(frame: pl.DataFrame) -> int:
    """The size of what comes out, where nothing grows: bytes, roughly."""
    return int(frame.estimated_size())


def _nothing_open() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Step:
    """One processor on one file."""

    columns: FileColumns
    """Those after it."""
    apply: Callable[[pl.DataFrame], Outcome]
    size_after: Size = same_size
    """At most how many bytes a frame comes to; asked before it is applied."""
    close: Callable[[], None] = _nothing_open
    """Lets go of what the step keeps outside the memory."""
    only_chooses: bool = False
    """Whether it says which rows go on and changes no value."""


class Work(NamedTuple):
    """New values of a column, and codes of those that the work could not be done on."""

    values: pl.Series
    """What stands where a value is nothing, or has a code, is of no use."""
    codes: pl.Series | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step works: the column that it reads, the one that it writes, and all columns afterwards."""

    source: FileColumn
    target: FileColumn
    after: FileColumns


def place_of(processor: OneColumn, columns: FileColumns) -> Place:
    """Where a processor of one column works. Raises HeaderChanged."""
    source = columns.find([processor.column])[0]
    after, target = (columns, source) if processor.into is None else columns.having(processor.into)
    return Place(source, target, after)


def places_of(processor: SomeColumns, columns: FileColumns) -> list[Place]:
    """Where a processor of some columns works: a place for each. Raises HeaderChanged."""
    chosen = columns.columns if processor.chosen is None else columns.find(processor.chosen)
    return [Place(column, column, columns) for column in chosen]


def step_at(
    place: Place,
    dialect: Dialect,
    work: Callable[[pl.Series], Work],
    *,
    on_failure: OnFailure = "reject",
    size_after: Size = same_size,
) -> Step:
    """A step that works on the values of one column; those that are nothing stay as they are."""

    def apply(frame: pl.DataFrame) -> Outcome:
        raw = frame[place.source.key]
        values, codes = work(raw)
        is_nothing = nothing_in(raw, dialect)
        if is_nothing.any():
            values = either(is_nothing, raw, values)
            codes = None if codes is None else pl.select(pl.when(~is_nothing).then(codes)).to_series()
        if codes is not None and on_failure != "reject":
            values = either(codes.is_not_null(), raw if on_failure == "keep" else "", values)
            codes = None
        made = frame.with_columns(values.alias(place.target.key))
        return Outcome(made, codes=codes, field=place.source.shown, made=place.target.key)

    return Step(place.after, apply, size_after)


def nothing_in(values: pl.Series, dialect: Dialect) -> pl.Series:
    """Which values stand for nothing."""
    trimmed = values.str.strip_chars()
    nulls = nulls_of(dialect)
    return trimmed == "" if nulls == [""] else trimmed.is_in(nulls)


def coded(is_bad: pl.Series, code: RejectCode) -> pl.Series | None:
    """Codes of the values that are bad, None where none is."""
    return pl.select(pl.when(is_bad).then(pl.lit(code.value))).to_series() if is_bad.any() else None


def either(is_first: pl.Series, first: pl.Series | str, second: pl.Series | str) -> pl.Series:
    """The first value where that is said, else the second."""
    one, other = (each if isinstance(each, pl.Series) else pl.lit(each) for each in (first, second))
    return pl.select(pl.when(is_first).then(one).otherwise(other)).to_series()


def without(is_nothing: pl.Series, values: pl.Series) -> pl.Series:
    """The values, null where that is said."""
    return pl.select(pl.when(~is_nothing).then(values)).to_series() if is_nothing.any() else values


def bytes_of(frame: pl.DataFrame, keys: Sequence[str]) -> int:
    """The size of some columns."""
    return sum(int(frame[key].estimated_size()) for key in keys)


def grown(key: str, factor: float, each: int = 0) -> Size:
    """The size after a column has given values of at most `factor` times its bytes, and `each` more a row."""
    return lambda frame: int(frame.estimated_size() + factor * frame[key].estimated_size() + each * frame.height)
