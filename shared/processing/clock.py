"""Between local time and UTC, for whole columns.

A local time is not always one moment: clocks that are set forward skip some, clocks that are set back have some twice.
A skipped time moves forward by what was skipped, and of two times the earlier is meant (RFC 5545, 3.3.5, and PEP 495,
as in java.time and JavaScript's Temporal); they are counted. The bulk is converted by polars; its table of time zones
ends with the year 2099 and joins zones that differed before 1970, so what lies outside, and what the clocks skip or
repeat, is asked of the system's table, which writes it again too: once per distinct value.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

_TRUSTED = (datetime(1970, 1, 2), datetime(2099, 12, 30))  # noqa: DTZ001 - local times have no zone
_Answer = tuple[datetime, datetime | None, bool, bool]


class Converted(NamedTuple):
    """Moments in UTC, null where a local time names none; and how many of them the clocks skip or have twice."""

    moments: pl.Series
    skipped: int = 0
    repeated: int = 0


def to_utc(local: pl.Series, zone: str) -> Converted:
    """Moments of local times (Datetime in microseconds, without a zone). What leaves the years 1 to 9999 is null."""
    if zone == "UTC":
        return Converted(local.dt.replace_time_zone("UTC"))
    bulk = _in_bulk(local, zone)
    if bulk.null_count() == local.null_count() and _are_trusted(local):
        return Converted(bulk)
    asked = local.filter(_is_in_calendar(local) & ~(_is_trusted(local) & bulk.is_not_null()))
    answers = pl.DataFrame(
        list(_answers(asked.unique(), ZoneInfo(zone))),
        schema={"local": local.dtype, "moment": local.dtype, "skipped": pl.Boolean, "repeated": pl.Boolean},
        orient="row",
    )
    found = pl.DataFrame({"local": local, "bulk": bulk}).join(answers, on="local", how="left", maintain_order="left")
    is_bulk = pl.col("skipped").is_null() & _is_trusted(local)
    moments = found.select(pl.when(is_bulk).then("bulk").otherwise(pl.col("moment").dt.replace_time_zone("UTC")))
    return Converted(moments.to_series(), int(found["skipped"].sum()), int(found["repeated"].sum()))


def to_local(moments: pl.Series, zone: str) -> pl.Series:
    """Local times, without a zone, of moments in UTC within the years 1 to 9999; null where they leave these."""
    naive = moments.dt.replace_time_zone(None)
    if zone == "UTC":
        return naive
    bulk = moments.dt.convert_time_zone(zone).dt.replace_time_zone(None) if _is_known(zone) else None
    if bulk is not None and _are_trusted(naive):
        return bulk
    is_bulk = _is_trusted(naive) if bulk is not None else pl.Series([False]).new_from_index(0, moments.len())
    table = ZoneInfo(zone)
    distinct = moments.filter(~is_bulk).drop_nulls().unique()
    answers = pl.DataFrame(
        {"moment": distinct, "local": pl.Series([_local(each, table) for each in distinct], dtype=naive.dtype)}
    )
    found = pl.DataFrame({"moment": moments}).join(answers, on="moment", how="left", maintain_order="left")
    return pl.select(pl.when(is_bulk).then(bulk).otherwise(found["local"])).to_series()


def _in_bulk(local: pl.Series, zone: str) -> pl.Series:
    """Moments as far as polars knows them for certain: null where the clocks skip or repeat."""
    if not _is_known(zone):
        return pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, local.len())
    return local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")


@lru_cache(maxsize=1024)
def _is_known(zone: str) -> bool:
    """Whether polars has the zone; the system may have more."""
    try:
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(zone)  # noqa: DTZ001 - the zone is what is tried
    except pl.exceptions.ComputeError:
        return False
    return True


def _is_trusted(local: pl.Series) -> pl.Series:
    """Whether polars' table and the system's are the same there. Null stays null."""
    return local.is_between(*_TRUSTED)


def _are_trusted(local: pl.Series) -> bool:
    """Whether that is so of all of them."""
    ends = pl.Series([local.to_physical().min(), local.to_physical().max()], dtype=pl.Int64)
    return bool(_is_trusted(ends.cast(local.dtype)).all())


def _is_in_calendar(local: pl.Series) -> pl.Series:
    return local.is_between(datetime.min, datetime.max)  # noqa: DTZ901 - local times have no zone


def _answers(distinct: pl.Series, zone: ZoneInfo) -> Iterator[_Answer]:
    for local in distinct:
        # The earlier reading is under the offset before the change, whichever way the clocks went (PEP 495).
        before, after = local.replace(tzinfo=zone).utcoffset(), local.replace(tzinfo=zone, fold=1).utcoffset()
        yield local, _minus(local, before), before < after, before > after


def _minus(local: datetime, offset: timedelta) -> datetime | None:
    try:
        return local - offset
    except OverflowError:
        return None


def _local(moment: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return None
