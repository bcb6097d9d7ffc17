"""Dates and times for whole columns: proved by an anchored expression, then converted, then written as ISO 8601.

A time without a zone is in the dialect's zone. One that the clocks skip, or that comes twice when they are set back,
names no moment for certain and is not taken. A datetime whose pattern has no time may carry one in ISO notation
(`T10:30`, ` 10:30:05.5`, a zone behind it); without one it is midnight in the dialect's zone. Years run from 0001 to
9999.
"""

from datetime import UTC, datetime

import polars as pl

from shared.domain.dates import EXPRESSIONS, PIVOT_YEAR, DatePattern

_ISO_TIME = (
    rf"(?:[T ]{EXPRESSIONS['hour']}:{EXPRESSIONS['minute']}"
    rf"(?::{EXPRESSIONS['second']}(?:[.,](?P<fraction>[0-9]{{1,6}}))?)? ?{EXPRESSIONS['zone']}?)?"
)
_PLAIN = r"\A[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_DAYS = ("YYYY-MM-DD", "yyyy-MM-dd")
_LOCAL_PATTERNS = (*_DAYS, *(f"{day}THH:mm:ss" for day in _DAYS))
_ZULU_PATTERNS = (*_DAYS, *(f"{day}THH:mm:ssZ" for day in _DAYS))
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_OUTPUT = "%Y-%m-%dT%H:%M:%S%.6f+00:00"


def dates(values: pl.Series, pattern: DatePattern) -> tuple[pl.Series, pl.Series]:
    """ISO dates, and which values are no dates in the pattern."""
    fits = values.str.contains(rf"\A{pattern.expression}\z")
    if pattern.pattern.upper() == "YYYY-MM-DD":
        iso = values
    else:
        iso = _iso_dates(_parts(values, rf"\A{pattern.expression}\z"))
    # Only the calendar is left to ask for, in a form that allows one reading.
    is_day = iso.str.to_date("%Y-%m-%d", strict=False).is_not_null() & ~iso.str.starts_with("0000")
    is_bad = ~(fits & is_day).fill_null(value=False) & values.is_not_null()
    return iso, is_bad


def datetimes(values: pl.Series, pattern: DatePattern, zone: str) -> tuple[pl.Series, pl.Series]:
    """ISO moments in UTC, and which values are no moments in the pattern."""
    plain, stated = _plain(values, pattern, zone)
    moments = _composed(values, pattern, zone) if plain is None else _read_plain(plain, stated)
    is_moment = moments.is_between(_FIRST, _LAST).fill_null(value=False)
    # Writing a million moments costs more than reading them; a value that is written so already is taken as it is.
    iso = moments.dt.to_string(_OUTPUT) if plain is None or stated != "UTC" else plain + "+00:00"
    return iso.alias(values.name), ~is_moment & values.is_not_null()


def _plain(values: pl.Series, pattern: DatePattern, zone: str) -> tuple[pl.Series | None, str]:
    """A column that is ISO 8601 to the second throughout, all with `Z` or all without: without it, and its zone.

    Taking every value apart costs ten times as much.
    """
    if pattern.pattern in _LOCAL_PATTERNS and values.str.contains(rf"{_PLAIN}\z").all():
        return values, zone
    if pattern.pattern in _ZULU_PATTERNS and values.str.contains(rf"{_PLAIN}Z\z").all():
        return values.str.strip_suffix("Z"), "UTC"
    return None, zone


def _read_plain(values: pl.Series, zone: str) -> pl.Series:
    return _in_utc(values.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us"), zone)


def _composed(values: pl.Series, pattern: DatePattern, zone: str) -> pl.Series:
    """Moments put together from the parts that an anchored expression found."""
    expression = pattern.expression if pattern.has_time else pattern.expression + _ISO_TIME
    parts = _parts(values, rf"\A{expression}\z")
    written = parts.select(
        text=pl.lit("") + _iso_dates(parts) + "T" + _part(parts, "hour") + ":" + _part(parts, "minute") + ":"
        + _part(parts, "second") + "." + _part(parts, "fraction").str.pad_end(6, "0"),
        offset=_named(parts, "zone"),
    )  # fmt: skip  # the pieces of the text in their order
    stated = written["offset"]
    naive = written["text"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    local = _in_utc(naive, zone)
    if stated.is_null().all():
        return local
    # One notation of the offset, because the library reads some of them as it likes.
    offset = stated.str.replace("Z", "+00:00", literal=True).str.replace(r"\A(...)([0-9]{2})\z", "${1}:${2}")
    moment = (written["text"] + offset).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us")
    return pl.select(pl.when(stated.is_null()).then(local).otherwise(moment)).to_series()


def _in_utc(naive: pl.Series, zone: str) -> pl.Series:
    if zone == "UTC":
        return naive.dt.replace_time_zone("UTC")
    local = naive.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def _parts(values: pl.Series, expression: str) -> pl.DataFrame:
    return values.str.extract_groups(expression).struct.unnest()


def _named(parts: pl.DataFrame, name: str) -> pl.Series:
    if name in parts.columns:
        return parts[name]
    return pl.Series([None], dtype=pl.String).new_from_index(0, parts.height)


def _part(parts: pl.DataFrame, name: str) -> pl.Series:
    """A part of the time, zero where it is not written."""
    return _named(parts, name).fill_null("00")


def _iso_dates(parts: pl.DataFrame) -> pl.Series:
    if "year" in parts.columns:
        year = pl.col("year")
    else:
        is_last_century = pl.col("short_year").cast(pl.Int32) >= PIVOT_YEAR
        year = pl.when(is_last_century).then(pl.lit("19")).otherwise(pl.lit("20")) + pl.col("short_year")
    return parts.select(iso=year + "-" + pl.col("month") + "-" + pl.col("day")).to_series()
