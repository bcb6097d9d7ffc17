"""csv-spectrum and PapaParse's cases, imported by the running system and read back through the gateway.

Every case is imported; none is left out. What does not come to what its authors expect stands in a table with the
outcome that it does have and the reason, and a difference that is not in the table fails, as does a line of the table
that is no longer true.
"""

import json

import pytest

from tests.corpora import papaparse_cases
from tests.corpora.folder import content, entries, needed
from tests.corpora.importing import Case, Importing, Outcome, Row, shown

pytestmark = [needed, pytest.mark.timeout(600)]

OK = "completed"
PART = "completed_with_rejects"


def read(state: str, *rows: Row, **rejected: int) -> Outcome:
    """A file of which these rows were read, and so many rejected by code."""
    return Outcome(state, None, frozenset(rows), rejected)


def failed(code: str) -> Outcome:
    """A file that was not imported."""
    return Outcome("failed", code)


_REFUSED = Outcome("refused", "invalid_request")
_NOTHING = failed("no_usable_rows")

STRAY = "a quote inside an unquoted field: taken for text there, ambiguous and so rejected here"
BLANK_BESIDE = "blanks between a closing quote and the delimiter: forgiven there, rejected here"
UNCLOSED = (
    "a quote that is never closed swallows the rest of the file there; here it costs its line, and reading goes on"
)
COMMENT = "nothing but comments is nothing that could be imported, unless the goal says that it may be"
FIRST = "the first row tells the width where there is no header: what is longer or shorter is rejected, not padded"
EMPTY = "no byte is a file that was cut off on its way, unless the goal says that it may be"
WIDER = "a row with more fields than the header"
SIMPLE = "a delimiter is no line end"

DIFFERENCES: dict[str, tuple[str, Outcome]] = {
    "core_12": (STRAY, _NOTHING),
    "core_17": (STRAY, _NOTHING),
    "core_18": (STRAY, _NOTHING),
    "core_19": (UNCLOSED, read(PART, ("d", "e"), unclosed_quote=1)),
    "core_20": (STRAY, read(PART, ("d",), stray_quote=1)),
    "core_21": (UNCLOSED, read(PART, ("d", "e"), stray_quote=1)),
    "core_22": (UNCLOSED, read(PART, ("e", "f"), stray_quote=1)),
    "core_23": (UNCLOSED, _NOTHING),
    "core_35": (EMPTY, failed("empty_file")),
    "core_37": (FIRST, read(PART, ("", "", ""), no_identifier=1, too_many_fields=1)),
    "core_45": (COMMENT, failed("empty_file")),
    "core_47": (FIRST, read(PART, ("a", "b", "c"), ("d", "e", "f"), too_few_fields=1)),
    "core_49": (COMMENT, failed("empty_file")),
    "core_50": (COMMENT, failed("empty_file")),
    "parse_5": (BLANK_BESIDE, _NOTHING),
    "parse_6": (BLANK_BESIDE, read(PART, ("Q", "W", "E", "R"), stray_quote=2)),
    "parse_7": (BLANK_BESIDE, _NOTHING),
    "parse_8": (STRAY, _NOTHING),
    "parse_9": (
        "PapaParse chooses one kind of line end; here LF, CRLF and CR may be mixed",
        read(OK, ("a", "b", "c"), ("d", "e", "f"), ("g", "h", "i")),
    ),
    "parse_12": ("a row with fewer fields than the header, and no other row", _NOTHING),
    "parse_13": (WIDER, read(PART, ("f", "g", "h"), too_many_fields=1)),
    "parse_24": (SIMPLE, _REFUSED),
    "parse_33": (WIDER, read(PART, ("-4", "-4.5", "-4e-5"), too_many_fields=1)),
    "parse_45": (FIRST, read(PART, ("a", "b", "c"), ("d", "e", "f"), too_few_fields=1)),
    "parse_49": (EMPTY, failed("empty_file")),
    "parse_57": (FIRST, read(PART, ("a", "b", "c"), too_many_fields=1)),
    "parse_62": (EMPTY, failed("empty_file")),
    "parse_63": (FIRST, read(PART, ("",), no_identifier=1, too_many_fields=1)),
    "parse_74": ("an escape character takes any next character as it is; PapaParse's escapes the quote alone",
                 read(OK, ("a", "b", "cd"))),
    "parse_88": (FIRST, read(PART, ("a", "b"), ("c", "d"), ("", ""), no_identifier=4, too_many_fields=1)),
    "parse_90": (BLANK_BESIDE, read(PART, ("E", "F", "G", "H"), stray_quote=1)),
    "parse_91": (BLANK_BESIDE, read(PART, ("d", "e", "f"), unclosed_quote=2)),
}  # fmt: skip  # a table


async def test_csv_spectrum_comes_back_as_its_authors_expect(importing: Importing) -> None:
    cases, expected = [], {}
    for entry in entries("csv-spectrum"):
        name = entry["file"].rpartition("/")[2]
        rows = _records(entry["expected_json"])
        if entry["expect"] == "ok":
            cases.append(Case(name, content("csv-spectrum", entry["file"]), rows, {"header": True}))
            expected[name] = Outcome(OK, None, shown(rows))
        else:
            # Its one row is no UTF-8, so nothing of it can be used; its header decides how many columns there are.
            cases.append(Case(name, content("csv-spectrum", entry["file"]), (("x", "x"),), {"header": True}))
            expected[name] = failed("no_usable_rows")
    found = await importing.outcomes(cases)
    assert {name: _without_names(each) for name, each in found.items()} == expected
    assert len(expected) == 12


async def test_papaparse_comes_back_as_its_authors_expect_or_as_the_table_explains(importing: Importing) -> None:
    cases = papaparse_cases.inline() + papaparse_cases.files()
    assert len(cases) >= 165
    found = await importing.outcomes(cases)
    unexplained, untrue = {}, {}
    for case in cases:
        outcome = found[case.name]
        if case.name in DIFFERENCES:
            if outcome != DIFFERENCES[case.name][1]:
                untrue[case.name] = outcome
        elif not _is_as_expected(outcome, case):
            unexplained[case.name] = outcome
    assert (unexplained, untrue) == ({}, {})


def _records(file: str) -> tuple[Row, ...]:
    found = json.loads(content("csv-spectrum", file))
    return tuple(tuple(each.values()) for each in (found if isinstance(found, list) else [found]))


def _without_names(outcome: Outcome) -> Outcome:
    """A row without a value in the first column is read all the same."""
    rest = {code: rows for code, rows in outcome.rejected.items() if code != "no_identifier"}
    return Outcome(OK if not rest and outcome.state == PART else outcome.state, outcome.code, outcome.rows, rest)


def _is_as_expected(outcome: Outcome, case: Case) -> bool:
    plain = _without_names(outcome)
    ragged = sum(len(row) < len(case.expected[0]) for row in case.expected)
    rows = shown([row for row in case.expected if len(row) == len(case.expected[0])]) if case.expected else frozenset()
    if case.name == "verylong-sample.csv":
        # Four rows are shorter than the first: what every reader pads or rejects as it likes.
        return plain == Outcome(PART, None, rows, {"too_few_fields": ragged})
    return plain == Outcome(OK, None, rows)
