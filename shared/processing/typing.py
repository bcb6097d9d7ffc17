"""Turn batches of text into typed rows that are ready for staging, and name those that are not.

A bad value rejects its row, or itself alone where the goal says so; of a row the first bad field gives code and name:
identifiers first, then the mapping's order. No Python runs per good row. What is missing here on purpose: knowledge of
files, of paths and of the database.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import numpy.typing as npt
import polars as pl

from shared.domain.fields import MappedField
from shared.domain.property import PropertyType
from shared.domain.reject import Reject, RejectCode, ValueReject
from shared.processing.choices import adds_choices, new_choices
from shared.processing.column import Column
from shared.processing.constants import repeated
from shared.processing.identity import is_too_long, keys_of
from shared.processing.mapping import MappedColumn, MappingPlan
from shared.processing.values import typed

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Typed:
    """The rows of one batch after typing.

    `good` has the columns of `MappingPlan.staged`: `record_number` and `line_number` (Int64), then `k_<name>` of every
    identifier (String), then `p_<name>` of every mapped property: Int64 for integer, Boolean for boolean, else
    String: numbers canonical, dates ISO, datetimes ISO with +00:00, lists as PostgreSQL array literals. Never an empty
    string: no value is null. Last `a_<name>` (Boolean), where a value that is absent must be told from none.
    """

    good: pl.DataFrame
    rejects: tuple[Reject, ...]
    value_rejects: tuple[ValueReject, ...] = ()
    """Values of good rows that were not taken."""
    new_choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Words that become choices, by property."""
    skipped_times: int = 0
    """Local times that no clock showed, moved forward."""
    repeated_times: int = 0
    """Local times that the clocks showed twice, read as the earlier."""
    named: pl.DataFrame | None = None
    """Whom the rejects name, where the plan asks for it: see `named`."""


@dataclass(slots=True)
class _Reading:
    """One batch while its columns are read."""

    frame: pl.DataFrame
    keys: dict[str, pl.Series] = field(default_factory=dict)
    values: dict[str, pl.Series] = field(default_factory=dict)
    flags: dict[str, pl.Series] = field(default_factory=dict)
    faults: list[tuple[str | None, pl.Series]] = field(default_factory=list)
    """Codes that reject rows, with the name of the field."""
    skipped_times: int = 0
    repeated_times: int = 0
    value_faults: list[tuple[MappedColumn, pl.Series]] = field(default_factory=list)
    """Codes that reject values."""

    def note(self, shown: str | None, codes: pl.Series | None) -> None:
        """Rows with a code are not imported."""
        if codes is not None:
            self.faults.append((shown, codes))

    def add(self, column: MappedColumn) -> pl.Series:
        """Read a column; its values."""
        raw = None if column.position is None else self.frame[f"c{column.position}"]
        said = column.entry.constant if isinstance(column.entry, MappedField) else None
        if said is not None:
            found = repeated(said, column, self.frame.height)
        else:
            found = _absent(self.frame.height) if raw is None else _checked(typed(raw, column), column)
        self.values[column.property.column] = found.values
        self.skipped_times += found.skipped_times
        self.repeated_times += found.repeated_times
        if column.is_lenient and found.codes is not None:
            self.value_faults.append((column, found.codes))
        else:
            self.note(column.shown, found.codes)
        if column.flag is not None:
            self.flags[column.flag] = _flagged(found, column, is_missing=raw is None)
        return found.values

    def add_key(self, column: MappedColumn, values: pl.Series) -> pl.Series:
        """The comparable keys of an identifier's values."""
        key = keys_of(_as_text(values, column.property.type), column.property.type)
        too_long = _marked(is_too_long(key), RejectCode.IDENTIFIER_TOO_LONG)
        if too_long is not None and column.is_lenient:
            self.value_faults.append((column, too_long))
            key = _indexed(key)
            has_key = key.is_not_null()
            self.values[column.property.column] = pl.select(pl.when(has_key).then(values)).to_series()
        else:
            self.note(column.shown, too_long)
        self.keys[column.property.key_column] = key
        return key


