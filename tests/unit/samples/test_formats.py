"""Samples that are no plain text: workbooks, JSON Lines, archives, messages."""

import bz2
import gzip
import io
import zipfile
from pathlib import Path

import pytest

from shared.domain.findings import Answer, Findings, QuestionCode
from shared.processing.goal_settings import goal_settings
from shared.runtime.samples import find
from tests.unit.formats.workbooks import BUILT_IN_DATE, n, packed, parts_of, sheet, t, workbook
from tests.unit.samples.oracle import read

TEXT = b"email,points\nann@example.com,12\nbob@example.com,7\n"
JSON = (
    b'{"email": "ann@example.com", "home": {"city": "York"}, "tags": ["a", "b|c"], "orders": [{"id": 1}]}\n'
    b'{"email": "bob@example.com", "home": {"city": "Bath"}, "tags": ["a"], "orders": []}\n'
)


def found(tmp_path: Path, content: bytes, *answers: Answer) -> Findings:
    path = tmp_path / "sample"
    path.write_bytes(content)
    return find(path, answers=answers)


def zipped(**files: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in files.items():
            file.writestr(name.replace("_", "."), content)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("content", "packing"),
    [(TEXT, "none"), (gzip.compress(TEXT), "gzip"), (bz2.compress(gzip.compress(TEXT)), "bzip2+gzip"),
     (zipped(a_csv=TEXT), "zip")],
    ids=["plain", "gzip", "bzip2 of gzip", "zip"],
)  # fmt: skip  # a table
def test_a_packed_sample_is_looked_into(content: bytes, packing: str, tmp_path: Path) -> None:
    findings = found(tmp_path, content)
    assert findings.packing.value == packing
    assert [column.name for column in findings.columns] == ["email", "points"]
    assert goal_settings(findings)["unpack"] == {}


def test_of_several_files_in_an_archive_it_is_asked_which_are_meant(tmp_path: Path) -> None:
    content = zipped(a_txt=b"about these files", b_csv=TEXT)
    (question,) = found(tmp_path, content).questions
    assert (question.code, question.pointer) == (QuestionCode.MEMBERS, "/members")
    assert "*.csv" in [choice.value for choice in question.choices]
    findings = found(tmp_path, content, Answer(code=question.code, pointer=question.pointer, value="*.csv"))
    assert goal_settings(findings)["unpack"] == {"members": "*.csv"}


def test_an_encrypted_sample_says_that_it_is(tmp_path: Path) -> None:
    findings = found(tmp_path, b"-----BEGIN PGP MESSAGE-----\n\nhQEMA1\n=abcd\n-----END PGP MESSAGE-----\n")
    assert findings.packing.value == "openpgp"
    assert findings.trouble is not None
    assert findings.trouble.code == "no_decryption_key"


def test_json_lines_are_read_and_objects_in_lists_left_out(tmp_path: Path) -> None:
    findings = found(tmp_path, JSON)
    assert findings.format is not None
    assert findings.format.value == "jsonl"
    assert [column.name for column in findings.columns] == ["email", "home.city", "tags", "orders"]
    settings = goal_settings(findings)
    assert [entry["field"] for entry in settings["mapping"]] == ["home.city", "tags"]
    rows, rejected = read(tmp_path / "sample", settings)
    assert rejected == 0
    assert rows == [("ann@example.com", "York", '{"a","b|c"}'), ("bob@example.com", "Bath", '{"a"}')]


def test_a_json_document_is_none(tmp_path: Path) -> None:
    findings = found(tmp_path, b'[\n  {"email": "ann@example.com"}\n]\n')
    assert findings.trouble is not None
    assert findings.trouble.code == "unknown_format"


HEAD = [t("E-mail"), t("Points"), t("Born"), t("Balance")]


def test_a_workbook_is_read_from_its_header_on(tmp_path: Path) -> None:
    content = workbook(
        (2, [t("Contacts of the shop")]),
        (4, HEAD),
        (5, [t("ann@example.com"), n("12"), n("30000", BUILT_IN_DATE), t("1.234,50")]),
        (6, [t("bob@example.com"), n("7"), n("40000", BUILT_IN_DATE), t("7,25")]),
    )
    findings = found(tmp_path, content)
    assert findings.questions == ()
    assert findings.sheet is not None
    assert [column.type.value.value for column in findings.columns] == ["email", "integer", "date", "number"]
    settings = goal_settings(findings)
    assert settings["dialect"]["headerRows"] == [4]
    rows, rejected = read(tmp_path / "sample", settings)
    assert rejected == 0
    assert rows == [
        ("ann@example.com", "12", "1982-02-18", "1234.5"),
        ("bob@example.com", "7", "2009-07-06", "7.25"),
    ]


def test_of_several_sheets_it_is_asked_which_is_meant(tmp_path: Path) -> None:
    rows = sheet(HEAD[:2], [t("ann@example.com"), n("12")], [t("bob@example.com"), n("7")])
    content = packed(parts_of({"Old": rows, "New": rows, "Lists": rows}, hidden=["Lists"]))
    (question,) = found(tmp_path, content).questions
    assert [choice.value for choice in question.choices] == ["Old", "New"]
    findings = found(tmp_path, content, Answer(code=question.code, pointer=question.pointer, value="New"))
    assert goal_settings(findings)["dialect"]["sheetName"] == "New"
    assert read(tmp_path / "sample", goal_settings(findings))[1] == 0


def test_cells_and_json_values_have_no_notation_of_their_own(tmp_path: Path) -> None:
    """They are written as the dialect says, so a goal that said it again for a column would be refused."""
    rows = [[t(f"{name}@example.com"), n("30000", BUILT_IN_DATE), n("1.25"), t("a|b")] for name in ("ann", "bob")]
    book = workbook([t("E-mail"), t("Born"), t("Balance"), t("Tags")], *rows)
    json = b'{"email": "ann@example.com", "born": "1982-02-18", "balance": 1.25, "tags": ["a", "b"]}\n'
    for content in (book, json + json.replace(b"ann", b"bob")):
        for entry in goal_settings(found(tmp_path, content))["mapping"]:
            assert entry.keys() == {"field", "property"}
