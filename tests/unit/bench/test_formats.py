"""The benchmark's other ways to bring the rows: the same rows, by settings that a goal can have."""

from pathlib import Path

import polars as pl

from bench.formats import TEN_PROCESSORS
from bench.generate import first_load
from bench.goal import GOAL
from bench.workbook import NUMBERS, write_workbook
from shared.domain.goal import ImportGoal
from tests.unit.formats.test_xlsx_reader import read as read_workbook


def test_ten_processors_are_ten_of_different_kinds() -> None:
    goal = ImportGoal.model_validate(GOAL | {"processors": TEN_PROCESSORS})
    assert len({each.kind for each in goal.processors}) == 10


def test_the_workbook_holds_the_same_rows(tmp_path: Path) -> None:
    first_load(tmp_path / "plain.csv", 500)
    write_workbook(tmp_path / "plain.csv", tmp_path / "book.xlsx")
    plain = pl.read_csv(tmp_path / "plain.csv", infer_schema=False).fill_null("")
    found = read_workbook((tmp_path / "book.xlsx").read_bytes(), tmp_path)
    assert found.header == tuple(plain.columns)
    # Numbers are numbers there: 1.50 is 1.5.
    texts = [place for place, name in enumerate(plain.columns) if name not in NUMBERS]
    rows = [row for _, row in found.good.values()]
    assert [[row[place] for place in texts] for row in rows] == [
        [row[place] for place in texts] for row in plain.rows()
    ]
