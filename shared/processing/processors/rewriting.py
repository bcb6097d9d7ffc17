"""Processors that read values of a type and write them in another way: reformat_date, reformat_number, hash."""

import hashlib

import polars as pl

from shared.domain.dates import DatePattern, date_pattern
from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.domain.processors.rewriting import Hash, ReformatDate, ReformatNumber, WrittenNumber
from shared.domain.property import PropertyType
from shared.domain.reject import RejectCode
from shared.processing.clock import to_local
from shared.processing.file_columns import FileColumns
from shared.processing.moments import dates, moments
from shared.processing.processors.step import Step, Work, coded, grown, nothing_in, place_of, step_at, without
from shared.processing.readings import typed_as
from shared.processing.written_dates import ISO_LOCAL, as_epoch, in_pattern, offsets_of

_DIGEST_BYTES = 128


def reformat_date(processor: ReformatDate, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Dates and times in another pattern."""
    try:
        source = date_pattern(processor.source or dialect.date_format)
    except ValueError as error:
        raise InvalidGoal(f"The dateFormat of a processor: {error}.") from error
    target = date_pattern(processor.target)
    zone = processor.timezone or dialect.timezone

    def work(values: pl.Series) -> Work:
        present = without(nothing_in(values, dialect), values.str.strip_chars())
        if source.has_time or target.has_time or target.unit is not None:
            found, is_bad, *_ = moments(present, source, dialect.timezone)
            good = pl.select(pl.when(~is_bad).then(found)).to_series()
            instants = good.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC")
            written = _written(instants, zone, target)
        else:
            found, is_bad = dates(present, source)
            good = pl.select(pl.when(~is_bad).then(found)).to_series()
            written = good if target.pattern == "YYYY-MM-DD" else in_pattern(good, target)
        return Work(written.fill_null(""), coded(written.is_null() & present.is_not_null(), RejectCode.NOT_A_DATE))

    place = place_of(processor, columns)
    size = grown(place.source.key, 1, 8 * len(processor.target))
    return [step_at(place, dialect, work, on_failure=processor.on_failure, size_after=size)]


def reformat_number(processor: ReformatNumber, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Numbers with other characters."""
    reading = dialect
    if processor.source is not None:
        marks = {"decimal_char": processor.source.decimal_char, "group_char": processor.source.group_char}
        reading = dialect.model_copy(update=marks)

    def work(values: pl.Series) -> Work:
        read = typed_as(values, PropertyType.NUMBER, reading)
        written, is_precise = _number_written(read.values, processor.target)
        too_precise = coded(is_precise, RejectCode.TOO_PRECISE)
        found = [each for each in (read.codes, too_precise) if each is not None]
        return Work(written.fill_null(""), pl.select(pl.coalesce(found)).to_series() if found else None)

    place = place_of(processor, columns)
    size = grown(place.source.key, 2, 20)
    return [step_at(place, dialect, work, on_failure=processor.on_failure, size_after=size)]


def hash_values(processor: Hash, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Digests."""

    def digest(value: str) -> str:
        # Not for secrets: the caller is told so, and partners match by all of these.
        return hashlib.new(processor.algorithm, value.encode(), usedforsecurity=False).hexdigest()

    def work(values: pl.Series) -> Work:
        distinct = values.unique()
        if 2 * distinct.len() > values.len():
            return Work(pl.Series(values.name, [digest(one) for one in values], dtype=pl.String))
        digests = pl.Series([digest(one) for one in distinct], dtype=pl.String)
        return Work(values.replace_strict(distinct, digests, return_dtype=pl.String))

    place = place_of(processor, columns)
    size = grown(place.source.key, 0, _DIGEST_BYTES)
    return [step_at(place, dialect, work, on_failure=processor.on_failure, size_after=size)]


def _written(instants: pl.Series, zone: str, target: DatePattern) -> pl.Series:
    """Moments in a pattern, null where the pattern cannot tell them."""
    if target.unit is not None:
        return as_epoch(instants, target)
    local, offsets = to_local(instants, zone), None
    if target.has("zone"):
        offsets = offsets_of(local, instants)
        # The moment stays the same, where the clocks went by fractions of a minute.
        local = instants.dt.replace_time_zone(None) + pl.select(pl.duration(minutes=pl.lit(offsets))).to_series()
    return in_pattern(local.dt.to_string(ISO_LOCAL), target, offsets)


def _number_written(canonical: pl.Series, target: WrittenNumber) -> tuple[pl.Series, pl.Series]:
    """Canonical numbers (`-1234.5`) with the characters wanted, and which have too many decimals for it."""
    if target == WrittenNumber():
        return canonical, pl.Series([False]).new_from_index(0, canonical.len())
    parts = canonical.str.split_exact(".", 1).struct.unnest()
    whole, decimals = parts.to_series(0), parts.to_series(1).fill_null("")
    is_precise = (decimals.str.len_bytes() > (10 if target.decimals is None else target.decimals)).fill_null(
        value=False
    )
    if target.group_char is not None:
        backwards = whole.str.reverse().str.replace_all("([0-9]{3})", "${1},")
        whole = backwards.str.reverse().str.replace(r"\A(-?),", "${1}")
        whole = whole.str.replace_all(",", target.group_char, literal=True)
    if target.decimals is not None:
        decimals = decimals.str.pad_end(target.decimals, "0")
    behind = pl.when(pl.lit(decimals) == "").then(pl.lit("")).otherwise(pl.lit(target.decimal_char) + pl.lit(decimals))
    return pl.select(pl.lit(whole) + behind).to_series().alias(canonical.name), is_precise
