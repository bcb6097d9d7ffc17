"""Dates of cells become text of which typing makes the same moment, or none."""

from datetime import datetime

import polars as pl
import pytest

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.formats.cell_text import CellText
from shared.processing.moments import moments

CELLS = [
    datetime(year, 3, 5, *time)  # noqa: DTZ001 a workbook knows no zone
    for year in (1950, 1999, 2031, 2099)
    for time in ((), (10, 20), (10, 20, 30))
]


@pytest.mark.parametrize("pivot", [0, 30, 69, 100])
@pytest.mark.parametrize(
    "pattern", ["DD.MM.YY", "DD.MM.YYYY HH:mm", "YYMMDD HH:mm:ss", "YYYY-MM-DD", "epoch_seconds", "epoch_milliseconds"]
)
def test_a_date_is_read_as_its_own_moment_or_not_at_all(pattern: str, pivot: int) -> None:
    known = date_pattern(pattern, pivot)
    writer = CellText(Dialect.model_validate({"dateFormat": pattern, "pivotYear": pivot}))
    found = moments(pl.Series([writer.moment(cell) for cell in CELLS]), known, "UTC")
    told = [None if bad else value for value, bad in zip(found.values, found.is_bad, strict=True)]
    cut = [cell.second > 0 and pattern.endswith("HH:mm") for cell in CELLS]
    assert told == [
        f"{cell:%Y-%m-%dT%H:%M:%S.%f}+00:00" if known.tells(cell.year) and not is_cut else None
        for cell, is_cut in zip(CELLS, cut, strict=True)
    ]
