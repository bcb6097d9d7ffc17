"""The cases of PapaParse as files with a dialect of ours.

Where PapaParse guesses the delimiter, the goal declares what it guesses. Its comments and first lines that are skipped
are what a dialect declares. Its options that change values (types, callbacks), leave rows out (previews) or skip blank
lines are not options of reading here: such a file is read without them, and the expected rows are those of Python's
csv module.
"""

import csv
import io
import json
from typing import Any

from tests.corpora.folder import FOLDER, content, entries
from tests.corpora.importing import Case, Row

GUESSED = {"parse_27": "$ ", "parse_67": "|", "parse_69": ";", "parse_70": ";"}
"""Delimiters that PapaParse guesses or is told by a callback, where it is not the comma."""

WIDTHS = {"parse_13": 3, "parse_33": 3, "parse_92": 4}
"""Columns of the header, where the first row has more or there is none."""

_OF_READING = {"delimiter", "quoteChar", "escapeChar", "newline", "header", "fastMode", "transformHeader", "comments"}
_OF_READING |= {"skipFirstNLines"}


def inline() -> list[Case]:
    """The cases whose text stands in the corpus' list."""
    cases = json.loads((FOLDER / "papaparse" / "cases.json").read_text())
    return [
        _case(f"{family}_{number}", case) for family in ("core", "parse") for number, case in enumerate(cases[family])
    ]


def files() -> list[Case]:
    """The cases that are files. The corpus has no rows for them, only how many; Python's csv module has."""
    found = []
    for entry in entries("papaparse"):
        if entry["kind"] == "csv":
            data = content("papaparse", entry["file"])
            found.append(Case(entry["file"].rpartition("/")[2], data, _by_python(data.decode("utf-8-sig"), {})))
    return found


def _case(name: str, case: dict[str, Any]) -> Case:
    config = case.get("config") or {}
    dialect: dict[str, Any] = {"delimiter": GUESSED.get(name) or config.get("delimiter") or ","}
    if "quoteChar" in config:
        dialect["quoteChar"] = config["quoteChar"]
    if "escapeChar" in config:
        dialect |= {"escapeChar": config["escapeChar"], "doubleQuote": False}
    dialect |= _skipping(config)
    data = case["expected"]["data"]
    # A blank line is no record here either.
    if set(config) - ({"skipEmptyLines"} if config.get("comments") else set()) <= _OF_READING:
        # Of its core the corpus shows the header as the first row.
        rows = data[1:] if dialect["header"] and name.startswith("core") else data
        expected = tuple(_row(row) for row in rows)
    else:
        expected = _by_python(case["input"], dialect)
    rows = tuple(row for row in expected if row != ("",))
    return Case(name, case["input"].encode(), rows, dialect, WIDTHS.get(name))


def _skipping(config: dict[str, Any]) -> dict[str, Any]:
    """What is a header, a comment, a line before them."""
    has_header = bool(config.get("header"))
    found: dict[str, Any] = {"header": has_header}
    comments, lines = config.get("comments"), max(config.get("skipFirstNLines") or 0, 0)
    if comments is True or isinstance(comments, str):
        found["commentChar"] = "#" if comments is True else comments
    if lines:
        found |= {"headerRows": [lines + 1]} if has_header else {"commentRows": list(range(1, lines + 1))}
    return found


def _row(row: Any) -> Row:
    if isinstance(row, list):
        return tuple(row)
    extra = row.get("__parsed_extra", [])
    return (*(value for name, value in row.items() if name != "__parsed_extra"), *extra)


def _by_python(text: str, dialect: dict[str, Any]) -> tuple[Row, ...]:
    delimiter = dialect.get("delimiter", ",")
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    return tuple(tuple(row) for row in rows if row)[1 if dialect.get("header") else 0 :]
