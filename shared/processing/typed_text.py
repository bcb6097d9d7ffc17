"""Write typed values as a dialect's text, for whole columns: the way back of what typing reads.

Values come as PostgreSQL writes them (DateStyle ISO, time zone UTC; lists as array literals), and what is written so
already is taken as it is. A datetime is written in the dialect's time zone, or as an epoch. Where the date pattern has
no time, ISO time and offset follow it, so that nothing is lost; where it has one, the pattern is the whole truth. A
date has no time and no zone: where the pattern is an epoch it is written YYYY-MM-DD. Where a pattern names the zone of
a time when clocks went by fractions of a minute, the moment is kept, and the local time is that of the whole minute.
Several values are each written as one is, with the listDelimiter between them.

A value that would be read as another, or as none because it is one of the dialect's null sequences, is refused. Here
are no files and no quoting.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import polars as pl

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal, UnwritableValue
from shared.domain.property import PropertyType, Several, Written
from shared.processing.clock import to_local
from shared.processing.lists import looked_up
from shared.processing.values import nulls_of
from shared.processing.written_dates import (
    ISO_LOCAL,
    as_epoch,
    driver_pattern,
    in_pattern,
    instants_of,
    offsets_of,
    zone_of,
)

Write = Callable[[pl.Series], pl.Series]

_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DAY = date_pattern("YYYY-MM-DD")


class TypedText:
    """Writes frames whose columns have these types."""

    def __init__(self, dialect: Dialect, kinds: Sequence[Written]) -> None:
        """Raises `InvalidGoal` where the dialect's date pattern cannot be used."""
        try:
            self._pattern = date_pattern(dialect.date_format, dialect.pivot_year)
        except ValueError as error:
            raise InvalidGoal(f"The dateFormat: {error}.") from error
        self._dialect = dialect
        writers: dict[PropertyType, Write] = {
            PropertyType.NUMBER: self._numbers,
            PropertyType.BOOLEAN: _booleans,
            PropertyType.DATE: self._dates,
            PropertyType.DATETIME: self._datetimes,
            PropertyType.LIST: self._lists,
            PropertyType.MULTI_CHOICE: self._lists,
        }
        self._writers = [self._several(writers, kind) for kind in kinds]

    def frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The texts of a frame of text columns, one a type; null stays null. Raises `UnwritableValue`."""
        columns = zip(frame.columns, self._writers, strict=True)
        texts = frame.with_columns(write(frame[name]).alias(name) for name, write in columns if write is not None)
        self._demand_values(texts)
        return texts

    def _demand_values(self, texts: pl.DataFrame) -> None:
        """Raise `UnwritableValue` where a value stands for none in this dialect."""
        if not self._dialect.null_sequence:
            return
        # What is empty is none to begin with.
        is_none = pl.all().str.strip_chars().is_in([text for text in nulls_of(self._dialect) if text])
        for place, is_found in enumerate(texts.select(is_none.any()).row(0), start=1):
            if is_found:
                told = ", ".join(map(repr, self._dialect.null_sequence))
                raise UnwritableValue(f"Found a value in column {place} that means none by the nullSequence {told}.")

    def _numbers(self, values: pl.Series) -> pl.Series:
        text = pl.lit(values)
        short = pl.when(text.str.contains(".", literal=True)).then(text.str.strip_chars_end("0").str.strip_suffix("."))
        written = pl.select(short.otherwise(text)).to_series()
        if self._dialect.decimal_char != ".":
            written = written.str.replace(".", self._dialect.decimal_char, literal=True)
        return written

    def _dates(self, values: pl.Series) -> pl.Series:
        pattern = _DAY if self._pattern.unit is not None else self._pattern
        if pattern.pattern.upper() == _DAY.pattern:
            return values
        if pattern.has_time:
            values = values + " 00:00:00"
        offsets = pl.Series([0], dtype=pl.Int64).new_from_index(0, values.len())
        return self._told(in_pattern(values, pattern, offsets), values)

    def _datetimes(self, values: pl.Series) -> pl.Series:
        plain = values.str.strip_suffix("+00")
        zone, pattern = self._dialect.timezone, self._pattern
        wants_offset = not pattern.has_time or pattern.has("zone")
        if zone == "UTC" and pattern.unit is None:
            local, offsets = plain, pl.Series([0], dtype=pl.Int64).new_from_index(0, values.len())
        else:
            instants = instants_of(plain)
            if pattern.unit is not None:
                return as_epoch(instants, pattern)
            times = to_local(instants, zone)
            directives = driver_pattern(pattern)
            if pattern.has_time and directives is not None:
                return self._told(times.dt.to_string(directives), values)
            offsets = offsets_of(times, instants)
            if wants_offset:
                times = (
                    instants.dt.replace_time_zone(None) + pl.select(pl.duration(minutes=pl.lit(offsets))).to_series()
                )
            local = self._told(times.dt.to_string(ISO_LOCAL), values)
        written = self._told(in_pattern(local, pattern, offsets), values)
        return written if pattern.has_time else written + _iso_time(local, offsets)

    def _told(self, written: pl.Series, values: pl.Series) -> pl.Series:
        """What was written. Raises `UnwritableValue` where there is nothing though there was a value."""
        if written.null_count() != values.null_count():
            year = values.filter(written.is_null() & values.is_not_null()).str.slice(0, 4).item(0)
            told = f"{self._pattern.pattern!r} in {self._dialect.timezone}"
            raise UnwritableValue(f"Found a moment of the year {year}, which {told} cannot tell apart.")
        return written

    def _lists(self, values: pl.Series) -> pl.Series:
        delimiter = self._dialect.list_delimiter
        text = pl.lit(values)
        # PostgreSQL quotes every item that has anything in it which means something in a list.
        marks = "".join(sorted({*'"', *delimiter} - {","}))
        is_odd = text.str.contains(f"[{re.escape(marks)}]|NULL")
        plain = text.str.strip_prefix("{").str.strip_suffix("}").str.replace_all(",", delimiter, literal=True)
        found = pl.DataFrame({"plain": pl.select(plain).to_series(), "is_odd": pl.select(is_odd).to_series()})
        odd = values.filter(found["is_odd"].fill_null(value=False)).unique()
        if not odd.len():
            return found["plain"]
        written = pl.DataFrame({"raw": odd, "item": pl.Series([self._joined(one) for one in odd], dtype=pl.String)})
        found = found.with_columns(exact=looked_up(values, written))
        return found.select(pl.when("is_odd").then("exact").otherwise("plain")).to_series()

    def _several(self, writers: Mapping[PropertyType, Write], kind: Written) -> Write | None:
        if not isinstance(kind, Several):
            return writers.get(kind)
        write = writers.get(kind.of)
        # What is written as it comes is joined as the items of a list are.
        return self._lists if write is None else lambda values: self._values(values, write)

    def _values(self, values: pl.Series, write: Write) -> pl.Series:
        """The values of arrays, of types that PostgreSQL writes without commas. Raises `UnwritableValue`."""
        delimiter = self._dialect.list_delimiter
        items = values.str.strip_chars("{}").str.replace_all('"', "", literal=True).str.split(",").alias("item")
        rows = items.to_frame().with_row_index().explode("item")
        written = write(rows["item"])
        if written.str.contains(delimiter, literal=True).any():
            raise UnwritableValue(f"Found the listDelimiter {delimiter!r} inside one of several values.")
        has_any = pl.col("item").is_not_null().any()
        joined = pl.when(has_any).then(pl.col("item").str.join(delimiter)).alias("item")
        return rows.with_columns(item=written).group_by("index", maintain_order=True).agg(joined)["item"]

    def _joined(self, literal: str) -> str:
        """The items of an array literal, nulls left out. Raises `UnwritableValue`."""
        delimiter = self._dialect.list_delimiter
        found = [(quoted, plain) for quoted, plain in _ITEM.findall(literal) if plain != "NULL"]
        items = [plain or _ESCAPED.sub(r"\1", quoted) for quoted, plain in found]
        joined = delimiter.join(items)
        if items and joined.split(delimiter) != items:
            raise UnwritableValue(f"Found the listDelimiter {delimiter!r} inside an item of a list.")
        return joined


def shown_moment(at: datetime, dialect: Dialect) -> tuple[str, str]:
    """A moment in UTC as a datetime and, of its day, as a date. Raises `InvalidGoal`, `UnwritableValue`."""
    day = f"{at.year:04d}-{at:%m-%d}"
    kinds = [PropertyType.DATETIME, PropertyType.DATE]
    frame = pl.DataFrame({"c0": [f"{day} {at:%H:%M:%S.%f}+00"], "c1": [day]})
    told, shown = TypedText(dialect, kinds).frame(frame).row(0)
    return told, shown


def _booleans(values: pl.Series) -> pl.Series:
    text = pl.lit(values)
    return pl.select(pl.when(text == "t").then(pl.lit("true")).when(text == "f").then(pl.lit("false"))).to_series()


def _iso_time(local: pl.Series, offsets: pl.Series) -> pl.Series:
    """Time and offset as ISO 8601 has them, with microseconds where there are any."""
    x = pl.lit(local)
    micros = x.str.slice(20).str.pad_end(6, "0")
    fraction = pl.when(micros == "000000").then(pl.lit("")).otherwise(pl.lit(".") + micros)
    return pl.select(pl.concat_str([pl.lit("T"), x.str.slice(11, 8), fraction, zone_of(offsets)])).to_series()
