"""Every pattern reads what it writes, agrees with Python's calendar, and takes nothing else."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.dates import date_pattern
from shared.processing.moments import dates, moments

# Emarsys's four, BlueConic's two, and what stands between them.
DAYS = (
    "YY-MM-DD", "DD.MM.YY", "MM/DD/YY", "DD/MM/YY", "YYYY-MM-DD", "yyyy-MM-dd", "dd-MM-yyyy", "MM.DD.YYYY", "YYYYMMDD",
    "DDMMYY", "D/M/YYYY", "M-D-YYYY", "YYYY.M.D", "D.M.YY", "YY/M/D", "YYYY年M月D日", "'on' DD (MM) YYYY",
)  # fmt: skip  # a list
TIMES = (" HH:mm", "THH:mm:ss", " H:mm", " H:mm:ss.SSS", "' at 'HH.mm.ss", " HH:mm:ss Z", "THH:mm:ss.SSSZ")
COMPACT = ("YYYYMMDDHHmmss", "YYMMDDHHmm", "YYYYMMDDTHHmmssZ", "epoch_seconds", "epoch_milliseconds")
# Wide enough for every offset at both ends.
MOMENTS = st.datetimes(timezones=st.just(UTC)).filter(lambda each: 1 < each.year < 9999)
PATTERNS = (
    *DAYS,
    *(day + TIMES[number % len(TIMES)] for number, day in enumerate(DAYS)),
    *(DAYS[number % len(DAYS)] + time for number, time in enumerate(TIMES, 4)),
    *COMPACT,
)


def test_every_pattern_reads_every_day_that_it_writes() -> None:
    days = pl.date_range(date(1896, 1, 1), date(2104, 12, 31), eager=True)
    days = days.filter(days.dt.year().is_in([1900, 1968, 1969, 2000, 2024, 2068, 2069, 2100]))
    shown = days.dt.to_string("%Y-%m-%d")
    for name in DAYS:
        pattern = date_pattern(name)
        told = [pattern.tells(year) for year in days.dt.year()]
        written = pl.Series([pattern.write(datetime(d.year, d.month, d.day, tzinfo=UTC)) for d in days])
        read, is_bad = dates(written, pattern)
        assert not is_bad.any()
        assert read.filter(pl.Series(told)).equals(shown.filter(pl.Series(told)), check_names=False), name


def test_all_of_the_calendar_is_read() -> None:
    days = pl.date_range(date(1, 1, 1), date(9999, 12, 31), eager=True)
    read, is_bad = dates(days.dt.to_string("%d.%m.%Y"), date_pattern("DD.MM.YYYY"))
    assert not is_bad.any()
    assert read.str.to_date("%Y-%m-%d").equals(days, check_names=False)


@pytest.mark.parametrize("year", ["0000", "0001", "0004", "1900", "2000", "2023", "2024", "9999"])
def test_of_all_pairs_of_digits_the_days_are_read_and_no_others(year: str) -> None:
    pairs = [f"{first:02}.{second:02}.{year}" for first in range(100) for second in range(100)]
    for name, place in (("DD.MM.YYYY", (0, 1)), ("MM.DD.YYYY", (1, 0)), ("D.M.YYYY", (0, 1))):
        read, is_bad = dates(pl.Series(pairs), date_pattern(name))
        for said, value, bad in zip(pairs, read, is_bad, strict=True):
            parts = said.split(".")
            assert bad != _is_day(int(year), int(parts[place[1]]), int(parts[place[0]])), (name, said)
            assert bad or value == f"{year}-{parts[place[1]]}-{parts[place[0]]}"


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


@pytest.mark.parametrize("name", PATTERNS)
@settings(max_examples=8)
@given(
    said=st.lists(MOMENTS, min_size=1, max_size=20),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_is_read_as_it_was_written(name: str, said: list[datetime], minutes: int) -> None:
    pattern = date_pattern(name)
    sayable = [each for each in said if pattern.tells(each.year)]
    if pattern.has("zone"):
        offset = timedelta(minutes=minutes)
        written = [pattern.write(each + offset).replace("+00:00", _shown(minutes)) for each in sayable]
    else:
        written = [pattern.write(each) for each in sayable]
    found = moments(pl.Series(written, dtype=pl.String), pattern, "UTC")
    assert not found.is_bad.any()
    for moment, text in zip(sayable, found.values, strict=True):
        read = datetime.fromisoformat(text)
        assert read == _cut(moment, pattern.pattern), (moment, text)


def _shown(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _cut(moment: datetime, pattern: str) -> datetime:
    """A moment without what the pattern does not write."""
    if "SSS" in pattern or pattern == "epoch_milliseconds":
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if "ss" in pattern or pattern == "epoch_seconds":
        return moment.replace(microsecond=0)
    if "H" in pattern:
        return moment.replace(second=0, microsecond=0)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    ("pivot_year", "said", "read"),
    [
        (69, "01.02.69", "1969-02-01"),
        (69, "01.02.68", "2068-02-01"),
        (0, "01.02.00", "1900-02-01"),
        (100, "01.02.99", "2099-02-01"),
        (30, "29.02.32", "1932-02-29"),
        (30, "01.02.29", "2029-02-01"),
    ],
)
def test_a_year_of_two_digits_lies_behind_the_pivot(pivot_year: int, said: str, read: str) -> None:
    pattern = date_pattern("DD.MM.YY", pivot_year)
    assert dates(pl.Series([said]), pattern)[0].to_list() == [read]
    assert moments(pl.Series([said]), pattern, "UTC").values.to_list() == [f"{read}T00:00:00.000000+00:00"]


@pytest.mark.parametrize(
    ("name", "said", "read"),
    [
        ("epoch_seconds", "0", "1970-01-01T00:00:00.000000"),
        ("epoch_seconds", "-1", "1969-12-31T23:59:59.000000"),
        ("epoch_seconds", "1.5", "1970-01-01T00:00:01.500000"),
        ("epoch_seconds", "-0,5", "1969-12-31T23:59:59.500000"),
        ("epoch_seconds", "-1.000001", "1969-12-31T23:59:58.999999"),
        ("epoch_seconds", "-62135596800", "0001-01-01T00:00:00.000000"),
        ("epoch_seconds", "253402300799.999999", "9999-12-31T23:59:59.999999"),
        ("epoch_milliseconds", "1575101109120", "2019-11-30T08:05:09.120000"),
        ("epoch_milliseconds", "-1.25", "1969-12-31T23:59:59.998750"),
        ("epoch_milliseconds", "007", "1970-01-01T00:00:00.007000"),
    ],
)
def test_an_epoch_is_counted_exactly(name: str, said: str, read: str) -> None:
    found = moments(pl.Series([said]), date_pattern(name), "Europe/Amsterdam")
    assert found.values.to_list() == [f"{read}+00:00"]
    assert not found.is_bad.any()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("epoch_seconds", "-62135596800.000001"),
        ("epoch_seconds", "253402300800"),
        ("epoch_seconds", "9999999999999"),
        ("epoch_seconds", "1.0000001"),
        ("epoch_seconds", "1e9"),
        ("epoch_seconds", "+1"),
        ("epoch_seconds", "1 "),
        ("epoch_seconds", "--1"),
        ("epoch_seconds", "١"),
        ("epoch_milliseconds", "253402300800000"),
        ("epoch_milliseconds", "1.0001"),
        ("epoch_milliseconds", "1."),
        ("epoch_milliseconds", ""),
    ],
)
def test_what_is_no_epoch_is_refused(name: str, said: str) -> None:
    assert moments(pl.Series([said, "5"]), date_pattern(name), "UTC").is_bad.to_list() == [True, False]


@pytest.mark.parametrize(
    ("name", "zone", "said", "read"),
    [
        ("YYYY-MM-DD HH:mm:ss", "UTC", "2024-02-29 00:00:00", "2024-02-29"),
        ("YYYY-MM-DD HH:mm:ss", "UTC", "2024-02-29 00:00:01", None),
        ("D/M/YYYY H:mm", "UTC", "1/2/2024 0:00", "2024-02-01"),
        ("D/M/YYYY H:mm", "UTC", "1/2/2024 10:00", None),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "Europe/Amsterdam", "2024-02-29T00:00:00.000+02:00", "2024-02-29"),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "Europe/Amsterdam", "2024-02-28T23:00:00.000Z", None),
        ("epoch_milliseconds", "UTC", "1709164800000", "2024-02-29"),
        ("epoch_milliseconds", "UTC", "1709164800001", None),
        ("epoch_milliseconds", "Europe/Amsterdam", "1709161200000", "2024-02-29"),
        ("epoch_milliseconds", "Europe/Amsterdam", "1709164800000", None),
        ("epoch_seconds", "Europe/Amsterdam", "-315622800", "1960-01-01"),
        ("epoch_seconds", "UTC", "-62135596800", "0001-01-01"),
        ("epoch_seconds", "America/New_York", "-62135596800", None),
    ],
)
def test_a_date_is_read_from_a_midnight_alone(name: str, zone: str, said: str, read: str | None) -> None:
    values, is_bad = dates(pl.Series([said]), date_pattern(name), zone)
    assert is_bad.to_list() == [read is None]
    assert read is None or values.to_list() == [read]
