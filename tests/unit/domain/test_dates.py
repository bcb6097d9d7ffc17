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
        ("YYYYMMDDHHmmss", "20191130080509"),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "2019-11-30T08:05:09.120+00:00"),
        ("yyyy-MM-dd'T'HH:mm:ss", "2019-11-30T08:05:09"),
        ("YYYY年MM月DD日", "2019年11月30日"),
        ("DD (MM) YYYY", "30 (11) 2019"),
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
        ("D.M.YYYY", "'D'"),
        ("MMM DD, YYYY", "twice|'M'"),
        ("hh:mm DD.MM.YYYY", "'hh'"),
        ("YYYY-MM", "no day"),
        ("DD-MM", "exactly one of YYYY and YY"),
        ("YYYY-YY-MM-DD", "exactly one of YYYY and YY"),
        ("YYYY-MM-DD DD", "day twice"),
        ("YYYY-MM-DD ss", "second without the minute"),
        ("YYYY-MM-DD HH", "hour without the minute"),
        ("YYYY-MM-DDZ", "zone without the hour"),
        ("auto", "'auto'"),
        ("%Y-%m-%d", "'Y'"),
    ],
)
def test_a_pattern_that_says_too_little_or_the_unknown_is_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        date_pattern(pattern)


def test_the_zone_is_the_moments_own() -> None:
    moment = datetime(2024, 1, 2, 3, 4, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
    assert date_pattern("YYYY-MM-DD HH:mm Z").write(moment) == "2024-01-02 03:04 -03:30"


def test_years_have_four_digits() -> None:
    assert date_pattern("YYYY-MM-DD").write(datetime(33, 4, 3, tzinfo=UTC)) == "0033-04-03"
