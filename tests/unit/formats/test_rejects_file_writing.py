"""How rejects are written: as they were read, in the goal's own dialect, whatever they hold."""

import csv
import io
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.dialect import Dialect
from shared.domain.reject import OWN_COLUMNS, Reject, RejectCode
from shared.formats.rejects_file import RejectsFile

RUN = UUID(int=7)
COLUMNS = ("E-mail", "Name")


def _file(dialect: Dialect, columns: tuple[str, ...] = COLUMNS) -> RejectsFile:
    return RejectsFile(dialect, columns, RUN)


def _reject(*raw: str) -> Reject:
    return Reject(record_number=1, line_number=2, code=RejectCode.OUT_OF_RANGE, field="Name", raw=raw)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), min_size=2, max_size=2
    )
)
def test_fields_read_again_as_they_were(raw: list[str]) -> None:
    line = _file(Dialect(delimiter=";")).rows([_reject(*raw)]).decode()
    (row,) = csv.reader(io.StringIO(line, newline=""), delimiter=";")
    assert row[:2] == raw
    assert row[2:] == [
        "2",
        "out_of_range",
        "Name",
        "The value, or the sum it leads to, is too large to be stored.",
        str(RUN),
    ]


def test_the_header_is_the_originals_and_our_columns() -> None:
    assert _file(Dialect()).header().decode() == ",".join([*COLUMNS, *OWN_COLUMNS]) + "\n"
    assert _file(Dialect(header=False)).header() == b""


@pytest.mark.parametrize(
    ("dialect", "field", "written"),
    [
        (Dialect(quoteChar="'"), "a,'b'", "'a,''b'''"),
        (Dialect(escapeChar="\\", doubleQuote=False), 'a,"b"', '"a,\\"b\\""'),
        (Dialect(quoteChar=None, escapeChar="\\"), "a,b\\", "a\\,b\\\\"),
        (Dialect(quoteChar=None), "plain", "plain"),
    ],
)
def test_special_characters_are_written_as_the_dialect_says(dialect: Dialect, field: str, written: str) -> None:
    assert _file(dialect, ("a",)).rows([_reject(field)]).decode().startswith(written + ",")


def test_our_own_sentences_do_not_break_a_dialect_without_quotes() -> None:
    line = _file(Dialect(quoteChar=None)).rows([_reject("a", "b")]).decode()
    assert line.count(",") == len(COLUMNS) + len(OWN_COLUMNS) - 1


@pytest.mark.parametrize(("encoding", "text", "raw"), [("cp1252", "é", b"\xe9"), ("utf-8", "\udcff", b"\xff")])
def test_bytes_are_those_of_the_files_encoding(encoding: str, text: str, raw: bytes) -> None:
    line = _file(Dialect(encoding=encoding)).rows([_reject("x", text)])
    assert line.startswith(b"x," + raw + b",")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_stands_at_the_start_alone(encoding: str) -> None:
    file = _file(Dialect(encoding=encoding))
    whole = file.header() + file.rows([_reject("é", "\udcff"), _reject("x", "y")])
    lines = whole.decode(encoding, "replace").splitlines()
    assert [line.split(",")[0] for line in lines] == ["E-mail", "é", "x"]


def test_what_the_encoding_lacks_does_not_stop_the_file() -> None:
    reject = Reject(record_number=1, line_number=2, code=RejectCode.NOT_A_DATE, field="Даt", raw=("é", "b"))
    assert _file(Dialect(encoding="cp1252")).rows([reject]).startswith(b"\xe9,b,2,not_a_date,??t,")
