"""Find out how the dates of a whole column are written (`auto`), or what to ask.

A survey sees the column batch by batch and in the end gives a verdict. Every way of writing that it knows
(date_ways.py) either reads a value or does not; then

* a pattern must read all the values that any of the known patterns reads: one value with a 13th day excludes the month
  first, and a column in two notations has no pattern at all;
* what none of them reads is bad data: it decides nothing, and is rejected when the rows are typed. But where that is
  more than half of the values, the column is not in a notation that is known here;
* patterns that read every value of the column as the same day are no question: 05/05/2024 is the fifth of May both
  ways.

Nothing is guessed from how likely a reading is, from a country, or from the first rows. Memory does not grow with the
column: what is kept are counts per set of patterns, with one example each.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import combinations

import polars as pl

from shared.domain.dates import PIVOT_YEAR, DatePattern
from shared.domain.failures import AmbiguousDates, UnreadableDates
from shared.domain.property import PropertyType
from shared.processing.date_ways import FAR, FAR_TIME, DateWay, any_shape, ways
from shared.processing.moments import dates, moments

_EXAMPLE = datetime(2003, 2, 1, 4, 5, tzinfo=UTC)
"""A day that every order reads in its own way."""


class Outcome(StrEnum):
    """How the survey of a column ended."""

    DECIDED = "decided"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    """More than half of the values are in no known notation."""
    MIXED = "mixed"
    """Every pattern that reads some of the values does not read others that are dates too."""
    EMPTY = "empty"
    """There are no values, so every pattern will do."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A pattern, and how it stands to the column."""

    pattern: DatePattern
    values: int
    """How many values it reads."""
    missed: int
    """How many values it does not read, though some other pattern does."""
    example: str | None
    """One that it does not read. A value of a person's record: for whoever gave the file, not for logs and failures."""
    record: int | None
    """That one's record number, where the survey was told of numbers."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a survey found."""

    outcome: Outcome
    present: int
    """Values that are there at all."""
    read: int
    """Values that at least one known pattern reads; the rest will be rejected."""
    readings: tuple[Reading, ...]
    """The best pattern of every meaning: the one that was decided first, or those between which the question is."""
    differs: int | None = None
    """The record number of the first value that they read differently, where they are ambiguous."""

    @property
    def pattern(self) -> DatePattern | None:
        """The one pattern, where it was decided."""
        return self.readings[0].pattern if self.outcome is Outcome.DECIDED else None

    @property
    def excluding(self) -> int:
        """How many values speak against the runner-up: the weight of the decision; 0 where there is no runner-up."""
        return self.readings[1].missed if self.outcome is Outcome.DECIDED and len(self.readings) > 1 else 0


