"""Files that nobody meant as a table: they end as findings or as a failure by name, soon, and never as an exception."""

import gzip
import io
import random
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain.findings import Findings
from shared.runtime.samples import find
from tests.examples import examples

SECONDS = 60
"""Generous: the machine may be loaded. On an idle one the slowest takes four."""

_LINES = [b",".join(b"c%d" % place for place in range(10_000)), *[b",".join([b"1"] * 10_000)] * 20]
TROUBLED = {
    "nothing": (b"", "empty_file"),
    "blank lines": (b"\r\n" * 1_000, "empty_file"),
    "a mark alone": (b"\xef\xbb\xbf", "empty_file"),
    "NULs": (b"\0" * 100_000, "unknown_format"),
    "a megabyte of commas": (b"," * (1 << 20), "too_many_columns"),
    "10,001 columns": (b",".join(b"c%d" % place for place in range(10_001)) + b"\n1\n", "too_many_columns"),
    "a line of 20 MB": (b"x," * (10 << 20), "record_too_long"),
    "a program": (b"\x7fELF" + bytes(5_000), "unknown_format"),
    "a document": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "unknown_format"),
    "a page": (b"\xef\xbb\xbf <!DOCTYPE html><html></html>", "unknown_format"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unknown_format"),
    "half an archive": (gzip.compress(random.Random(1).randbytes(9_000))[:4_000], "damaged_archive"),
}
LOOKED_AT = {
    "a byte": b"a",
    "a megabyte without a line end": b"a" * (1 << 20),
    "a megabyte of quotes": b'"' * (1 << 20),
    "quotes that are never closed": b'"a\n' * 50_000,
    "backslashes": b"\\" * 100_000,
    "apostrophes": b"'" * 100_000,
    "10,000 columns": b"\n".join(_LINES),
    "comments alone": b"# a\n" * 1_000,
}


@pytest.mark.parametrize("name", TROUBLED)
def test_what_holds_no_table_ends_with_a_failure_by_name(name: str, tmp_path: Path) -> None:
    content, code = TROUBLED[name]
    found = _found(tmp_path, content)
    assert found.trouble is not None
    assert found.trouble.code == code
    assert found.trouble.what_to_do


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_can_be_read_is_looked_at(name: str, tmp_path: Path) -> None:
    found = _found(tmp_path, LOOKED_AT[name])
    assert found.trouble is None
    assert found.columns
    assert found.questions


def test_an_archive_without_a_file_is_empty(tmp_path: Path) -> None:
    packed = io.BytesIO()
    zipfile.ZipFile(packed, "w").close()
    found = _found(tmp_path, packed.getvalue())
    assert found.trouble is not None
    assert found.trouble.code == "empty_file"


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
@example(b"\xff\xfea")
@example(b"\x1b$B")
@example(b"a;b\n\x00;\xff\n")
def test_any_bytes_are_findings(tmp_path: Path, content: bytes) -> None:
    _found(tmp_path, content)


PIECES = [
    ",",
    ";",
    "\t",
    "||",
    '"',
    "'",
    "\\",
    "\n",
    "\r",
    " ",
    "#",
    "a",
    "é",
    "1.234",
    "1",
    "01.02.03",
    "x@y.example",
    "NULL",
]


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_text_of_awkward_pieces_is_findings(tmp_path: Path, text: str) -> None:
    found = _found(tmp_path, text.encode())
    pointers = [(question.code, question.pointer) for question in found.questions]
    assert len(set(pointers)) == len(pointers)
    assert all(question.choices for question in found.questions)


def _found(tmp_path: Path, content: bytes) -> Findings:
    path = tmp_path / "hostile"
    path.write_bytes(content)
    begun = time.monotonic()
    found = find(path)
    assert time.monotonic() - begun < SECONDS
    return found
