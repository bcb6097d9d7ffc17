"""What a spreadsheet would take for a formula is prefixed; numbers of number columns are not."""

import polars as pl
import pytest

from shared.processing.formulas import defused, defused_heading

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "=",
    "-",
]
HARMLESS = ["", "a=1", " =1", "'=1", "1-1", "é"]


def _defused(values: list[str | None], proved: set[str]) -> list[str | None]:
    return defused(pl.DataFrame({"c0": values}, schema={"c0": pl.String}), proved)["c0"].to_list()


def test_values_of_text_columns_are_prefixed_by_their_first_sign() -> None:
    assert _defused([*FORMULAS, *HARMLESS, None], set()) == ["'" + each for each in FORMULAS] + [*HARMLESS, None]


@pytest.mark.parametrize("value", ["-5", "-1234,5", "+31612345678", "-62135596800000", "-1 234.5", "-1:30"])
def test_what_its_type_proves_keeps_its_sign(value: str) -> None:
    assert _defused([value], {"c0"}) == [value]


@pytest.mark.parametrize("value", ["=1", "-cmd|' /C calc'!A0", "+A1", "-", "-1+cmd()", "@5", "\t-5"])
def test_a_processor_cannot_smuggle_a_formula_into_a_proved_column(value: str) -> None:
    assert _defused([value], {"c0"}) == ["'" + value]


def test_headings_are_prefixed_too() -> None:
    assert [defused_heading(each) for each in ("=1", "a", "")] == ["'=1", "a", ""]