def apply(
    frame: pl.DataFrame,
    record_numbers: Numbers,
    line_numbers: Numbers,
    plan: MappingPlan,
    original: Callable[[], pl.DataFrame] | None = None,
) -> Typed:
    """Type the rows of a frame of text columns `c0`, `c1`, ... without nulls.

    `original` gives the same rows as they were read, where processors changed them: rejects are handed back so.
    """
    reading = _Reading(frame)
    for place, column in enumerate(plan.columns):
        values = reading.add(column)
        if column.property.is_identifier:
            reading.add_key(column, values)
        if place == plan.identifiers - 1:
            is_nameless = pl.select(pl.all_horizontal(*(key.is_null() for key in reading.keys.values()))).to_series()
            reading.note(plan.columns[0].shown, _marked(is_nameless, RejectCode.NO_IDENTIFIER))
    numbers = {
        "record_number": pl.Series(record_numbers, dtype=pl.Int64),
        "line_number": pl.Series(line_numbers, dtype=pl.Int64),
    }
    good = pl.DataFrame({**numbers, **reading.keys, **reading.values, **reading.flags})
    rejects: tuple[Reject, ...] = ()
    is_good = named = None
    if reading.faults:
        code, shown = _first_faults(reading.faults)
        read = frame if original is None else original()
        rejects = _rejects(read, record_numbers, line_numbers, code, shown)
        is_good = code.is_null()
        good = good.filter(is_good)
        if plan.names_rejects:
            named = _named(reading, numbers["record_number"], plan).filter(code.is_not_null())
    value_rejects = tuple(_value_rejects(reading, is_good, numbers, plan))
    return Typed(
        good=good,
        rejects=rejects,
        value_rejects=value_rejects,
        new_choices=_new_choices(good, plan),
        skipped_times=reading.skipped_times,
        repeated_times=reading.repeated_times,
        named=named,
    )


def named(frame: pl.DataFrame, record_numbers: Numbers, plan: MappingPlan) -> pl.DataFrame:
    """Whom rows name that are not imported, because a processor rejected them; `frame` has the plan's `naming` columns.

    A row each: `record_number`, then `k_<name>` of every column in `plan.names` (String), null where the row has none
    that can be read, `opt_out` (Boolean), null where the row says nothing of it, and `is_doubtful` (Boolean): whether
    one of the goal's identifiers has a value that cannot be read, so that the row may name somebody else as well.
    """
    reading = _Reading(frame)
    for column in plan.names:
        reading.add_key(column, reading.add(column))
    for column in plan.words:
        reading.add(column)
    return _named(reading, pl.Series(record_numbers, dtype=pl.Int64), plan)


def _named(reading: _Reading, record_numbers: pl.Series, plan: MappingPlan) -> pl.DataFrame:
    names = [column.property.key_column for column in plan.names]
    # A key that is too long can be no profile's.
    keys = {name: _indexed(reading.keys[name]) for name in names}
    says = [reading.values[column.property.column] for column in plan.words]
    # A word that cannot be read is none, also where the column has no good one.
    opt_in = (says[0] if says else _absent(record_numbers.len()).values).cast(pl.Boolean)
    doubts = [_is_unread(reading, column, keys) for column in plan.names[: plan.identifiers]]
    is_doubtful = (
        pl.select(pl.any_horizontal(*doubts)).to_series()
        if doubts
        else pl.repeat(value=False, n=record_numbers.len(), eager=True)
    )
    return pl.DataFrame({"record_number": record_numbers, **keys, "opt_out": ~opt_in, "is_doubtful": is_doubtful})


def _is_unread(reading: _Reading, column: MappedColumn, keys: Mapping[str, pl.Series]) -> pl.Series:
    """Whether a row has text where it has no key."""
    has_none = keys[column.property.key_column].is_null()
    if column.position is None:
        return has_none & False
    text = reading.frame[f"c{column.position}"]
    return has_none & (text.str.strip_chars() != "")


def _indexed(keys: pl.Series) -> pl.Series:
    is_bad = is_too_long(keys)
    return pl.select(pl.when(~is_bad).then(keys)).to_series() if is_bad.any() else keys


def _absent(height: int) -> Column:
    return Column(pl.Series([None], dtype=pl.String).new_from_index(0, height))


