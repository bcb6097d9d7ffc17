"""The pages that quote other systems name tests that exist; the check that says so notices what is wrong."""

from pathlib import Path

import pytest

from scripts.check_quotes import PAGES, faults

HERE = "tests/architecture/test_quotes.py"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_page_is_true(page: Path) -> None:
    assert list(faults(page, page.read_text("utf-8").splitlines(), None)) == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f'| "a b" | `{HERE}::test_the_page_is_true` |', None),
        (f'| "a b" | `{HERE}::test_the_page_is_true`; due: the rest |', None),
        ('| "a b" | later: groups |', None),
        (f'| "a b" | `{HERE}::test_that_is_not_there` |', "there is no test"),
        ('| "a b" | `tests/none.py::test_it` |', "there is no test tests/none.py::test_it"),
        ('| "a b" | `tests/none.py`; due: more |', "expected tests as"),
        ('| "a b" | some day |', "expected a test, or one of"),
        ("| a b | later: groups |", "expected | "),
        ('| "a c" | later: groups |', "none of the quoted pages says 'a c'"),
    ],
)
def test_a_row_that_is_not_true_is_noticed(row: str, fault: str | None) -> None:
    found = list(
        faults(Path("docs/page.md"), ["## Spotler", "| what it says | here |", "| --- | --- |", row], "x a b c")
    )
    assert [fault is not None and fault in each for each in found] == ([] if fault is None else [True])
    assert all(each.startswith("docs/page.md:4: ") for each in found)
