"""One door for all formats: what the file is not is told first, then all of them give the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.domain.dialect import Dialect, FileFormat
from shared.domain.failures import AmbiguousEncoding, EncodingChanged, FileTypeChanged
from shared.formats.limits import Limits
from shared.formats.reader import Reading, handed_back, prepare, rejects_dialect
from tests.unit.formats.reading import Read, read_from
from tests.unit.formats.test_xlsx_reader import Kept
from tests.unit.formats.workbooks import n, t, workbook

TABLE = Read(("id", "name"), 2, {1: (2, ("1", "Zoë")), 2: (3, ("2", "漢"))}, {})
FILES: dict[FileFormat, bytes] = {
    "csv": "id,name\n1,Zoë\n2,漢\n".encode(),
    "xlsx": workbook([t("id"), t("name")], [n("1"), t("Zoë")], [n("2"), t("漢")]),
    "jsonl": '\n{"id": 1, "name": "Zoë"}\n{"id": 2, "name": "漢"}\n'.encode(),
}


def prepared(data: bytes, file_format: FileFormat, folder: Path, **more: Any) -> Reading:
    limits = more.pop("limits", None)
    dialect = Dialect.model_validate(more)
    member = Kept(data, folder)
    return prepare(member, file_format, dialect, workspace=folder, max_bytes=1 << 30, limits=limits)


@pytest.mark.parametrize("file_format", FILES)
def test_every_format_gives_the_same_table(file_format: FileFormat, tmp_path: Path) -> None:
    reading = prepared(FILES[file_format], file_format, tmp_path)
    for _ in range(2):
        with reading.rows() as reader:
            assert read_from(reader) == TABLE
    with replace(reading, columns=TABLE.header).fetcher() as fetcher:
        assert [row.fields for row in fetcher.rows([2])] == [("2", "漢")]


@pytest.mark.parametrize("file_format", FILES)
@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_another_type_is_told_as_such(file_format: FileFormat, kind: FileFormat, tmp_path: Path) -> None:
    # Delimited text may begin with anything that is text, an object of JSON too.
    if kind in (file_format, "jsonl") and file_format in (kind, "csv"):
        return
    with pytest.raises(FileTypeChanged, match=f"Expected {file_format}"):
        prepared(FILES[kind], file_format, tmp_path)


@pytest.mark.parametrize("file_format", FILES)
def test_rejects_are_read_as_they_were_handed_out(file_format: FileFormat, tmp_path: Path) -> None:
    dialect = Dialect(delimiter=";", encoding="utf-16")

    def found(data: bytes) -> Reading | None:
        return handed_back(Kept(data, tmp_path), file_format, dialect, workspace=tmp_path, max_bytes=1 << 30)

    assert not any(map(found, [*FILES.values(), b"", b"\xff\xfe", b'"', FILES["jsonl"].decode().encode("utf-16")]))
    reading = found("\ufeffid,_code,_run\n1,,\n".encode())
    assert (reading is None) is (file_format == "csv")
    if reading is not None:
        with reading.rows() as reader:
            assert read_from(reader) == Read(("id", "_code", "_run"), 3, {1: (2, ("1", "", ""))}, {})


def test_an_array_of_json_is_not_lines_of_it(tmp_path: Path) -> None:
    with pytest.raises(FileTypeChanged, match="array"):
        prepared(b'[\n{"a": 1}]', "jsonl", tmp_path)
    assert prepared(b"", "jsonl", tmp_path)
    assert prepared('{"a": 1}'.encode("utf-16"), "jsonl", tmp_path, encoding="utf-16")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_auto_finds_the_encoding_once_and_keeps_it(encoding: str, tmp_path: Path) -> None:
    reading = prepared(FILES["csv"].decode().encode(encoding), "csv", tmp_path, encoding="auto")
    assert reading.found is not None
    assert reading.found.confidence > 0.9
    assert reading.dialect.encoding == reading.found.encoding != "auto"
    with reading.rows() as reader:
        assert read_from(reader) == TABLE


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859-15", "cp1250", "ascii"])
def test_a_stated_encoding_is_not_believed_where_every_byte_says_utf_8(encoding: str, tmp_path: Path) -> None:
    with pytest.raises(EncodingChanged, match=f"Expected {encoding}, which the goal states, found utf-8"):
        prepared("id,name\n1,Zoë\n2,Jürgen Österreich\n".encode(), "csv", tmp_path, encoding=encoding)
    for written in ("id,name\n1,Zoe\n", "id,name\n1,Zo\xe9 \xd6\xe4\xfc\n"):
        assert prepared(written.encode("latin-1"), "csv", tmp_path, encoding=encoding).dialect.encoding == encoding


def test_auto_does_not_guess(tmp_path: Path) -> None:
    with pytest.raises(AmbiguousEncoding, match="cp1252"):
        prepared("id,name\n1,François\n".encode("cp1252"), "csv", tmp_path, encoding="auto")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [("utf-16", "utf-8"), ("utf-8-sig", "cp1252"), ("utf-32", "utf-16-le"), ("utf-16", "utf-16-be")],
)
def test_a_mark_of_another_encoding_is_told_before_anything_is_read(mark: str, encoding: str, tmp_path: Path) -> None:
    with pytest.raises(EncodingChanged, match=f"Expected {encoding}"):
        prepared("id,name\n".encode(mark), "csv", tmp_path, encoding=encoding)
    for fitting in ("utf-16", "utf-16-le"):
        assert prepared("id,name\n".encode("utf-16"), "csv", tmp_path, encoding=fitting)


def test_rejects_of_formats_without_a_delimiter_are_csv(tmp_path: Path) -> None:
    own = Dialect.model_validate({"delimiter": ";", "decimalChar": ",", "headerRows": [3], "sheetName": "x"})
    assert rejects_dialect("csv", own) is own
    for file_format in ("xlsx", "jsonl"):
        found = rejects_dialect(file_format, own)
        assert (found.encoding, found.delimiter, found.decimal_char, found.header_rows) == ("utf-8-sig", ",", ",", ())


def test_limits_hold_for_all(tmp_path: Path) -> None:
    long = "x" * 5
    files: dict[FileFormat, bytes] = {
        "csv": f"a,b\n1,{long}\n".encode(),
        "xlsx": workbook([t("a"), t("b")], [n("1"), t(long)]),
        "jsonl": f'{{"a": 1, "b": "{long}"}}'.encode(),
    }
    for file_format, data in files.items():
        with prepared(data, file_format, tmp_path, limits=Limits(field_bytes=4)).rows() as reader:
            found = read_from(reader)
        assert {code for _, code, _ in found.bad.values()} == {"field_too_long"}