class DateSurvey:
    """Sees the values of one column, and says how they are written."""

    def __init__(self, kind: PropertyType, pivot_year: int = PIVOT_YEAR) -> None:
        self._kind = kind
        self._ways = ways(kind, pivot_year)
        self._by_shape: dict[str, dict[int, int]] = {}
        """The ways that a shape may have, by number, and where the day of each ends in it."""
        self._present = 0
        self._counts: dict[frozenset[int], _Count] = {}
        self._differing: dict[frozenset[str], int | None] = {}
        """Pairs of meanings that read some value differently, and its record number."""

    def see(self, values: pl.Series, records: pl.Series | None = None) -> None:
        """Take in values: trimmed text, null where there is none; with rising record numbers, to tell them."""
        numbers = pl.lit(None, pl.Int64) if records is None else records
        frame = pl.DataFrame({"value": values}).with_columns(record=numbers, values=1).drop_nulls("value")
        self._present += frame.height
        if self._kind is PropertyType.DATE:
            # Days repeat; moments hardly do, and counting them would be in vain.
            frame = frame.group_by("value", maintain_order=True).agg(pl.col("record").first(), pl.col("values").sum())
        shaped = frame.with_columns(shape=self._shapes(frame["value"]))
        found = shaped["shape"].unique()
        known = found.filter(found.str.contains(any_shape(self._kind)))
        for shape in known:
            self._see_shape(shape, shaped.filter(pl.col("shape") == shape))

    def _shapes(self, values: pl.Series) -> pl.Series:
        """The values with every digit as 9, and any time that only ISO notation writes as one sign."""
        shapes = values.str.replace_many(list("012345678"), ["9"])
        return shapes.str.replace(rf"{FAR_TIME}\z", FAR) if self._kind is PropertyType.DATETIME else shapes

    def verdict(self) -> Verdict:
        """What the column is, of all that was seen."""
        read = sum(count.values for count in self._counts.values())
        survivors = sorted(frozenset.intersection(*self._counts)) if self._counts else []
        best = self._best(read)
        if not self._present:
            return Verdict(Outcome.EMPTY, 0, 0, ())
        if 2 * read < self._present:
            return Verdict(Outcome.UNREADABLE, self._present, read, tuple(best.values()))
        if not survivors:
            return Verdict(Outcome.MIXED, self._present, read, tuple(best.values()))
        meanings = sorted({self._ways[way].meaning for way in survivors})
        torn = [pair for pair in map(frozenset, combinations(meanings, 2)) if pair in self._differing]
        if torn:
            asked = frozenset.union(*torn)
            open_ = tuple(reading for meaning, reading in best.items() if meaning in asked)
            return Verdict(Outcome.AMBIGUOUS, self._present, read, open_, self._differing[torn[0]])
        return Verdict(Outcome.DECIDED, self._present, read, tuple(best.values()))

    def _see_shape(self, shape: str, part: pl.DataFrame) -> None:
        """Take in values that are equal but for their digits."""
        if shape not in self._by_shape:
            matches = [(number, way.shape.fullmatch(shape)) for number, way in enumerate(self._ways)]
            self._by_shape[shape] = {number: match.end("day") for number, match in matches if match is not None}
        ends = self._by_shape[shape]
        # Days repeat where values with a time do not, so they are taken apart before anything is read.
        slices = {end: pl.col("value").str.slice(0, end).alias(f"day {end}") for end in set(ends.values())}
        times = {(end, self._ways[number].time) for number, end in ends.items()}
        fits = [pl.col("value").str.slice(end).str.contains(time).alias(f"{end} {time}") for end, time in sorted(times)]
        grouped = part.group_by(*slices.values(), *fits, maintain_order=True).agg(
            pl.col("values").sum(), pl.col("value").first().alias("example"), pl.col("record").first()
        )
        self._judge(ends, grouped)

    def _judge(self, ends: dict[int, int], grouped: pl.DataFrame) -> None:
        """Count which ways read which values, and note which meanings differ."""
        days: dict[str, pl.Series] = {}
        reads: dict[int, pl.Series] = {}
        for number, end in ends.items():
            way = self._ways[number]
            if way.meaning not in days:
                days[way.meaning] = self._read(grouped[f"day {end}"], way)
            reads[number] = days[way.meaning].is_not_null() & grouped[f"{end} {way.time}"]
        marks = [column.alias(str(number)) for number, column in reads.items()]
        counted = grouped.with_columns(marks).group_by([str(number) for number in reads], maintain_order=True).agg(
            pl.col("values").sum(), pl.col("example").first(), pl.col("record").first()
        )  # fmt: skip  # a table is grouped
        for row in counted.iter_rows(named=True):
            readers = frozenset(number for number in reads if row[str(number)])
            if readers:
                self._counts.setdefault(readers, _Count()).add(row["values"], row["example"], row["record"])
        for one, other in combinations(days, 2):
            both = self._reading(one, reads) & self._reading(other, reads)
            differing = grouped.filter(both & (days[one] != days[other]))
            if differing.height:
                pair = frozenset((one, other))
                self._differing[pair] = _earlier(self._differing.get(pair), differing["record"][0])

    def _read(self, days: pl.Series, way: DateWay) -> pl.Series:
        """Days, or an epoch's moments, null where they are none."""
        if way.pattern.unit is not None and self._kind is PropertyType.DATETIME:
            read, is_bad = moments(days, way.pattern, "UTC")[:2]
        else:
            read, is_bad = dates(days, way.day, "UTC")
        return pl.select(pl.when(~is_bad).then(read)).to_series()

    def _reading(self, meaning: str, reads: dict[int, pl.Series]) -> pl.Series:
        """Which values are read by any way of a meaning."""
        ours = [column for number, column in reads.items() if self._ways[number].meaning == meaning]
        return pl.select(pl.any_horizontal(ours)).to_series()

    def _best(self, read: int) -> dict[str, Reading]:
        """The pattern of every meaning that reads the most values, the strictest of these; the best meaning first."""
        counts = [0] * len(self._ways)
        for readers, count in self._counts.items():
            for number in readers:
                counts[number] += count.values
        best: dict[str, Reading] = {}
        for number in sorted(range(len(counts)), key=lambda each: (-counts[each], each)):
            way = self._ways[number]
            if counts[number] and way.meaning not in best:
                missed = [count for readers, count in self._counts.items() if number not in readers]
                first = min(missed, key=lambda each: each.record or 0, default=_Count())
                best[way.meaning] = Reading(
                    way.pattern, counts[number], read - counts[number], first.example, first.record
                )
        return best


