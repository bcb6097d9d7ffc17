"""`auto` is right about a whole column, or asks: never wrong in silence."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.dates import DatePattern
from shared.domain.failures import AmbiguousDates, UnreadableDates
from shared.domain.property import PropertyType
from shared.processing.date_columns import DateSurvey, Outcome, Verdict, decided, told
from shared.processing.date_ways import DateWay, ways
from shared.processing.moments import dates, moments

DATE, DATETIME = PropertyType.DATE, PropertyType.DATETIME


def surveyed(
    values: list[str | None], kind: PropertyType = DATE, *, batch: int = 1000, pivot_year: int = 69
) -> Verdict:
    survey = DateSurvey(kind, pivot_year)
    for start in range(0, len(values), batch):
        part = pl.Series(values[start : start + batch], dtype=pl.String)
        survey.see(part, pl.Series(range(start + 2, start + 2 + len(part)), dtype=pl.Int64))
    return survey.verdict()


@pytest.mark.parametrize(
    ("kind", "values", "pattern", "read"),
    [
        (DATE, ["01/02/2024", "13/02/2024"], "DD/MM/YYYY", 2),
        (DATE, ["01/02/2024", "02/13/2024"], "MM/DD/YYYY", 2),
        (DATE, ["1/2/2024", "13/02/2024"], "D/M/YYYY", 2),
        (DATE, ["05/05/2024", "07/07/1999"], "DD/MM/YYYY", 2),
        (DATE, ["2024-01-02"], "YYYY-MM-DD", 1),
        (DATE, ["24-01-31", "99-12-30"], "YY-MM-DD", 2),
        (DATE, ["31.12.99", "01.02.03"], "DD.MM.YY", 2),
        (DATE, ["20240102"], "YYYYMMDD", 1),
        (DATE, ["2024年1月2日"], "YYYY年M月D日", 1),
        (DATE, ["2024-01-02 00:00:00", "2024-01-03 00:00:00"], "YYYY-MM-DD HH:mm:ss", 2),
        (DATE, ["2024-01-02", "n/a", None, "0000-00-00", "2024-02-30", "2024-03-01", "1-1-2024x", "2024-1"], None, 2),
        (DATE, ["2024-01-02", "n/a", None, "2024-02-30", "2024-03-01"], "YYYY-MM-DD", 2),
        (DATETIME, ["2024-01-02T10:30:00Z", "2024-01-02 10:30", "2024-01-03", "2024-01-03 24:00"], "YYYY-MM-DD", 3),
        (DATETIME, ["2024-01-02T10:30:00.123456+0200", "2024-01-02T10:30,"], "YYYY-MM-DD", 1),
        (DATETIME, ["1/2/2024 9:30", "1/13/2024 10:30"], "M/D/YYYY H:mm", 2),
        (DATETIME, ["20240102T103000Z"], "YYYYMMDDTHHmmssZ", 1),
        (DATETIME, ["1700000000", "999999999", "-1000000000"], "epoch_seconds", 3),
        (DATETIME, ["1700000000123", "1700000000123.5", "x"], "epoch_milliseconds", 2),
    ],
)
def test_one_value_decides_and_bad_data_does_not(
    kind: PropertyType, values: list[str | None], pattern: str | None, read: int
) -> None:
    verdict = surveyed(values, kind)
    assert verdict.read == read
    assert (verdict.pattern and verdict.pattern.pattern) == pattern


@pytest.mark.parametrize(
    ("kind", "value", "patterns"),
    [
        (DATE, "01/02/2003", ["DD/MM/YYYY", "MM/DD/YYYY"]),
        (DATE, "01.02.2003", ["DD.MM.YYYY", "MM.DD.YYYY"]),
        (DATE, "01/02/03", ["YY/MM/DD", "DD/MM/YY", "MM/DD/YY"]),
        (DATE, "13-02-03", ["YY-MM-DD", "DD-MM-YY"]),
        (DATE, "1-2-2003", ["D-M-YYYY", "M-D-YYYY"]),
        (DATE, "10112012", ["DDMMYYYY", "MMDDYYYY"]),
        (DATETIME, "01/02/2003 10:30", ["DD/MM/YYYY", "MM/DD/YYYY"]),
        (DATETIME, "202401021030", ["YYYYMMDDHHmm", "epoch_milliseconds"]),
        (
            DATETIME,
            "201201021030",
            ["YYYYMMDDHHmm", "DDMMYYYYHHmm", "YYMMDDHHmmss", "DDMMYYHHmmss", "epoch_milliseconds"],
        ),
        (DATETIME, "2401021030", ["YYMMDDHHmm", "DDMMYYHHmm", "epoch_seconds"]),
    ],
)
def test_two_readings_are_a_question(kind: PropertyType, value: str, patterns: list[str]) -> None:
    verdict = surveyed(["", value], kind)
    assert verdict.outcome is Outcome.AMBIGUOUS
    assert [reading.pattern.pattern for reading in verdict.readings] == patterns
    assert verdict.differs == 3
    with pytest.raises(AmbiguousDates, match=f"1 value of 'born' that can all be read as {' and '.join(patterns)}, "):
        decided(verdict, "born")


def test_the_question_names_both_meanings_of_a_date_that_is_not_the_files() -> None:
    with pytest.raises(AmbiguousDates) as caught:
        decided(surveyed(["03/04/1987"] * 1200), "born")
    assert caught.value.detail == (
        "Found 1,200 values of 'born' that can all be read as DD/MM/YYYY and MM/DD/YYYY, with different meanings, "
        "first in record 2; expected one reading. For instance 01/02/2003: as DD/MM/YYYY it would be 2003-02-01; as "
        "MM/DD/YYYY it would be 2003-01-02."
    )


def test_two_notations_in_one_column_have_no_pattern() -> None:
    verdict = surveyed(["13/02/2024", "02/13/2024", "01/01/2024"])
    assert verdict.outcome is Outcome.MIXED
    with pytest.raises(UnreadableDates) as caught:
        decided(verdict, "born")
    assert caught.value.detail == (
        "Found 3 values of 'born' that no one pattern reads: DD/MM/YYYY, which reads 2 but not 1 more (first in "
        "record 3), and MM/DD/YYYY, which reads 2 but not 1 more (first in record 2)."
    )


@pytest.mark.parametrize(
    "strftime",
    ["%b %d, %Y", "%d-%b-%Y", "%d/%m/%Y %I:%M %p", "%Y-%j", "%G-W%V-%u", "%d %m %Y", "%H:%M %d/%m/%Y", "%d.%m.%Y %H.%M",
     "%Y-%m-%d %H", "%m/%Y", "%Y", "%d/%m-%Y", "%A"],
)  # fmt: skip  # a list
@pytest.mark.parametrize("kind", [DATE, DATETIME])
def test_a_notation_that_is_not_known_is_not_taken_for_another(strftime: str, kind: PropertyType) -> None:
    start = datetime(2019, 1, 1, 1, 2, 3, tzinfo=UTC)
    verdict = surveyed([(start + timedelta(hours=31 * n)).strftime(strftime) for n in range(200)], kind)
    assert (verdict.outcome, verdict.present, verdict.read) == (Outcome.UNREADABLE, 200, 0)
    with pytest.raises(UnreadableDates, match=r"Found 200 values of 'born', of which 0 are in a date notation"):
        decided(verdict, "born")


def test_a_column_without_values_takes_any_pattern() -> None:
    assert surveyed([None, None]).outcome is Outcome.EMPTY
    assert decided(surveyed([]), "born") is None


def test_a_decision_tells_its_weight() -> None:
    verdict = surveyed(["01/02/2024"] * 900 + ["31/01/2024"] * 3 + ["?"])
    assert verdict.excluding == 3
    assert (verdict.readings[1].example, verdict.readings[1].record) == ("31/01/2024", 902)
    assert told(verdict, "born") == (
        "The dates of 'born' were read as DD/MM/YYYY, which reads 903 values; MM/DD/YYYY does not read 3 of them; 1 "
        "value could be read by no pattern."
    )


def test_what_is_told_of_a_question_is_its_first_record_whatever_its_shape() -> None:
    verdict = surveyed(["05/05/2024", "7/7/2024", "1/2/2024", "01/03/2024", "1/4/2024"])
    assert verdict.outcome is Outcome.AMBIGUOUS
    assert verdict.differs == 4
    mixed = surveyed(["7/7/2024", "13/2/2024", "13/03/2024", "2/13/2024", "03/13/2024"])
    assert [(each.example, each.record) for each in mixed.readings] == [("2/13/2024", 5), ("13/2/2024", 3)]


def test_the_pivot_decides_which_days_there_are() -> None:
    # 1900 was no leap year, 2000 was.
    assert surveyed(["29.02.00", "31.12.24"], pivot_year=69).pattern is not None
    assert surveyed(["29.02.00", "31.12.24"], pivot_year=0).read == 1


def _columns() -> Iterator[tuple[PropertyType, DateWay, int]]:
    for kind in (DATE, DATETIME):
        for number, way in enumerate(ways(kind, 69)):
            # Of the many ways of writing midnight, some.
            if kind is DATETIME or not way.pattern.has_time or number % 29 == 0:
                yield kind, way, 1 if number % 3 else 30


def _moments(way: DateWay, kind: PropertyType, size: int, chance: random.Random) -> list[datetime]:
    # An epoch of fewer digits is none that is known: 2002 to 2037.
    first, days = (
        (datetime(2002, 1, 1, tzinfo=UTC), 12_000) if way.pattern.unit else (datetime(1970, 1, 1, tzinfo=UTC), 35_000)
    )
    seconds = 0 if kind is DATE else 86_399
    return [first + timedelta(chance.randrange(days), chance.randint(0, seconds)) for _ in range(size)]


def test_every_way_of_writing_is_found_or_asked_for() -> None:
    chance = random.Random(4)
    for kind, way, size in _columns():
        written = pl.Series([way.pattern.write(each) for each in _moments(way, kind, size, chance)])
        verdict = surveyed(written.to_list(), kind)
        if verdict.outcome is Outcome.AMBIGUOUS:
            meant = [_read(written, reading.pattern, kind) for reading in verdict.readings]
            assert any(each.equals(_read(written, way.pattern, kind)) for each in meant), way.pattern.pattern
            # Of columns of thirty values only digits that could count since 1970 are open.
            assert size == 1 or verdict.readings[-1].pattern.unit is not None, way.pattern.pattern
        else:
            assert verdict.pattern is not None, way.pattern.pattern
            found, truth = _read(written, verdict.pattern, kind), _read(written, way.pattern, kind)
            assert found.null_count() == 0
            assert found.equals(truth), (way.pattern.pattern, verdict.pattern.pattern)


def _read(written: pl.Series, pattern: DatePattern, kind: PropertyType) -> pl.Series:
    values, is_bad = dates(written, pattern) if kind is DATE else moments(written, pattern, "UTC")[:2]
    return pl.select(pl.when(~is_bad).then(values)).to_series()


_EPOCH_DIGITS = {"epoch_seconds": r"-?[0-9]{9,10}(?:[.,].*)?", "epoch_milliseconds": r"-?[0-9]{12,13}(?:[.,].*)?"}


@pytest.mark.parametrize("kind", [DATE, DATETIME])
def test_the_verdict_is_what_trying_every_pattern_on_every_value_gives(kind: PropertyType) -> None:
    chance = random.Random(5)
    known = ways(kind, 69)
    groups = [
        [_spoilt(way.pattern.write(each), chance) for each in _moments(way, kind, 4, chance)]
        for way in known[:: 2 if kind is DATETIME else 47]
    ]
    pool = pl.Series([value for group in groups for value in group])
    table = [dict(zip(pool, _tried(pool, way, kind), strict=True)) for way in known]
    for group in groups:
        for column in (group[:1], group[1:3], group):
            verdict = surveyed(list(column), kind)
            outcome, meant = _by_trying(column, table)
            assert verdict.outcome is outcome, column
            if verdict.pattern is not None:
                found = _read(pl.Series(column), verdict.pattern, kind).to_list()
                assert [value for value in found if value is not None] == meant, column


def _tried(pool: pl.Series, way: DateWay, kind: PropertyType) -> list[str | None]:
    digits = _EPOCH_DIGITS.get(way.pattern.pattern, ".*")
    return [
        read if re.fullmatch(digits, value) else None
        for value, read in zip(pool, _read(pool, way.pattern, kind), strict=True)
    ]


def _by_trying(column: list[str], table: list[dict[str, str | None]]) -> tuple[Outcome, list[str]]:
    """The rule in its plainest form: the outcome, and the meanings where it is decided."""
    dated = [value for value in column if any(row[value] is not None for row in table)]
    if 2 * len(dated) < len(column):
        return Outcome.UNREADABLE, []
    meanings = {tuple(row[value] for value in dated) for row in table}
    whole = [list(each) for each in meanings if None not in each]
    if len(whole) != 1:
        return (Outcome.AMBIGUOUS if whole else Outcome.MIXED), []
    return Outcome.DECIDED, [value for value in whole[0] if value is not None]


def _spoilt(text: str, chance: random.Random) -> str:
    """The same with one character changed, as often as not."""
    if chance.random() < 0.5:
        return text
    place = chance.randrange(len(text))
    return text[:place] + chance.choice("0123456789-/.:TZ ") + text[place + 1 :]


@settings(max_examples=20)
@given(
    st.lists(st.dates().map(lambda day: f"{day.day:02}/{day.month:02}/{day.year:04}"), max_size=40), st.integers(1, 9)
)
def test_where_batches_end_makes_no_difference(values: list[str | None], batch: int) -> None:
    whole, cut = surveyed(values), surveyed(values, batch=batch)
    assert (whole.outcome, whole.read, whole.differs) == (cut.outcome, cut.read, cut.differs)
    assert [(each.pattern, each.missed, each.record) for each in whole.readings] == [
        (each.pattern, each.missed, each.record) for each in cut.readings
    ]


def test_hostile_columns_leave_little_behind() -> None:
    chance = random.Random(6)
    survey = DateSurvey(DATETIME)
    for _ in range(2):
        survey.see(
            pl.Series(["".join(chance.choices("0123456789-/.:TZ ", k=chance.randint(0, 30))) for _ in range(4000)])
        )
        survey.see(pl.Series([_spoilt(way.pattern.write(datetime(2012, 12, 11, 10, 9, 8, tzinfo=UTC)), chance)
                              for way in ways(DATETIME, 69) for _ in range(20)]))  # fmt: skip  # one call
    assert survey.verdict().outcome in (Outcome.MIXED, Outcome.UNREADABLE)
    assert len(survey._counts) < 200
