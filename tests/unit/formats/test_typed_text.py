"""Typed values are written as the importer's typing reads them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal, UnwritableValue
from shared.domain.property import PropertyType
from shared.formats.typed_text import TypedText, Value

NOON = datetime(2024, 7, 1, 12, 30, 5, tzinfo=UTC)
AMSTERDAM = Dialect(timezone="Europe/Amsterdam", date_format="DD.MM.YYYY", decimal_char=",")


@pytest.mark.parametrize(
    ("dialect", "kind", "value", "text"),
    [
        (Dialect(), PropertyType.TEXT, " a ", " a "),
        (Dialect(), PropertyType.INTEGER, -7, "-7"),
        (Dialect(), PropertyType.NUMBER, Decimal("1.50"), "1.5"),
        (Dialect(), PropertyType.NUMBER, "100.0000000000", "100"),
        (Dialect(), PropertyType.NUMBER, Decimal("1E+3"), "1000"),
        (AMSTERDAM, PropertyType.NUMBER, Decimal("1234.5"), "1234,5"),
        (Dialect(), PropertyType.BOOLEAN, True, "true"),
        (Dialect(), PropertyType.BOOLEAN, False, "false"),
        (Dialect(), PropertyType.DATE, date(2019, 11, 30), "2019-11-30"),
        (AMSTERDAM, PropertyType.DATE, date(2019, 11, 30), "30.11.2019"),
        (Dialect(date_format="DD.MM.YY"), PropertyType.DATE, date(1969, 1, 2), "02.01.69"),
        (Dialect(), PropertyType.DATETIME, NOON, "2024-07-01T12:30:05+00:00"),
        (AMSTERDAM, PropertyType.DATETIME, NOON, "01.07.2024T14:30:05+02:00"),
        (AMSTERDAM, PropertyType.DATETIME, NOON.replace(microsecond=5), "01.07.2024T14:30:05.000005+02:00"),
        (Dialect(date_format="yyyy-MM-dd HH:mm"), PropertyType.DATETIME, NOON, "2024-07-01 12:30"),
        (Dialect(), PropertyType.EMAIL, "a@b.nl", "a@b.nl"),
        (Dialect(list_delimiter=", "), PropertyType.LIST, ["a", "b"], "a, b"),
        (Dialect(), PropertyType.LIST, [], ""),
        (Dialect(), PropertyType.INTEGER, None, None),
    ],
)
def test_a_value_is_written(dialect: Dialect, kind: PropertyType, value: Value, text: str | None) -> None:
    assert TypedText(dialect, [kind]).row([value]) == [text]


@pytest.mark.parametrize(
    ("dialect", "kind", "value"),
    [
        (Dialect(), PropertyType.LIST, ["a|b"]),
        (Dialect(date_format="DD.MM.YY"), PropertyType.DATE, date(1968, 1, 1)),
        (Dialect(date_format="DD.MM.YY"), PropertyType.DATE, date(2069, 1, 1)),
    ],
)
def test_a_value_that_would_be_read_as_another_is_refused(dialect: Dialect, kind: PropertyType, value: Value) -> None:
    with pytest.raises(UnwritableValue):
        TypedText(dialect, [kind]).row([value])


def test_an_unknown_date_pattern_is_the_goals_fault() -> None:
    with pytest.raises(InvalidGoal, match="QQ"):
        TypedText(Dialect(date_format="QQ-YYYY"), [PropertyType.DATE])
