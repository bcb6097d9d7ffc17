"""Dates and times in a pattern, for whole columns: the way back of what moments.py reads.

A local time comes as ISO text, `2026-11-22 05:00:00.123456` with as many digits of the fraction as it has, or as a day
alone; its parts stand in fixed places, and nothing is taken apart that is not written. Years run from 0001 to 9999.
"""

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from shared.domain.dates import DatePattern

ISO_LOCAL = "%Y-%m-%d %H:%M:%S%.6f"
_WHOLE_SECONDS = len("2026-11-22 05:00:00")
_MICROSECOND = timedelta(microseconds=1)


def in_pattern(local: pl.Series, target: DatePattern, offsets: pl.Series | None = None) -> pl.Series:
    """Local times in a pattern that is no epoch; null where the pattern cannot tell them.

    `offsets` are whole minutes from UTC, wanted where the pattern names the zone.
    """
    x = pl.lit(local)
    pieces = []
    for name, literal in target.parts:
        if name == "zone":
            assert offsets is not None
            pieces.append(zone_of(offsets))
        else:
            pieces.append(_PIECES[name](x) if name else pl.lit(literal))
    text = pl.when(x.is_not_null()).then(pl.concat_str(pieces))
    if target.has("short_year"):
        first = 1900 + target.pivot_year
        tells = x.str.slice(0, 4).is_between(pl.lit(f"{first:04d}"), pl.lit(f"{first + 99:04d}"))
        text = pl.when(tells).then(text)
    return pl.select(text).to_series().alias(local.name)


def driver_pattern(target: DatePattern) -> str | None:
    """The pattern in the notation of polars' `to_string`; None where that has no word for a part."""
    if not all(name in _DIRECTIVES for name, _ in target.parts):
        return None
    return "".join(_DIRECTIVES[name] or literal.replace("%", "%%") for name, literal in target.parts)


def instants_of(written: pl.Series) -> pl.Series:
    """Moments from ISO text in UTC, `2026-11-22 05:00:00`, with or without a fraction of a second."""
    # Looking for a fraction takes the driver three times as long as reading all the rest.
    fraction = "%.f" if (written.str.len_bytes() != _WHOLE_SECONDS).any() else ""
    return written.str.to_datetime(f"%Y-%m-%d %H:%M:%S{fraction}", time_unit="us", time_zone="UTC")


def as_epoch(instants: pl.Series, target: DatePattern) -> pl.Series:
    """Moments counted since 1970, in the pattern's unit; what is smaller is left out."""
    assert target.unit is not None
    return (instants.dt.epoch("us") // (target.unit // _MICROSECOND)).cast(pl.String)


def zone_of(offsets: pl.Series) -> pl.Expr:
    """Minutes from UTC as +02:00."""
    minutes = pl.lit(offsets)
    size = minutes.abs()
    sign = pl.when(minutes < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    return pl.concat_str([sign, _padded(size // 60), pl.lit(":"), _padded(size % 60)])


def offsets_of(local: pl.Series, instants: pl.Series) -> pl.Series:
    """Whole minutes between local times and the moments that they are.

    Before 1972 clocks went by fractions of a minute, for which no notation has room: they are cut off.
    """
    return (local - instants.dt.replace_time_zone(None)).dt.total_minutes()


def _padded(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.zfill(2)


def _short(text: pl.Expr) -> pl.Expr:
    return text.str.replace(r"\A0", "")


_DIRECTIVES = {
    "": "",
    "year": "%Y",
    "month": "%m",
    "short_month": "%-m",
    "day": "%d",
    "short_day": "%-d",
    "hour": "%H",
    "short_hour": "%-H",
    "minute": "%M",
    "second": "%S",
    "millisecond": "%3f",
}
"""What polars calls the parts (https://docs.rs/chrono/latest/chrono/format/strftime/); it knows no year of two digits
that has a pivot, and no zone as files have it."""

_PIECES: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "year": lambda x: x.str.slice(0, 4),
    "short_year": lambda x: x.str.slice(2, 2),
    "month": lambda x: x.str.slice(5, 2),
    "short_month": lambda x: _short(x.str.slice(5, 2)),
    "day": lambda x: x.str.slice(8, 2),
    "short_day": lambda x: _short(x.str.slice(8, 2)),
    "hour": lambda x: x.str.slice(11, 2),
    "short_hour": lambda x: _short(x.str.slice(11, 2)),
    "minute": lambda x: x.str.slice(14, 2),
    "second": lambda x: x.str.slice(17, 2),
    "millisecond": lambda x: x.str.slice(20, 3).str.pad_end(3, "0"),
}