@dataclass(slots=True)
class _Count:
    """Values that the same ways read."""

    values: int = 0
    example: str | None = None
    record: int | None = None

    def add(self, values: int, example: str, record: int | None) -> None:
        self.values += values
        if self.example is None or (record is not None and self.record is not None and record < self.record):
            self.example, self.record = example, record


def _earlier(*records: int | None) -> int | None:
    return min((record for record in records if record is not None), default=None)


def decided(verdict: Verdict, shown: str) -> DatePattern | None:
    """The pattern of the column that is shown under this name; None where it has no values.

    Raises `AmbiguousDates` and `UnreadableDates`, whose texts hold no value of the file.
    """
    if verdict.outcome is Outcome.AMBIGUOUS:
        raise AmbiguousDates(_ambiguity(verdict, shown))
    if verdict.outcome in (Outcome.UNREADABLE, Outcome.MIXED):
        raise UnreadableDates(_unreadable(verdict, shown))
    return verdict.pattern


def told(verdict: Verdict, shown: str) -> str:
    """What was decided and by what, for the receipt; without a value of the file."""
    assert verdict.pattern is not None
    text = f"The dates of {shown!r} were read as {verdict.pattern.pattern}, which reads {_values(verdict.read)}"
    if len(verdict.readings) > 1:
        rival = verdict.readings[1]
        missed = f"does not read {rival.missed:,} of them" if rival.missed else "reads them as the same days"
        text += f"; {rival.pattern.pattern} {missed}"
    if verdict.present > verdict.read:
        text += f"; {_values(verdict.present - verdict.read)} could be read by no pattern"
    return f"{text}."


def _ambiguity(verdict: Verdict, shown: str) -> str:
    patterns = [reading.pattern for reading in verdict.readings]
    written = patterns[0].write(_EXAMPLE)
    meant = "; ".join(
        f"as {pattern.pattern} it would be {iso}" for pattern in patterns if (iso := _iso(written, pattern))
    )
    where = "" if verdict.differs is None else f", first in record {verdict.differs:,}"
    names = " and ".join(pattern.pattern for pattern in patterns)
    return (
        f"Found {_values(verdict.read)} of {shown!r} that can all be read as {names}, with different meanings{where}; "
        f"expected one reading. For instance {written}: {meant}."
    )


def _unreadable(verdict: Verdict, shown: str) -> str:
    best = verdict.readings[:2]
    if verdict.outcome is Outcome.MIXED:
        parts = [
            f"{each.pattern.pattern}, which reads {each.values:,} but not {each.missed:,} more"
            + ("" if each.record is None else f" (first in record {each.record:,})")
            for each in best
        ]
        return f"Found {_values(verdict.read)} of {shown!r} that no one pattern reads: {', and '.join(parts)}."
    found = (
        f"Found {_values(verdict.present)} of {shown!r}, of which {verdict.read:,} are in a date notation that is known"
    )
    notation = f", {best[0].pattern.pattern}" if best else ""
    return f"{found}{notation}; expected at least half of them."


def _iso(written: str, pattern: DatePattern) -> str | None:
    read, is_bad = moments(pl.Series([written]), pattern, "UTC")[:2]
    return (
        None if is_bad.item() else str(read.item())[: len("YYYY-MM-DDTHH:mm:ss" if pattern.has_time else "YYYY-MM-DD")]
    )


def _values(number: int) -> str:
    return f"{number:,} value{'' if number == 1 else 's'}"
