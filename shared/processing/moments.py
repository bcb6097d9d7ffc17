"""Dates and times for whole columns: proved by an anchored expression, then converted, then written as ISO 8601.

A time without a zone is in the dialect's zone. What becomes of one that the clocks skip, or that comes twice when they
are set back, says clock.py. A datetime whose pattern has no time may carry one in ISO notation (`T10:30`,
` 10:30:05.5`, a zone behind it); without one it is midnight in the dialect's zone. A date whose pattern has a time must
be written with midnight, and an epoch must be a midnight in the dialect's zone: what a date has no room for is not cut
off. Where the pattern is an epoch, a date may also be written YYYY-MM-DD, as exports write it. Years run from 0001 to
9999.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from shared.domain.dates import EXPRESSIONS, DatePattern, date_pattern
from shared.processing.clock import Converted, to_local, to_utc

ISO_TIME = (
    rf"(?:[T ]{EXPRESSIONS['hour']}:{EXPRESSIONS['minute']}"
    rf"(?::{EXPRESSIONS['second']}(?:[.,](?P<fraction>[0-9]{{1,6}}))?)? ?{EXPRESSIONS['zone']}?)?"
)
_PLAIN = r"\A[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_DAY = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_DAYS = ("YYYY-MM-DD", "yyyy-MM-dd")
_LOCAL_PATTERNS = (*_DAYS, *(f"{day}THH:mm:ss" for day in _DAYS))
_ZULU_PATTERNS = (*_DAYS, *(f"{day}THH:mm:ssZ" for day in _DAYS))
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_OUTPUT = "%Y-%m-%dT%H:%M:%S%.6f+00:00"
_MICROSECOND = timedelta(microseconds=1)
_TIMES = ("hour", "minute", "second", "fraction")


class Moments(NamedTuple):
    """ISO moments in UTC, which values are none in the pattern, and how many the clocks skipped or had twice."""

    values: pl.Series
    is_bad: pl.Series
    skipped: int
    """Local times that no clock showed: moved forward by what was skipped, or among the bad."""
    repeated: int
    """Local times that the clocks showed twice: the earlier taken, or among the bad."""


def dates(values: pl.Series, pattern: DatePattern, zone: str = "UTC") -> tuple[pl.Series, pl.Series]:
    """ISO dates, and which values are no dates in the pattern. `zone` says where an epoch's midnight is."""
    if pattern.unit is not None:
        return _days_or_epochs(values, pattern, zone)
    expression = rf"\A{pattern.expression}\z"
    if pattern.pattern.upper() == "YYYY-MM-DD":
        iso, fits = values, values.str.contains(expression)
    else:
        parts = _parts(values, expression)
        iso = _iso_dates(parts, pattern)
        fits = iso.is_not_null()
        for part in _TIMES:
            if part in parts.columns:
                fits &= parts[part].str.strip_chars("0") == ""
    # Only the calendar is left to ask for, in a form that allows one reading.
    is_day = iso.str.to_date("%Y-%m-%d", strict=False).is_not_null() & ~iso.str.starts_with("0000")
    is_bad = ~(fits & is_day).fill_null(value=False) & values.is_not_null()
    return iso, is_bad


