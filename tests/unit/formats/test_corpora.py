"""Other people's CSV files, read as their authors say they should be."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.dialect import Dialect
from shared.domain.failures import Failure
from tests.unit.formats.reading import Read, read

CORPORA = Path(__file__).parents[4] / "shared" / "corpora"
WHY = "the corpora of other projects are not beside this one (../shared/corpora)"


def entries(corpus: str) -> list[dict[str, Any]]:
    index = CORPORA / corpus / "index.json"
    found: list[dict[str, Any]] = json.loads(index.read_text())["entries"] if index.exists() else []
    return found


def both(data: bytes, dialect: Dialect) -> Read:
    """What both paths say; they must say the same."""
    result = read(data, dialect)
    assert result == read(data, dialect, only_exact=True)
    assert result == read(data, dialect, slice_bytes=50)
    return result


@pytest.mark.skipif(not CORPORA.exists(), reason=WHY)
def test_csv_spectrum_is_read_as_expected() -> None:
    seen = 0
    for entry in entries("csv-spectrum"):
        if entry.get("kind") != "csv":
            continue
        result = both((CORPORA / "csv-spectrum" / entry["file"]).read_bytes(), Dialect())
        if entry["expect"] == "reject":
            assert not result.good, entry["file"]
            assert result.bad, entry["file"]
        else:
            expected = json.loads((CORPORA / "csv-spectrum" / entry["expected_json"]).read_text())
            expected = expected if isinstance(expected, list) else [expected]
            assert [dict(zip(result.header or (), row, strict=True)) for _, row in result.good.values()] == expected
            assert not result.bad, entry["file"]
        seen += 1
    assert seen >= 12


def papaparse_cases() -> list[dict[str, Any]]:
    """The cases of PapaParse's core that use what a dialect of ours can say."""
    file = CORPORA / "papaparse" / "cases.json"
    cases: list[dict[str, Any]] = []
    for case in json.loads(file.read_text())["core"] if file.exists() else []:
        config = case.get("config") or {}
        if isinstance(case["input"], str) and set(config) <= {"delimiter", "quoteChar", "escapeChar", "newline"}:
            cases.append(case)
    return cases


@pytest.mark.skipif(not CORPORA.exists(), reason=WHY)
def test_papaparse_cases_are_read_as_expected_or_rejected() -> None:
    agreed = 0
    for case in papaparse_cases():
        config = case.get("config") or {}
        try:
            dialect = Dialect(
                delimiter=config.get("delimiter") or ",",
                quote_char=config.get("quoteChar") or '"',
                has_header=False,
            )
        except ValueError:
            continue
        result = both(case["input"].encode(), dialect)
        expected = [tuple(row) for row in case["expected"]["data"]]
        rows = [row for _, row in result.good.values()]
        if not result.bad and not case["expected"]["errors"]:
            # A blank line is no record here, and one empty field there.
            assert rows == [row for row in expected if row != ("",)], case["description"]
            agreed += 1
        else:
            assert len(rows) < len(expected) or result.bad, case["description"]
    assert agreed >= 30


@pytest.mark.skipif(not CORPORA.exists(), reason=WHY)
def test_papaparse_files_and_naughty_strings_are_read_alike_by_both_paths() -> None:
    files = [*(CORPORA / "papaparse" / "csv").glob("*"), *(CORPORA / "blns").glob("*")]
    codes: set[str] = set()
    for file in files:
        for dialect in (Dialect(), Dialect(has_header=False), Dialect(quote_char=None, has_header=False)):
            try:
                both(file.read_bytes(), dialect)
            except Failure as failure:
                codes.add(failure.code)
    assert codes <= {"header_changed", "undecodable_file"}
    assert len(files) >= 5
