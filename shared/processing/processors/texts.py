"""Processors that change how texts are written: trim, change_case, replace, limit_text."""

import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.processors.texts import ChangeCase, LimitText, Replace, Trim
from shared.domain.reject import RejectCode
from shared.processing.file_columns import FileColumns
from shared.processing.processors.step import (
    MAX_VALUE_BYTES,
    Outcome,
    Step,
    Work,
    coded,
    either,
    grown,
    places_of,
    step_at,
)

_CASE_GROWTH = 3
"""A character comes to three times its bytes at most when it is written in another case."""


def trim(processor: Trim, columns: FileColumns, _: Dialect) -> list[Step]:
    """White space off both ends. All columns at once: nothing can fail, and this is the most common processor."""
    trimmed = pl.col([place.source.key for place in places_of(processor, columns)]).str.strip_chars()
    if processor.collapse:
        trimmed = trimmed.str.replace_all(r"\p{White_Space}+", " ")
    return [Step(columns, lambda frame: Outcome(frame.with_columns(trimmed)))]


def change_case(processor: ChangeCase, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Lower, upper or title case."""

    def work(values: pl.Series) -> Work:
        match processor.to:
            case "lower":
                return Work(values.str.to_lowercase())
            case "upper":
                return Work(values.str.to_uppercase())
            case "title":
                return Work(values.str.to_titlecase())

    return [
        step_at(place, dialect, work, size_after=grown(place.source.key, _CASE_GROWTH))
        for place in places_of(processor, columns)
    ]


def replace(processor: Replace, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """One text in the place of another."""
    find, by = processor.find, processor.replacement
    more = len(by.encode()) - len(find.encode())
    factor = len(by.encode()) / len(find.encode())

    def work(values: pl.Series) -> Work:
        codes = None
        if more > 0 and _longest(values) * factor > MAX_VALUE_BYTES:
            sizes = values.str.len_bytes() + more * values.str.count_matches(find, literal=True).cast(pl.Int64)
            is_long = sizes > MAX_VALUE_BYTES
            values, codes = either(is_long, "", values), coded(is_long, RejectCode.FIELD_TOO_LONG)
        return Work(values.str.replace_all(find, by, literal=True), codes)

    return [
        step_at(place, dialect, work, size_after=grown(place.source.key, factor))
        for place in places_of(processor, columns)
    ]


def limit_text(processor: LimitText, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """At most so many characters."""
    most, on_longer = processor.characters, processor.on_longer

    def work(values: pl.Series) -> Work:
        if on_longer == "cut":
            return Work(values.str.slice(0, most))
        is_long = values.str.len_chars() > most
        if on_longer == "clear":
            return Work(either(is_long, "", values))
        return Work(values, coded(is_long, RejectCode.TEXT_TOO_LONG))

    return [step_at(place, dialect, work) for place in places_of(processor, columns)]


def _longest(values: pl.Series) -> int:
    longest = values.str.len_bytes().max()
    return int(longest) if isinstance(longest, int) else 0
