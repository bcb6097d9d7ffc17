"""Date patterns as people write them, translated or refused."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.domain.dates import date_pattern

MOMENT = datetime(2019, 11, 30, 8, 5, 9, 120_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("YYYY-MM-DD", "2019-11-30"),
        ("DD.MM.YY", "30.11.19"),
        ("MM/DD/YY", "11/30/19"),
        ("DD/MM/YY", "30/11/19"),
        ("YY-MM-DD", "19-11-30"),
        ("yyyy-MM-dd HH:mm", "2019-11-30 08:05"),
        ("dd-MM-yyyy HH:mm:ss", "30-11-2019 08:05:09"),
        ("YYYY-MM-DD HH:MM", "2019-11-30 08:05"),
        ("HH:MM DD.MM.YYYY", "08:05 30.11.2019"),
        ("HH 'h' MM MM/DD/YYYY", "08 h 05 11/30/2019"),
        ("H.MM YYYYMMDD", "8.05 20191130"),
        ("YYYYMMDDHHmmss", "20191130080509"),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "2019-11-30T08:05:09.120+00:00"),
        ("yyyy-MM-dd'T'HH:mm:ss", "2019-11-30T08:05:09"),
        ("YYYY年MM月DD日", "2019年11月30日"),
        ("DD (MM) YYYY", "30 (11) 2019"),
        ("D/M/YY H:mm", "30/11/19 8:05"),
        ("d.M.yyyy", "30.11.2019"),
        ("YYYY-M-DT HH:mm", "2019-11-30T 08:05"),
    ],
)
def test_a_pattern_writes_what_its_own_expression_takes(pattern: str, written: str) -> None:
    translated = date_pattern(pattern)
    assert translated.write(MOMENT) == written
    assert re.fullmatch(translated.expression, written)
    assert not re.fullmatch(translated.expression, written + "0")


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("YYYY-QQ-DD", "'QQ'"),
        ("MMM DD, YYYY", "month twice"),
        ("DMYYYY", "day in one or two digits"),
        ("YYYYMMD", "day in one or two digits"),
        ("DD.MM.YYYY 1H:mm", "hour in one or two digits"),
        ("hh:mm DD.MM.YYYY", "'hh'"),
        ("YYYY-MM", "no day"),
        ("DD-MM", "exactly one of YYYY and YY"),
        ("YYYY-YY-MM-DD", "exactly one of YYYY and YY"),
        ("YYYY-MM-DD DD", "day twice"),
        ("YYYY-MM-DD ss", "second without the minute"),
        ("YYYY-MM-DD HH", "hour without the minute"),
        ("HH:MM DD YYYY", "no month"),
        ("HH:mm:MM DD.MM.YYYY", "month twice"),
        ("YYYY-MM-DDZ", "zone without the hour"),
        ("auto", "'auto', by which files are read"),
        ("epoch_days", "'epoch'"),
        ("Epoch_Seconds", "'Epoch'"),
        ("%Y-%m-%d", "'Y'"),
    ],
)
def test_a_pattern_that_says_too_little_or_the_unknown_is_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        date_pattern(pattern)


def test_the_zone_is_the_moments_own() -> None:
    moment = datetime(2024, 1, 2, 3, 4, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
    assert date_pattern("YYYY-MM-DD HH:mm Z").write(moment) == "2024-01-02 03:04 -03:30"


def test_parts_of_one_digit_are_written_without_a_zero_and_read_with_or_without() -> None:
    pattern = date_pattern("D/M/YYYY H:mm")
    assert pattern.write(datetime(2024, 1, 2, 3, 4, tzinfo=UTC)) == "2/1/2024 3:04"
    for written in ("2/1/2024 3:04", "02/01/2024 03:04", "02/1/2024 0:04"):
        assert re.fullmatch(pattern.expression, written)
    for other in ("0/1/2024 3:04", "32/1/2024 3:04", "2/13/2024 3:04", "2/1/2024 24:04", "002/1/2024 3:04"):
        assert not re.fullmatch(pattern.expression, other)


@pytest.mark.parametrize(
    ("pivot_year", "told", "untold"), [(69, (1969, 2068), (1968, 2069)), (0, (1900, 1999), (1899, 2000)),
                                       (100, (2000, 2099), (1999, 2100)), (30, (1930, 2029), (1929, 2030))]
)  # fmt: skip  # a table
def test_a_pivot_chooses_the_hundred_years(pivot_year: int, told: tuple[int, int], untold: tuple[int, int]) -> None:
    pattern = date_pattern("DD.MM.YY", pivot_year)
    assert all(pattern.tells(year) for year in told)
    assert not any(pattern.tells(year) for year in untold)
    assert all(date_pattern("DD.MM.YYYY", pivot_year).tells(year) for year in (*told, *untold))


@pytest.mark.parametrize("pivot_year", [-1, 101, 1969])
def test_a_pivot_is_a_year_of_two_digits_or_a_hundred(pivot_year: int) -> None:
    with pytest.raises(ValueError, match="expected 0 to 100"):
        date_pattern("DD.MM.YY", pivot_year)


@pytest.mark.parametrize(
    ("moment", "seconds", "milliseconds"),
    [
        (MOMENT, "1575101109", "1575101109120"),
        (datetime(1, 1, 1, tzinfo=UTC), "-62135596800", "-62135596800000"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "253402300799", "253402300799000"),
        (datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "-1", "-1"),
    ],
)
def test_an_epoch_counts_from_1970_to_both_ends_of_the_calendar(
    moment: datetime, seconds: str, milliseconds: str
) -> None:
    assert date_pattern("epoch_seconds").write(moment) == seconds
    assert date_pattern("epoch_milliseconds").write(moment) == milliseconds


def test_years_have_four_digits() -> None:
    assert date_pattern("YYYY-MM-DD").write(datetime(33, 4, 3, tzinfo=UTC)) == "0033-04-03"