def _checked(found: Column, column: MappedColumn) -> Column:
    """With a code for what is empty, where that is not allowed."""
    entry = column.entry
    if not isinstance(entry, MappedField) or entry.empty_allowed or not found.values.null_count():
        return found
    if column.is_blank_absent:
        return found
    codes = pl.select(pl.when(found.values.is_null()).then(pl.lit(RejectCode.EMPTY_VALUE.value))).to_series()
    if found.codes is not None:
        codes = pl.select(pl.coalesce(found.codes, codes)).to_series()
    return found._replace(codes=codes)


def _flagged(found: Column, column: MappedColumn, *, is_missing: bool) -> pl.Series:
    if column.is_blank_absent:
        return found.values.is_null()
    if found.codes is None:
        return pl.Series([is_missing], dtype=pl.Boolean).new_from_index(0, found.values.len())
    return found.codes.is_not_null()


def _value_rejects(
    reading: _Reading, is_good: pl.Series | None, numbers: Mapping[str, pl.Series], plan: MappingPlan
) -> Iterator[ValueReject]:
    # One column may name by two identifiers, and feed two properties: a value of it is rejected once.
    named = [
        reading.frame[f"c{column.position}"].alias(str(n)) for n, column in enumerate(plan.columns[: plan.identifiers])
    ]
    faults: dict[int | None, tuple[MappedColumn, pl.Series]] = {}
    for column, codes in reading.value_faults:
        first, before = faults.get(column.position, (column, codes))
        faults[column.position] = first, pl.select(pl.coalesce(before, codes)).to_series()
    for column, codes in faults.values():
        is_bad = codes.is_not_null() if is_good is None else codes.is_not_null() & is_good
        if not is_bad.any():
            continue
        assert column.position is not None
        rows = zip(
            numbers["record_number"].filter(is_bad).to_list(),
            numbers["line_number"].filter(is_bad).to_list(),
            codes.filter(is_bad).to_list(),
            reading.frame[f"c{column.position}"].filter(is_bad).to_list(),
            # A frame without columns has no rows.
            pl.DataFrame(named).filter(is_bad).iter_rows() if named else repeat((), int(is_bad.sum())),
            strict=True,
        )
        for record, line, code, raw, identifiers in rows:
            yield ValueReject(
                record_number=record,
                line_number=line,
                code=RejectCode(code),
                position=column.position,
                field=column.shown,
                raw=raw,
                identifiers=identifiers,
            )


def _new_choices(good: pl.DataFrame, plan: MappingPlan) -> dict[str, list[str]]:
    found = {
        column.property.name: new_choices(good[column.property.column], column)
        for column in plan.columns
        if adds_choices(column)
    }
    return {name: choices for name, choices in found.items() if choices}


def staging_csv(frame: pl.DataFrame) -> bytes:
    """A typed frame as CSV for `COPY ... WITH (FORMAT csv, NULL '')`: an empty field is NULL, nothing else is empty."""
    file = io.BytesIO()
    frame.write_csv(file, include_header=False, null_value="", quote_style="necessary")
    return file.getvalue()


def _as_text(values: pl.Series, kind: PropertyType) -> pl.Series:
    return values.cast(pl.String) if kind in (PropertyType.INTEGER, PropertyType.BOOLEAN) else values


def _marked(is_bad: pl.Series, code: RejectCode) -> pl.Series | None:
    return pl.select(pl.when(is_bad).then(pl.lit(code.value))).to_series() if is_bad.any() else None


def _first_faults(faults: list[tuple[str | None, pl.Series]]) -> tuple[pl.Series, pl.Series]:
    """Per row the first code and the name of its field, null where the row is good."""
    code = pl.select(pl.coalesce([codes for _, codes in faults])).to_series()
    fields = [pl.when(codes.is_not_null()).then(pl.lit(field)) for field, codes in faults]
    return code, pl.select(pl.coalesce(fields)).to_series()


def _rejects(
    frame: pl.DataFrame, record_numbers: Numbers, line_numbers: Numbers, code: pl.Series, field: pl.Series
) -> tuple[Reject, ...]:
    is_bad = code.is_not_null()
    bad = is_bad.to_numpy()
    return tuple(
        Reject(record_number=record, line_number=line, code=RejectCode(why), field=where, raw=raw)
        for record, line, why, where, raw in zip(
            record_numbers[bad].tolist(),
            line_numbers[bad].tolist(),
            code.filter(is_bad).to_list(),
            field.filter(is_bad).to_list(),
            frame.filter(is_bad).iter_rows(),
            strict=True,
        )
    )
