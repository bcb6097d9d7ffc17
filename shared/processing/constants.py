"""Constants of a mapping: one value for every row, read as a column's, but always in Tidegate's own notation."""

import polars as pl

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.fields import MappedField
from shared.domain.merge import MergeRule
from shared.domain.property import Property
from shared.processing.column import Column
from shared.processing.mapping import MappedColumn
from shared.processing.values import typed


def repeated(constant: str, column: MappedColumn, rows: int) -> Column:
    """The values of so many rows."""
    found = typed(pl.Series([constant]), column)
    codes = None if found.codes is None else found.codes.new_from_index(0, rows)
    return Column(found.values.new_from_index(0, rows), codes)


def misfit(constant: str, entry: MappedField, target: Property) -> str | None:
    """The code of what keeps a constant from being a value of a property; None where it is one."""
    dialect = Dialect()
    column = MappedColumn(None, entry.shown, target, MergeRule.SET, dialect, date_pattern(dialect.date_format), entry)
    found = typed(pl.Series([constant]), column)
    if found.codes is not None and found.codes[0] is not None:
        return str(found.codes[0])
    return "no value" if found.values[0] is None else None
