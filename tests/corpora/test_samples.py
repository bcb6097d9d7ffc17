"""What is found out about files that others wrote: right, or a question, and never wrong in silence.

The first table is of files with a table in them: delimiter, quote, header, types. Where something must be asked it says
which question. The second is of files that hold none.
"""

from pathlib import Path
from typing import Any

import pytest

from shared.domain.findings import Certainty, Findings
from shared.runtime.samples import find
from tests.corpora import papaparse_cases
from tests.corpora.folder import FOLDER, needed

pytestmark = needed

INTEGERS = ["integer", "integer", "integer"]
TABLES: dict[str, tuple[str, str | None, bool | None, list[str], set[str]]] = {
    # file: delimiter, quote, header (None: asked), types, codes of questions
    "csv-spectrum/csv/comma_in_quotes.csv": (",", '"', True, ["text"] * 5, {"identifier"}),
    "csv-spectrum/csv/empty.csv": (",", '"', True, INTEGERS, {"identifier"}),
    "csv-spectrum/csv/empty_crlf.csv": (",", '"', True, INTEGERS, {"identifier"}),
    "csv-spectrum/csv/escaped_quotes.csv": (",", '"', True, ["integer", "text"], {"identifier"}),
    "csv-spectrum/csv/json.csv": (",", '"', True, ["text", "text"], {"identifier"}),
    "csv-spectrum/csv/location_coordinates.csv": (",", None, True, ["text"] * 4, {"identifier"}),
    "csv-spectrum/csv/newlines.csv": (",", '"', True, ["text", "integer", "integer"], {"identifier"}),
    "csv-spectrum/csv/newlines_crlf.csv": (",", '"', True, ["text", "integer", "integer"], {"identifier"}),
    "csv-spectrum/csv/quotes_and_newlines.csv": (",", '"', True, ["integer", "text"], {"identifier"}),
    "csv-spectrum/csv/simple.csv": (",", '"', True, ["boolean", "integer", "integer"], {"identifier", "column_type"}),
    "csv-spectrum/csv/simple_crlf.csv": (
        ",", '"', True, ["boolean", "integer", "integer"], {"identifier", "column_type"},
    ),
    "csv-spectrum/csv/utf8.csv": (",", '"', True, ["integer", "integer", "text"], {"identifier"}),
    "papaparse/csv/long-sample.csv": (
        ",", '"', False, ["text", "text", "email", "datetime", "datetime", "text", "text"], set(),
    ),
    "papaparse/csv/sample-header.csv": (",", '"', True, ["text", "text"], {"identifier"}),
    "papaparse/csv/sample.csv": (",", '"', None, ["text"] * 3, {"header"}),
    "papaparse/csv/utf-8-bom-sample.csv": (",", '"', None, ["text"] * 3, {"header"}),
    "papaparse/csv/verylong-sample.csv": (",", '"', True, ["text", "integer", "text"], {"identifier"}),
}  # fmt: skip  # a table

TROUBLED = {
    "blns/blns.json": "unknown_format",
    "blns/index.json": "unknown_format",
    "isemail/cases.json": "unknown_format",
    "isemail/meta.xml": "unknown_format",
    "isemail/tests.xml": "unknown_format",
    "payloads/ssrf_urls.json": "unknown_format",
    "redos/patterns.json": "unknown_format",
    "yauzl-zip/success/empty.zip": "empty_file",
    "yauzl-zip/success/traditional-encryption.zip": "archive_password_missing",
    "yauzl-zip/failure/01.zip": "damaged_archive",
    "yauzl-zip/failure/04.zip": "member_name_absolute",
    "openpgp-interop/messages/camellia128-001.asc": "no_decryption_key",
    "openpgp-interop/messages/gnupg-v1-001.asc": "no_decryption_key",
}
ASKED = {
    "payloads/csv-payload.txt": {"delimiter", "header"},
    "payloads/directory_traversal.txt": {"delimiter", "header", "comment_char"},
    "yauzl-zip/success/linux-info-zip.zip": {"members"},
}
"""Texts that are no tables: nothing of them is certain."""


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_found_as_it_is_or_asked_about(name: str) -> None:
    delimiter, quote, header, types, codes = TABLES[name]
    findings = find(FOLDER / name)
    dialect = findings.dialect
    assert dialect is not None
    assert (dialect.delimiter.value, dialect.delimiter.certainty) == (delimiter, Certainty.CERTAIN)
    assert (dialect.quote_char.value, dialect.quote_char.certainty) == (quote, Certainty.CERTAIN)
    if header is not None:
        assert (dialect.header.value, dialect.header.certainty) == (header, Certainty.CERTAIN)
    assert [column.type.value.value for column in findings.columns] == types
    assert _codes(findings) == codes


@pytest.mark.parametrize("name", TROUBLED)
def test_what_holds_no_table_says_so(name: str) -> None:
    trouble = find(FOLDER / name).trouble
    assert trouble is not None
    assert trouble.code == TROUBLED[name]


@pytest.mark.parametrize("name", ASKED)
def test_what_may_be_a_table_is_asked_about(name: str) -> None:
    assert _codes(find(FOLDER / name)) == ASKED[name]


DIFFERING = {
    "parse_24": "the delimiter it is told is a line end",
    "parse_25": "a comma with a blank: found as a comma behind which blanks are skipped, which reads the same",
    "parse_26": "as parse_25",
    "parse_27": "a dollar with a blank behind it: found as a dollar behind which blanks are skipped",
    "core_37": "a file of nothing but commas",
}


def test_papaparse_s_texts_are_parted_as_its_authors_expect_or_asked_about(tmp_path: Path) -> None:
    cases = papaparse_cases.inline()
    wrong: dict[str, Any] = {}
    for case in cases:
        path = tmp_path / "case"
        path.write_bytes(case.content)
        findings = find(path)
        if findings.dialect is None or case.name in DIFFERING:
            continue
        found = findings.dialect.delimiter
        is_parted = found.value == case.dialect["delimiter"] or len(findings.columns) == 1
        if found.certainty is Certainty.CERTAIN and not is_parted:
            wrong[case.name] = found.value
    assert len(cases) >= 160
    assert wrong == {}


def _codes(findings: Findings) -> set[str]:
    return {question.code.value for question in findings.questions}
