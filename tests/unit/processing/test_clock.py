"""Local times that the clocks skip or repeat, and the ends of what the libraries know."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from shared.domain.dates import date_pattern
from shared.processing.clock import to_local, to_utc
from shared.processing.moments import moments


@pytest.mark.parametrize(
    ("zone", "said", "read", "skipped", "repeated"),
    [
        ("Europe/Amsterdam", "2024-03-31 01:59", "2024-03-31T00:59", 0, 0),
        ("Europe/Amsterdam", "2024-03-31 02:00", "2024-03-31T01:00", 1, 0),
        ("Europe/Amsterdam", "2024-03-31 02:30", "2024-03-31T01:30", 1, 0),
        ("Europe/Amsterdam", "2024-03-31 03:00", "2024-03-31T01:00", 0, 0),
        ("Europe/Amsterdam", "2024-10-27 01:59", "2024-10-26T23:59", 0, 0),
        ("Europe/Amsterdam", "2024-10-27 02:30", "2024-10-27T00:30", 0, 1),
        ("Europe/Amsterdam", "2024-10-27 03:00", "2024-10-27T02:00", 0, 0),
        ("America/New_York", "2007-03-11 02:30", "2007-03-11T07:30", 1, 0),
        ("America/New_York", "2007-11-04 01:30", "2007-11-04T05:30", 0, 1),
        # Half an hour, and a whole day at the date line.
        ("Australia/Lord_Howe", "2024-10-06 02:15", "2024-10-05T15:45", 1, 0),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00", 1, 0),
        # Beyond the table that polars has.
        ("Europe/Amsterdam", "2150-07-01 12:00", "2150-07-01T10:00", 0, 0),
        ("Europe/Amsterdam", "2150-03-29 02:30", "2150-03-29T01:30", 1, 0),
    ],
)
def test_a_skipped_time_moves_forward_and_of_two_the_earlier_is_meant(
    zone: str, said: str, read: str, skipped: int, repeated: int
) -> None:
    """The examples of 2007 are RFC 5545's (3.3.5)."""
    pattern = date_pattern("YYYY-MM-DD HH:mm")
    found = moments(pl.Series([said]), pattern, zone)
    assert found.values.to_list() == [f"{read}:00.000000+00:00"]
    assert (found.skipped, found.repeated) == (skipped, repeated)


def test_rows_are_counted_and_stated_offsets_are_not() -> None:
    said = ["2024-10-27T02:30"] * 3 + ["2024-10-27T02:30Z", "2024-10-27T02:30+01:00", "2024-03-31T02:30", None, "x"]
    found = moments(pl.Series(said), date_pattern("YYYY-MM-DD"), "Europe/Amsterdam")
    assert (found.skipped, found.repeated) == (1, 3)
    assert found.is_bad.to_list() == [False] * 7 + [True]
    assert found.values.to_list()[3:5] == ["2024-10-27T02:30:00.000000+00:00", "2024-10-27T01:30:00.000000+00:00"]


@pytest.mark.parametrize(
    "zone", ["Europe/Amsterdam", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]
)
def test_all_half_hours_are_converted_as_python_does(zone: str) -> None:
    """Python takes the offset before a change for both (PEP 495), which is the reading here too."""
    table = ZoneInfo(zone)
    starts = [datetime(year, 1, 1) for year in (2011, 2024, 2100)]  # noqa: DTZ001 - local times have no zone
    times = [start + timedelta(minutes=30 * n) for start in starts for n in range(366 * 48)]
    found = to_utc(pl.Series(times), zone)
    expected = [_utc(time, table) for time in times]
    assert found.moments.to_list() == expected
    back = to_local(pl.Series(expected, dtype=pl.Datetime("us", "UTC")), zone)
    moved = sum(a != b for a, b in zip(back, times, strict=True) if a is not None)
    assert moved == found.skipped


def _utc(time: datetime, table: ZoneInfo) -> datetime | None:
    try:
        return time.replace(tzinfo=table).astimezone(UTC)
    except OverflowError:
        return None


def test_a_zone_that_only_the_system_knows_is_read_too() -> None:
    local = datetime(2024, 7, 1, tzinfo=UTC).replace(tzinfo=None)
    found = to_utc(pl.Series([local, None], dtype=pl.Datetime("us")), "Factory")
    assert found.moments.to_list() == [datetime(2024, 7, 1, tzinfo=UTC), None]
