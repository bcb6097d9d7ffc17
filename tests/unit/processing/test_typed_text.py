"""Typed values are written as the importer's typing reads them, column by column as one by one."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal, UnwritableValue
from shared.domain.property import PropertyType, Several
from shared.processing.typed_text import TypedText
from tests.copied import Value, as_postgresql_writes
from tests.examples import examples

NOON = datetime(2024, 7, 1, 12, 30, 5, tzinfo=UTC)
AMSTERDAM = Dialect(timezone="Europe/Amsterdam", date_format="DD.MM.YYYY", decimal_char=",")
EPOCH = Dialect(date_format="epoch_milliseconds")
TO_THE_MILLISECOND = Dialect(timezone="Asia/Kathmandu", date_format="YYYYMMDDHHmmssSSS")
SHORT_IN_NEW_YORK = Dialect(timezone="America/New_York", date_format="'100%d' D-M-YYYY H:mm:ss")


def written(dialect: Dialect, kind: PropertyType, values: list[Value]) -> list[str | None]:
    frame = pl.DataFrame({"c0": list(map(as_postgresql_writes, values))}, schema={"c0": pl.String})
    return TypedText(dialect, [kind]).frame(frame)["c0"].to_list()


def one_by_one(dialect: Dialect, value: Value) -> str:
    """What a value is written as, said slowly. Raises ValueError where it cannot be told."""
    pattern = date_pattern(dialect.date_format, dialect.pivot_year)
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = format(value, "f")
            return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", dialect.decimal_char)
        case datetime():
            return _moment(dialect, value)
        case date():
            if pattern.unit is not None:
                return f"{value.year:04d}-{value:%m-%d}"
            _check(pattern.tells(value.year))
            return pattern.write(datetime.combine(value, time(), tzinfo=UTC))
        case list():
            joined = dialect.list_delimiter.join(value)
            _check(not value or joined.split(dialect.list_delimiter) == value)
            return joined
    return str(value)


def _moment(dialect: Dialect, value: datetime) -> str:
    pattern = date_pattern(dialect.date_format, dialect.pivot_year)
    if pattern.unit is not None:
        return pattern.write(value)
    try:
        local = value.astimezone(ZoneInfo(dialect.timezone))
    except OverflowError as error:
        raise ValueError from error
    if pattern.has("zone") or not pattern.has_time:
        whole = timedelta(minutes=int(local.utcoffset() / timedelta(minutes=1)))  # type: ignore[operator]  # it has one
        local = (value.replace(tzinfo=None) + whole).replace(tzinfo=timezone(whole))
    _check(pattern.tells(local.year))
    text = pattern.write(local)
    if pattern.has_time:
        return text
    fraction = f".{local.microsecond:06d}" if local.microsecond else ""
    zone = date_pattern("YYYY-MM-DDTHH:mm:ssZ").write(local)[19:]
    return f"{text}T{local:%H:%M:%S}{fraction}{zone}"


def _check(is_told: bool) -> None:
    if not is_told:
        raise ValueError


dialects = st.builds(
    Dialect,
    decimal_char=st.sampled_from([".", ","]),
    list_delimiter=st.sampled_from(["|", ",", ", ", "||", "a", ";", "^-", "]"]),
    date_format=st.sampled_from(
        [
            "YYYY-MM-DD", "DD.MM.YY", "D-M-yyyy H:mm", "YYYYMMDDHHmmssSSS", "YYYY-MM-DDTHH:mm:ssZ",
            "DD/MM/YYYY HH:mm Z", "epoch_milliseconds", "epoch_seconds", "'on' YYYY-MM-DD",
        ]
    ),
    pivot_year=st.sampled_from([0, 69, 100]),
    timezone=st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "Africa/Monrovia"]),
)  # fmt: skip  # patterns read better beside each other
items = st.text(
    st.one_of(st.sampled_from('a|,;" \\{}N^-]'), st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    min_size=1,
    max_size=6,
)
KINDS: dict[PropertyType, st.SearchStrategy[Value]] = {
    PropertyType.TEXT: items,
    PropertyType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    PropertyType.NUMBER: st.decimals(-(10**27), 10**27, places=10, allow_nan=False),
    PropertyType.BOOLEAN: st.booleans(),
    PropertyType.DATE: st.dates(),
    PropertyType.DATETIME: st.datetimes(timezones=st.just(UTC)),
    PropertyType.LIST: st.lists(st.one_of(items, st.sampled_from(["NULL", "null", "red"])), max_size=4),
}
columns = st.sampled_from(list(KINDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(st.one_of(st.none(), KINDS[kind]), max_size=5))
)


@settings(max_examples=examples(150))
@given(dialects, columns)
@example(AMSTERDAM, (PropertyType.DATETIME, [datetime(1, 1, 1, tzinfo=UTC), datetime(1930, 1, 1, tzinfo=UTC)]))
@example(Dialect(timezone="America/New_York"), (PropertyType.DATETIME, [datetime(1, 1, 1, tzinfo=UTC)]))
@example(Dialect(), (PropertyType.DATE, [date(1, 1, 1), date(9999, 12, 31)]))
@example(EPOCH, (PropertyType.DATETIME, [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]))
@example(TO_THE_MILLISECOND, (PropertyType.DATETIME, [datetime.max.replace(tzinfo=UTC)]))
@example(TO_THE_MILLISECOND, (PropertyType.DATETIME, [NOON, None, NOON.replace(microsecond=999_999)]))
@example(SHORT_IN_NEW_YORK, (PropertyType.DATETIME, [datetime(1, 1, 1, tzinfo=UTC)]))
@example(SHORT_IN_NEW_YORK, (PropertyType.DATETIME, [datetime(987, 6, 5, 4, 3, 2, tzinfo=UTC), NOON]))
def test_columns_are_written_as_their_values_are(dialect: Dialect, column: tuple[PropertyType, list[Value]]) -> None:
    kind, values = column
    expected: list[str | None] | None
    try:
        expected = [None if value is None else one_by_one(dialect, value) for value in values]
    except ValueError:
        expected = None
    if expected is None:
        with pytest.raises(UnwritableValue):
            written(dialect, kind, values)
    else:
        assert written(dialect, kind, values) == expected


@pytest.mark.parametrize(
    ("dialect", "kind", "value", "text"),
    [
        (Dialect(), PropertyType.TEXT, " a ", " a "),
        (Dialect(), PropertyType.INTEGER, -7, "-7"),
        (Dialect(), PropertyType.INTEGER, 100, "100"),
        (Dialect(), PropertyType.NUMBER, Decimal("1.50"), "1.5"),
        (Dialect(), PropertyType.NUMBER, Decimal("1234567890123456789012345678.0123456789"), None),
        (Dialect(), PropertyType.NUMBER, Decimal(100), "100"),
        (AMSTERDAM, PropertyType.NUMBER, Decimal("1234.5"), "1234,5"),
        (Dialect(), PropertyType.BOOLEAN, True, "true"),
        (Dialect(), PropertyType.BOOLEAN, False, "false"),
        (AMSTERDAM, PropertyType.DATE, date(2019, 11, 30), "30.11.2019"),
        (EPOCH, PropertyType.DATE, date(2019, 11, 30), "2019-11-30"),
        (EPOCH, PropertyType.DATETIME, NOON, "1719837005000"),
        (Dialect(date_format="DD.MM.YY"), PropertyType.DATE, date(1969, 1, 2), "02.01.69"),
        (Dialect(), PropertyType.DATETIME, NOON, "2024-07-01T12:30:05+00:00"),
        (AMSTERDAM, PropertyType.DATETIME, NOON, "01.07.2024T14:30:05+02:00"),
        (AMSTERDAM, PropertyType.DATETIME, NOON.replace(microsecond=5), "01.07.2024T14:30:05.000005+02:00"),
        (Dialect(date_format="yyyy-MM-dd HH:mm"), PropertyType.DATETIME, NOON, "2024-07-01 12:30"),
        (Dialect(list_delimiter=", "), PropertyType.LIST, ["a", "b"], "a, b"),
        (Dialect(), PropertyType.LIST, [], ""),
        (Dialect(), PropertyType.INTEGER, None, None),
    ],
)
def test_a_value_is_written(dialect: Dialect, kind: PropertyType, value: Value, text: str | None) -> None:
    if isinstance(value, Decimal) and text is None:
        text = str(value)
    assert written(dialect, kind, [value]) == [text]


@pytest.mark.parametrize(
    ("dialect", "kind", "value"),
    [
        (Dialect(), PropertyType.LIST, ["a|b"]),
        (Dialect(date_format="DD.MM.YY"), PropertyType.DATE, date(1968, 1, 1)),
        (Dialect(date_format="DD.MM.YY"), PropertyType.DATE, date(2069, 1, 1)),
        (Dialect(null_sequence=("NULL", "-")), PropertyType.TEXT, " -"),
        (Dialect(null_sequence=("0",)), PropertyType.INTEGER, 0),
        (Dialect(null_sequence=("NULL",)), PropertyType.LIST, ["NULL"]),
    ],
)
def test_a_value_that_would_be_read_as_another_is_refused(dialect: Dialect, kind: PropertyType, value: Value) -> None:
    with pytest.raises(UnwritableValue):
        written(dialect, kind, [value])


def test_a_null_in_a_list_is_no_item() -> None:
    frame = pl.DataFrame({"c0": ['{NULL,a,"NULL",NULL}', "{NULL}"]})
    assert TypedText(Dialect(), [PropertyType.LIST]).frame(frame)["c0"].to_list() == ["a|NULL", ""]


def test_an_unknown_date_pattern_is_the_goals_fault() -> None:
    with pytest.raises(InvalidGoal, match="QQ"):
        TypedText(Dialect(date_format="QQ-YYYY"), [PropertyType.DATE])


several = st.sampled_from([kind for kind in KINDS if not kind.is_many]).flatmap(
    lambda kind: st.tuples(
        st.just(kind), st.lists(st.one_of(st.none(), st.lists(KINDS[kind], min_size=1, max_size=3)), max_size=4)
    )
)


@settings(max_examples=examples(80), deadline=None)
@given(dialects, several)
@example(AMSTERDAM, (PropertyType.DATETIME, [[NOON, NOON], None, [NOON]]))
@example(AMSTERDAM, (PropertyType.NUMBER, [[Decimal("-1.5"), Decimal(2)], [Decimal(0)]]))
@example(Dialect(list_delimiter=","), (PropertyType.NUMBER, [[Decimal(1)], [Decimal("-1.5"), Decimal(2)]]))
@example(Dialect(list_delimiter="a"), (PropertyType.BOOLEAN, [[True], [False]]))
def test_several_values_are_each_written_as_one_is(
    dialect: Dialect, column: tuple[PropertyType, list[list[Value] | None]]
) -> None:
    kind, rows = column
    literals = [
        None if row is None else as_postgresql_writes([str(as_postgresql_writes(each)) for each in row]) for row in rows
    ]
    typed = TypedText(dialect, [Several(kind)])
    frame = pl.DataFrame({"c0": literals}, schema={"c0": pl.String})
    expected: list[str | None] = []
    try:
        for row in rows:
            items = None if row is None else [one_by_one(dialect, each) for each in row]
            _check(items is None or dialect.list_delimiter.join(items).split(dialect.list_delimiter) == items)
            expected.append(None if items is None else dialect.list_delimiter.join(items))
    except ValueError:
        with pytest.raises(UnwritableValue):
            typed.frame(frame)
        return
    assert typed.frame(frame)["c0"].to_list() == expected
