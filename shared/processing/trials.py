"""Try a type, in a notation, on the values of a column: by the very rules that an import reads them with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.fields import MappedField
from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.processing.mapping import MappedColumn
from shared.processing.values import typed


@dataclass(frozen=True)
class Values:
    """The values of one column: each once, trimmed, without those that stand for nothing, the most frequent first."""

    texts: pl.Series
    rows: pl.Series
    """In how many rows each stands."""

    @property
    def filled(self) -> int:
        """In how many rows there is one."""
        return int(self.rows.sum())

    def __len__(self) -> int:
        return self.texts.len()

    def without(self, words: Sequence[str]) -> "Values":
        """The others."""
        keep = ~self.texts.is_in(list(words))
        return Values(self.texts.filter(keep), self.rows.filter(keep))


@dataclass(frozen=True)
class Trial:
    """What a type in a notation makes of a column's values."""

    type: PropertyType
    notation: Mapping[str, Any]
    canonical: pl.Series
    """Per value; null where it does not fit."""
    rows: pl.Series

    @property
    def fitting(self) -> int:
        """In how many rows the value fits."""
        return int(self.rows.filter(self.canonical.is_not_null()).sum())

    @property
    def unfit(self) -> int:
        """In how many rows it does not."""
        return int(self.rows.filter(self.canonical.is_null()).sum())

    def reads_like(self, other: "Trial") -> bool:
        """Whether both make the same of every value."""
        return self.type is other.type and self.canonical.equals(other.canonical)


def values_of(column: pl.Series, nulls: Sequence[str] = ()) -> Values:
    """The values of a text column without nulls."""
    counted = (
        pl.DataFrame({"text": column.str.strip_chars()})
        .filter(pl.col("text") != "")
        .group_by("text", maintain_order=True)
        .len("rows")
        .sort("rows", descending=True, maintain_order=True)
    )
    values = Values(counted["text"], counted["rows"].cast(pl.Int64))
    return values.without(nulls) if nulls else values


def attempt(values: Values, wanted: PropertyType | Property, **notation: Any) -> Trial:
    """Read the values as a type; the notation in the words of a goal's mapping: dateFormat, decimalChar, trueValues.

    A property that is built in may take less than its type does.
    """
    kind = wanted.type if isinstance(wanted, Property) else wanted
    entry = MappedField(position=0, property="value", **notation)
    dialect = entry.within(Dialect())
    is_moment = kind in (PropertyType.DATE, PropertyType.DATETIME)
    mapped = MappedColumn(
        position=0,
        shown="",
        property=wanted if isinstance(wanted, Property) else Property(name="value", type=kind),
        rule=MergeRule.SET,
        dialect=dialect,
        pattern=date_pattern(dialect.date_format, dialect.pivot_year) if is_moment else None,
        entry=entry,
    )
    column = typed(values.texts, mapped)
    canonical = column.values
    if column.codes is not None:
        canonical = pl.select(pl.when(column.codes.is_null()).then(canonical)).to_series()
    return Trial(kind, notation, canonical, values.rows)
