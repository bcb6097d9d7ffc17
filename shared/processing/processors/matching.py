"""Processors with regular expressions: extract, replace_matching. The engine is Rust's, through polars."""

import polars as pl

from shared.domain import replacement
from shared.domain.dialect import Dialect
from shared.domain.processors.matching import Extract, ReplaceMatching
from shared.domain.regular_expression import regular_expression
from shared.domain.reject import RejectCode
from shared.processing.file_columns import FileColumns
from shared.processing.processors.step import (
    MAX_VALUE_BYTES,
    Step,
    Work,
    coded,
    either,
    grown,
    place_of,
    places_of,
    step_at,
)

MAX_SQUARE_BYTES = 2_000
"""Of a value in which all matches of an expression that looks far are replaced."""


def extract(processor: Extract, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """What the expression, or one of its groups, matches."""
    expression = regular_expression(processor.expression)
    group = processor.group if processor.group is not None else min(expression.groups, 1)
    pattern = expression.for_rust()

    def work(values: pl.Series) -> Work:
        found = values.str.extract(pattern, group)
        if not found.has_nulls():
            return Work(found)
        # A group that took no part in a match is null too, and is no failure.
        fails = found.is_null() & ~values.str.contains(pattern)
        return Work(found.fill_null(""), coded(fails, RejectCode.NO_MATCH))

    place = place_of(processor, columns)
    size = grown(place.source.key, 1)
    return [step_at(place, dialect, work, on_failure=processor.on_failure, size_after=size)]


def replace_matching(processor: ReplaceMatching, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Whatever matches, replaced."""
    expression = regular_expression(processor.expression)
    pattern, by = expression.for_rust(), replacement.for_rust(processor.replacement)
    parts = replacement.replacement(processor.replacement)
    text_bytes = sum(len(part.encode()) for part in parts if isinstance(part, str))
    references = sum(isinstance(part, int) for part in parts)

    def work(values: pl.Series) -> Work:
        codes = None
        if expression.looks_far:
            values, codes = _without_long(values, pattern)
        values, outgrown = _without_outgrown(values, pattern, text_bytes, references)
        codes = outgrown if codes is None else codes
        return Work(values.str.replace_all(pattern, by), codes)

    return [
        step_at(
            place,
            dialect,
            work,
            on_failure=processor.on_failure,
            # A match may be empty, and stand before every character and at the end.
            size_after=grown(place.source.key, 1 + text_bytes + references, text_bytes),
        )
        for place in places_of(processor, columns)
    ]


def _without_long(values: pl.Series, pattern: str) -> tuple[pl.Series, pl.Series | None]:
    """Without those in which all matches would take too long to find; no engine finds them in linear time."""
    is_long = values.str.len_bytes() > MAX_SQUARE_BYTES
    if not is_long.any():
        return values, None
    is_long &= values.str.contains(pattern)
    return either(is_long, "", values), coded(is_long, RejectCode.TEXT_TOO_LONG)


def _without_outgrown(
    values: pl.Series, pattern: str, text_bytes: int, references: int
) -> tuple[pl.Series, pl.Series | None]:
    """Without those that may grow over the limit: counted only where they may by their length alone."""
    sizes = values.str.len_bytes().cast(pl.Int64)
    is_suspect = sizes * (1 + text_bytes + references) + text_bytes > MAX_VALUE_BYTES
    if not is_suspect.any():
        return values, None
    matches = either(is_suspect, values, "").str.count_matches(pattern).cast(pl.Int64)
    # What the groups of all matches hold together is at most the value, for each time that one is named.
    is_outgrown = is_suspect & (sizes * (1 + references) + matches * text_bytes > MAX_VALUE_BYTES) & (matches > 0)
    return either(is_outgrown, "", values), coded(is_outgrown, RejectCode.FIELD_TOO_LONG)
