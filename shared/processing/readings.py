"""Text columns of a file read as numbers, dates and truth, for conditions: exact, and null where there is nothing.

What a value must look like is decided by `values` and `moments`, as for properties; here it only becomes something that
can be compared. A value that cannot be read in its type is null, like one that is not there.
"""

import polars as pl

from shared.domain.condition_values import ValueType
from shared.domain.dates import DatePattern, date_pattern
from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.processing.column import Column
from shared.processing.mapping import MappedColumn
from shared.processing.values import nulls_of, typed

DECIMAL = pl.Decimal(38, 10)
MOMENT = pl.Datetime("us", "UTC")

_TYPES = {
    ValueType.NUMBER: (PropertyType.NUMBER, DECIMAL),
    ValueType.BOOLEAN: (PropertyType.BOOLEAN, pl.Boolean()),
    ValueType.DATE: (PropertyType.DATE, pl.Date()),
    ValueType.DATETIME: (PropertyType.DATETIME, MOMENT),
}


def read(text: pl.Expr, kind: ValueType, dialect: Dialect, date_format: str | None = None) -> pl.Expr:
    """The values of a text column without nulls, in a type; null where there is nothing or nothing of that type.

    Raises InvalidGoal for a date format that cannot be used here.
    """
    if kind is ValueType.TEXT:
        return pl.when(~is_nothing(text, dialect)).then(text)
    if kind is ValueType.LIST:
        items = pl.when(~is_nothing(text, dialect)).then(text).str.split(dialect.list_delimiter)
        trimmed = items.list.eval(pl.element().str.strip_chars())
        return trimmed.list.set_difference(pl.lit([""], dtype=pl.List(pl.String)))
    property_type, dtype = _TYPES[kind]
    pattern = pattern_of(kind, date_format or dialect.date_format)

    def converted(raw: pl.Series) -> pl.Series:
        return _converted(typed_as(raw, property_type, dialect, pattern).values, kind)

    return text.map_batches(converted, return_dtype=dtype)


def is_nothing(text: pl.Expr, dialect: Dialect) -> pl.Expr:
    """Which values of a text column without nulls stand for nothing."""
    nulls = nulls_of(dialect)
    trimmed = text.str.strip_chars()
    return trimmed == "" if nulls == [""] else trimmed.is_in(nulls)


def typed_as(
    raw: pl.Series, property_type: PropertyType, dialect: Dialect, pattern: DatePattern | None = None
) -> Column:
    """A text column as if it were mapped to a property of that type: canonical values, and codes of those unfit."""
    as_mapped = MappedColumn(0, "", Property(name="value", type=property_type), MergeRule.SET, dialect, pattern)
    return typed(raw, as_mapped)


def pattern_of(kind: ValueType, date_format: str) -> DatePattern | None:
    """The date pattern that values of a type are read by. Raises InvalidGoal."""
    if kind not in (ValueType.DATE, ValueType.DATETIME):
        return None
    try:
        pattern = date_pattern(date_format)
    except ValueError as error:
        raise InvalidGoal(f"The dateFormat of a condition: {error}.") from error
    if kind is ValueType.DATE and pattern.has_time:
        raise InvalidGoal(
            f"The dateFormat {pattern.pattern!r} has a time, but a condition compares a date. "
            "Give the condition a dateFormat of its own, or the type datetime."
        )
    return pattern


def _converted(values: pl.Series, kind: ValueType) -> pl.Series:
    match kind:
        case ValueType.NUMBER:
            return values.cast(DECIMAL)
        case ValueType.DATE:
            return values.str.to_date("%Y-%m-%d")
        case ValueType.DATETIME:
            return values.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC")
    return values
