"""Columns whose date pattern the whole file tells, together with those that need no telling."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from shared.domain.failures import AmbiguousDates
from shared.processing.date_choice import DateChoice
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import MappingPlan, plan_of
from tests.unit.processing.goals import goal, properties

KNOWN = properties("email", email="email", born="date", seen="datetime", name="text")
HEADER = ("email", "born", "seen", "name")


def plan(*mapping: dict[str, Any], auto: bool = True) -> MappingPlan:
    """A plan of a file with these columns."""
    dialect = {"dateFormat": "auto"} if auto else {}
    wanted = goal([{"field": "email", "property": "email"}], list(mapping), dialect)
    return plan_of(wanted, KNOWN, FileColumns.of(HEADER, len(HEADER)))


def seen_by(choice: DateChoice, *rows: tuple[str, ...]) -> DateChoice:
    """The choice, when it has seen rows."""
    frame = pl.DataFrame(rows, schema={f"c{place}": pl.String for place in range(len(HEADER))}, orient="row")
    choice.see(frame, np.arange(1, len(rows) + 1))
    return choice


BORN = {"field": "born", "property": "born"}
SEEN = {"field": "seen", "property": "seen"}
NAME = {"field": "name", "property": "name"}


def test_only_dates_that_are_to_be_found_out_want_a_reading_of_their_own() -> None:
    assert DateChoice(plan(BORN)).is_needed
    assert not DateChoice(plan(NAME)).is_needed
    assert not DateChoice(plan(BORN, auto=False)).is_needed
    assert not DateChoice(plan({**BORN, "dateFormat": "DD.MM.YYYY"})).is_needed


def test_each_column_gets_its_own_pattern_and_is_told() -> None:
    choice = seen_by(
        DateChoice(plan(BORN, SEEN)),
        ("a@b.example", "13/02/2024", "02/13/2024 10:00", ""),
        ("b@b.example", " 01/02/2024 ", "", ""),
    )
    patterns = {column.property.name: column.pattern for column in choice.plan().columns}
    assert (patterns["born"].pattern, patterns["email"]) == ("DD/MM/YYYY", None)
    assert patterns["seen"].pattern.startswith("MM/DD/YYYY")
    assert [sentence.split("'")[1] for sentence in choice.told()] == ["born", "seen"]


def test_a_column_without_values_asks_nothing_and_tells_nothing() -> None:
    choice = seen_by(DateChoice(plan(BORN)), ("a@b.example", " ", "", ""))
    assert choice.plan().columns[1].pattern is not None
    assert list(choice.told()) == []


def test_two_readings_fail_the_file_and_show_no_value_of_it() -> None:
    choice = seen_by(DateChoice(plan(BORN)), ("a@b.example", "01/02/1987", "", ""))
    with pytest.raises(AmbiguousDates) as failed:
        choice.plan()
    assert "1987" not in failed.value.detail