def moments(values: pl.Series, pattern: DatePattern, zone: str) -> Moments:
    """The moments that a column of text names in a pattern, local times in `zone`."""
    plain, stated = _plain(values, pattern, zone)
    if plain is not None:
        found = to_utc(plain.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us"), stated)
    elif pattern.unit is not None:
        found = Converted(_epochs(values, pattern, pattern.unit))
    else:
        found = _composed(values, pattern, zone)
    is_moment = found.moments.is_between(_FIRST, _LAST).fill_null(value=False)
    # Writing a million moments costs more than reading them; a value that is written so already is taken as it is.
    iso = plain + "+00:00" if plain is not None and stated == "UTC" else found.moments.dt.to_string(_OUTPUT)
    return Moments(iso.alias(values.name), ~is_moment & values.is_not_null(), found.skipped, found.repeated)


def _plain(values: pl.Series, pattern: DatePattern, zone: str) -> tuple[pl.Series | None, str]:
    """A column that is ISO 8601 to the second throughout, all with `Z` or all without: without it, and its zone.

    Taking every value apart costs ten times as much.
    """
    if pattern.pattern in _LOCAL_PATTERNS and values.str.contains(rf"{_PLAIN}\z").all():
        return values, zone
    if pattern.pattern in _ZULU_PATTERNS and values.str.contains(rf"{_PLAIN}Z\z").all():
        return values.str.strip_suffix("Z"), "UTC"
    return None, zone


def _composed(values: pl.Series, pattern: DatePattern, zone: str) -> Converted:
    """Moments put together from the parts that an anchored expression found."""
    expression = pattern.expression if pattern.has_time else pattern.expression + ISO_TIME
    parts = _parts(values, rf"\A{expression}\z")
    hour = _part(parts, "hour")
    if not pattern.is_fixed:
        hour = hour.str.zfill(2)
    written = parts.select(
        text=pl.lit("") + _iso_dates(parts, pattern) + "T" + hour + ":"
        + _part(parts, "minute") + ":" + _part(parts, "second") + "." + _part(parts, "fraction").str.pad_end(6, "0"),
        offset=_named(parts, "zone"),
    )  # fmt: skip  # the pieces of the text in their order
    stated = written["offset"]
    naive = written["text"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    if stated.is_null().all():
        return to_utc(naive, zone)
    has_none = pl.select(pl.when(stated.is_null()).then(naive)).to_series()
    local = to_utc(has_none, zone)
    # One notation of the offset, because the library reads some of them as it likes.
    offset = stated.str.replace("Z", "+00:00", literal=True).str.replace(r"\A(...)([0-9]{2})\z", "${1}:${2}")
    absolute = (written["text"] + offset).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us")
    both = pl.select(pl.when(stated.is_null()).then(local.moments).otherwise(absolute)).to_series()
    return local._replace(moments=both)


def _epochs(values: pl.Series, pattern: DatePattern, unit: timedelta) -> pl.Series:
    """Moments of counts since 1970, exactly."""
    scale = unit // _MICROSECOND
    parts = _parts(values, rf"\A{pattern.expression}\z")
    micros = parts["epoch"].cast(pl.Int64) * scale
    if parts["fraction"].is_not_null().any():
        fraction = parts["fraction"].fill_null("0").str.pad_end(len(str(scale)) - 1, "0").cast(pl.Int64)
        sign = pl.when(parts["epoch"].str.starts_with("-")).then(-1).otherwise(1)
        micros = pl.select(micros + sign * fraction).to_series()
    return micros.cast(pl.Datetime("us", "UTC"))


def _days_or_epochs(values: pl.Series, pattern: DatePattern, zone: str) -> tuple[pl.Series, pl.Series]:
    """Dates as exports write them where the pattern is an epoch, YYYY-MM-DD, and midnights that are counted."""
    assert pattern.unit is not None
    is_day = values.str.contains(_DAY)
    if not is_day.any():
        return _epoch_days(values, pattern, pattern.unit, zone)
    days, is_no_day = dates(values, date_pattern(_DAYS[0]))
    counted, is_no_count = _epoch_days(values, pattern, pattern.unit, zone)
    iso = pl.select(pl.when(is_day).then(days).otherwise(counted)).to_series()
    return iso.alias(values.name), pl.select(pl.when(is_day).then(is_no_day).otherwise(is_no_count)).to_series()


def _epoch_days(values: pl.Series, pattern: DatePattern, unit: timedelta, zone: str) -> tuple[pl.Series, pl.Series]:
    read = _epochs(values, pattern, unit)
    local = to_local(pl.select(pl.when(read.is_between(_FIRST, _LAST)).then(read)).to_series(), zone)
    is_day = (local == local.dt.truncate("1d")).fill_null(value=False)
    return local.dt.to_string("%Y-%m-%d").alias(values.name), ~is_day & values.is_not_null()


def _parts(values: pl.Series, expression: str) -> pl.DataFrame:
    return values.str.extract_groups(expression).struct.unnest()


def _named(parts: pl.DataFrame, name: str) -> pl.Series:
    if name in parts.columns:
        return parts[name]
    return pl.Series([None], dtype=pl.String).new_from_index(0, parts.height)


def _part(parts: pl.DataFrame, name: str) -> pl.Series:
    """A part of the time, zero where it is not written."""
    return _named(parts, name).fill_null("00")


def _iso_dates(parts: pl.DataFrame, pattern: DatePattern) -> pl.Series:
    if "year" in parts.columns:
        year = pl.col("year")
    else:
        is_last_century = pl.col("short_year").cast(pl.Int32) >= pattern.pivot_year
        year = pl.when(is_last_century).then(pl.lit("19")).otherwise(pl.lit("20")) + pl.col("short_year")
    month, day = pl.col("month"), pl.col("day")
    if not pattern.is_fixed:
        month, day = month.str.zfill(2), day.str.zfill(2)
    return parts.select(iso=year + "-" + month + "-" + day).to_series()
