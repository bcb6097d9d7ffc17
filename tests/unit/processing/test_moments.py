"""A column that is plain ISO throughout is read in bulk; it must mean what it means beside a value that is not."""

from datetime import datetime

import polars as pl
import pytest

from shared.domain.dates import date_pattern
from shared.processing.moments import dates, moments

SAID = (
    "2024-07-18T12:58:00",
    "2024-02-29T23:59:59",
    "2023-02-29T00:00:00",
    "2024-02-30T12:58:00",
    "0000-01-01T00:00:00",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59",
    "2024-03-31T02:30:00",
    "2024-10-27T02:30:00",
    None,
)
# None of these can be read in bulk, so the whole column is taken apart.
ODD = {"YYYY-MM-DD": "2024-01-01", "yyyy-MM-dd": "2024-01-01", "YYYY-MM-DDTHH:mm:ss": "x", "yyyy-MM-ddTHH:mm:ssZ": "x"}


def read(said: list[str | None], pattern: str, zone: str) -> list[datetime | str | None]:
    values, is_bad, _, _ = moments(pl.Series(said, dtype=pl.String), date_pattern(pattern), zone)
    return [
        "bad" if bad else None if value is None else datetime.fromisoformat(value)
        for value, bad in zip(values.to_list(), is_bad.to_list(), strict=True)
    ]


@pytest.mark.parametrize("pattern", ODD)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam"])
@pytest.mark.parametrize("suffix", ["", "Z"])
def test_a_plain_column_means_what_it_means_taken_apart(pattern: str, zone: str, suffix: str) -> None:
    said = [None if value is None else value + suffix for value in SAID]
    assert read(said, pattern, zone) == read([*said, ODD[pattern]], pattern, zone)[:-1]


def test_z_is_utc_whatever_the_dialects_zone_is() -> None:
    found = read(["2024-07-18T12:58:00Z"], "YYYY-MM-DD", "Europe/Amsterdam")
    assert found == [datetime.fromisoformat("2024-07-18T12:58:00+00:00")]


def test_a_pattern_with_a_time_and_no_zone_takes_no_z() -> None:
    assert read(["2024-07-18T12:58:00Z"], "YYYY-MM-DDTHH:mm:ss", "UTC") == ["bad"]
    assert read(["2024-07-18T12:58:00"], "YYYY-MM-DDTHH:mm:ssZ", "UTC") == ["bad"]


@pytest.mark.parametrize("pattern", ["epoch_seconds", "epoch_milliseconds"])
def test_a_date_under_an_epoch_may_be_written_as_exports_write_it(pattern: str) -> None:
    midnight = {"epoch_seconds": "1719698400", "epoch_milliseconds": "1719698400000"}[pattern]
    said = ["2024-02-29", "0001-01-01", "9999-12-31", midnight, None, "2023-02-29", "0000-01-01", "24-2-29", "1", "x"]
    days, is_bad = dates(pl.Series(said, dtype=pl.String), date_pattern(pattern), "Europe/Amsterdam")
    assert days.to_list()[:5] == ["2024-02-29", "0001-01-01", "9999-12-31", "2024-06-30", None]
    assert is_bad.to_list() == [False] * 5 + [True] * 5
