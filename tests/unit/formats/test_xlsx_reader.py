"""Workbooks: what a cell becomes, which rows and columns there are, and that no hostile one does harm."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.domain.dialect import Dialect
from shared.domain.failures import (
    DamagedWorkbook,
    Failure,
    FileTypeChanged,
    HeaderChanged,
    RecordTooLong,
    SheetMissing,
    TooManyColumns,
    UnpackedTooLarge,
    UnpackRatioTooHigh,
)
from shared.formats.limits import Limits
from shared.formats.reader import Reading, prepare
from shared.formats.source import ByteSource
from tests.unit.formats.reading import Read, legible_in, read_from
from tests.unit.formats.workbooks import (
    BUILT_IN_DATE,
    ELAPSED,
    MOMENT,
    OWN_DATE,
    OWN_NUMBER,
    PERCENT,
    n,
    packed,
    parts_of,
    s,
    sheet,
    t,
    workbook,
)

HEAD = [t("a"), t("b")]


class Kept:
    """A member that lies in a local file."""

    def __init__(self, data: bytes, folder: Path) -> None:
        self._path = folder / "member"
        self._path.write_bytes(data)

    @contextmanager
    def open(self) -> Iterator[ByteSource]:
        with self._path.open("rb") as file:
            yield file

    def as_file(self) -> Path:
        return self._path


def prepared(
    data: bytes, folder: Path, *, max_bytes: int = 1 << 30, limits: Limits | None = None, **more: Any
) -> Reading:
    dialect = Dialect.model_validate(more)
    return prepare(Kept(data, folder), "xlsx", dialect, workspace=folder, max_bytes=max_bytes, limits=limits)


def read(data: bytes, folder: Path, **more: Any) -> Read:
    with prepared(data, folder, **more).rows() as reader:
        return read_from(reader)


def test_the_first_row_is_the_header_and_numbers_are_the_sheets(tmp_path: Path) -> None:
    data = workbook((3, HEAD), (4, [t("x"), n("1")]), (7, [t("y")]), (8, [t("")]), (9, [n("0"), n("2")]))
    found = read(data, tmp_path)
    assert found == Read(("a", "b"), 2, {1: (4, ("x", "1")), 2: (7, ("y", "")), 3: (9, ("0", "2"))}, {})


CELLS = {
    "a whole number": (n("1234567890123456789"), "1234567890123456789"),
    "a fraction": (n("0.5"), "0.5"),
    "the noise of binary fractions": (n("0.30000000000000004"), "0.3"),
    "seventeen digits": (n("3.3000000000000003"), "3.3"),
    "fifteen digits": (n("1.23456789012345"), "1.23456789012345"),
    "an exponent": (n("1.5E-7"), "0.00000015"),
    "a large exponent": (n("1E+21"), "1000000000000000000000"),
    "a percentage": (n("0.25", PERCENT), "0.25"),
    "a format with quoted letters": (n("12.5", OWN_NUMBER), "12.5"),
    "a date": (n("45000", BUILT_IN_DATE), "2023-03-15"),
    "a date in a format of its own": (n("45000", OWN_DATE), "2023-03-15"),
    "a date with time": (n("45000.52425925926", MOMENT), "2023-03-15T12:34:56"),
    "the first day": (n("1", BUILT_IN_DATE), "1900-01-01"),
    "the last day of February 1900": (n("59", BUILT_IN_DATE), "1900-02-28"),
    "the day that never was": (n("60", BUILT_IN_DATE), "60"),
    "the day behind it": (n("61", BUILT_IN_DATE), "1900-03-01"),
    "no date at all": (n("-1", BUILT_IN_DATE), "-1"),
    "a date beyond all": (n("2958466", BUILT_IN_DATE), "2958466"),
    "a time": (n("0.75", ELAPSED), "18:00:00"),
    "hours beyond a day": (n("1.5", ELAPSED), "36:00:00"),
    "a date as text": ('<c t="d"><v>2024-05-06</v></c>', "2024-05-06"),
    "true": ('<c t="b"><v>1</v></c>', "true"),
    "false": ('<c t="b"><v>0</v></c>', "false"),
    "a formula": ("<c><f>1+1</f><v>2</v></c>", "2"),
    "a formula's text": ('<c t="str"><f>"x"</f><v>x_x000D_y</v></c>', "x\ry"),
    "a formula's empty text": ('<c t="str"><f>""</f><v></v></c>', ""),
    "a shared text": (s(0), "é "),
    "formatted runs without their pronunciation": (s(1), "東京"),
    "an underscore": (s(2), "_x41_"),
    "text of several lines": (t("x\ny"), "x\ny"),
    "nothing": ("<c/>", ""),
}
STRINGS = (
    '<si><t xml:space="preserve">é </t></si><si><r><t>東</t></r><r><t>京</t></r><rPh><t>トウ</t></rPh></si>'
    "<si><t>_x005F_x41_</t></si>"
)


def test_a_cell_becomes_the_text_that_typing_reads(tmp_path: Path) -> None:
    data = workbook(HEAD, *([t(name), cell] for name, (cell, _) in CELLS.items()), strings=STRINGS)
    found = read(data, tmp_path)
    assert dict(row for _, row in found.good.values()) == {name: text for name, (_, text) in CELLS.items()}


def test_values_are_written_as_the_dialect_says(tmp_path: Path) -> None:
    data = workbook(HEAD, [n("1.5"), n("45000", BUILT_IN_DATE)], [n("-2"), n("45000.5", MOMENT)])
    found = read(data, tmp_path, decimalChar=",", dateFormat="DD.MM.YYYY")
    assert [row for _, row in found.good.values()] == [("1,5", "15.03.2023"), ("-2", "15.03.2023T12:00:00")]
    timed = read(data, tmp_path, dateFormat="YYYY-MM-DD HH:mm Z", timezone="Europe/Amsterdam")
    assert [row[1] for _, row in timed.good.values()] == ["2023-03-15 00:00 +01:00", "2023-03-15 12:00 +01:00"]


def test_a_workbook_may_count_from_1904(tmp_path: Path) -> None:
    data = workbook(HEAD, [n("0", BUILT_IN_DATE), n("43538", BUILT_IN_DATE)], date1904=True)
    assert read(data, tmp_path).good == {1: (2, ("1904-01-01", "2023-03-15"))}


BAD = {
    "cell_error": '<c t="e"><v>#N/A</v></c>',
    "cell_without_value": "<c><f>A1</f><v></v></c>",
    "nul_byte": "<c t='inlineStr'><is><t>_x0000_</t></is></c>",
    "undecodable": "<c t='inlineStr'><is><t>_xD800_</t></is></c>",
    "field_too_long": t("x" * 101),
}


@pytest.mark.parametrize("code", BAD)
def test_an_unfit_cell_rejects_its_row(code: str, tmp_path: Path) -> None:
    data = workbook(HEAD, [t("1"), BAD[code]], [t("2"), t("x")])
    found = read(data, tmp_path, limits=Limits(field_bytes=100))
    assert [(line, told) for line, told, _ in found.bad.values()] == [(2, code)]
    assert found.good == {2: (3, ("2", "x"))}


def test_an_error_in_a_column_that_nobody_wants_rejects_nothing(tmp_path: Path) -> None:
    data = workbook(HEAD, [t("1"), BAD["cell_error"]], [t("2"), "<c><f>A1</f></c>"])
    with prepared(data, tmp_path).rows() as reader:
        reader.mapped = frozenset({0})
        assert read_from(reader).good == {1: (2, ("1", "#N/A")), 2: (3, ("2", ""))}


@pytest.mark.parametrize("code", BAD)
def test_what_is_right_about_an_unfit_row_can_be_read(code: str, tmp_path: Path) -> None:
    rows = [[t("1"), BAD[code]], [t("2"), t("x")], [BAD[code], t("y")], [BAD[code]], [t("5"), t("z"), t("more")]]
    limits = Limits(field_bytes=100)
    with prepared(workbook(HEAD, *rows), tmp_path, limits=limits).rows() as reader:
        assert legible_in(reader) == {1: ("1", None), 3: (None, "y"), 4: (None, ""), 5: ("5", "z")}
    with prepared(workbook(HEAD, *rows), tmp_path, limits=limits).rows() as reader:
        assert all(batch.legible is None for batch in reader), "nobody asked"


def test_of_values_far_to_the_right_a_few_are_told(tmp_path: Path) -> None:
    data = workbook([t("a"), t("b")], [t("x"), '<c r="XFD2"><v>1</v></c>'], [n("1")] * 20)
    assert [raw for _, _, raw in read(data, tmp_path).bad.values()] == [("x", "", "1"), ("1",) * 12]


def test_a_goal_may_allow_a_workbook_less_than_is_usual(tmp_path: Path) -> None:
    reading = prepared(packed(parts_of({"P": sheet([t("a")], before=" " * (65 << 20))})), tmp_path)
    with pytest.raises(UnpackRatioTooHigh), replace(reading, max_ratio=2).rows() as reader:
        read_from(reader)


def test_a_value_beyond_the_header_rejects_its_row(tmp_path: Path) -> None:
    found = read(workbook(HEAD, [t("1"), "", '<c r="D2"><v>5</v></c>']), tmp_path)
    assert found.bad == {1: (2, "too_many_fields", ("1", "", "", "5"))}


def test_without_a_header_the_widest_row_tells(tmp_path: Path) -> None:
    found = read(workbook([t("1")], [t("2"), t("x")]), tmp_path, header=False)
    assert (found.header, found.width, found.good) == (None, 2, {1: (1, ("1", "")), 2: (2, ("2", "x"))})


def test_rows_before_the_table_are_skipped(tmp_path: Path) -> None:
    data = workbook([BAD["cell_error"]], HEAD, [t("c"), t("d")], [t("kg")], [t("#x"), t("y")], [t("1"), t("2")])
    settings = {"headerRows": [2, 3], "commentRows": [4], "commentChar": "#"}
    assert read(data, tmp_path, **settings) == Read(("a c", "b d"), 2, {1: (6, ("1", "2"))}, {})
    assert read(data, tmp_path, header=False, commentRows=[1, 2, 3, 4, 5]).good == {1: (6, ("1", "2"))}
    with pytest.raises(HeaderChanged, match="row 9"):
        read(data, tmp_path, headerRows=[9])


@pytest.mark.parametrize("name", ["x_x0000_y", "x_xD800_y"])
def test_a_name_that_is_no_text_fails_the_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(HeaderChanged, match="row 1"):
        read(workbook([t("a"), f'<c t="str"><v>{name}</v></c>']), tmp_path)
    with pytest.raises(HeaderChanged, match="row 1"):
        read(workbook([t("a"), s(0)], strings=f"<si><t>{name}</t></si>"), tmp_path)


def test_a_header_that_is_an_error_fails_the_file(tmp_path: Path) -> None:
    with pytest.raises(HeaderChanged, match="row 1"):
        read(workbook([t("a"), BAD["cell_error"]]), tmp_path)


@pytest.mark.parametrize("rows", [[], [[t("")]]])
@pytest.mark.parametrize("header", [True, False])
def test_a_sheet_without_values_is_empty(rows: list[list[str]], header: bool, tmp_path: Path) -> None:
    with prepared(workbook(*rows), tmp_path, header=header).rows() as reader:
        assert (reader.is_empty, reader.width, list(reader)) == (True, 0, [])


def test_a_sheet_is_chosen_by_name_by_number_or_as_the_first_that_is_shown(tmp_path: Path) -> None:
    sheets = {name: sheet([t(name)]) for name in ("Lists", "Contacts", "Größe")}
    data = packed(parts_of(sheets, hidden=["Lists"]))
    assert read(data, tmp_path).header == ("Contacts",)
    assert read(data, tmp_path, sheetName="GRÖSSE").header == ("Größe",)
    assert read(data, tmp_path, sheetNumber=1).header == ("Lists",)
    with pytest.raises(SheetMissing, match=r"'Other', found 3: 'Lists', 'Contacts', 'Größe'"):
        read(data, tmp_path, sheetName="Other")
    with pytest.raises(SheetMissing, match="4"):
        read(data, tmp_path, sheetNumber=4)


def test_rows_are_fetched_again(tmp_path: Path) -> None:
    rows = [[t(str(number)), n(str(number)) if number % 7 else BAD["cell_error"]] for number in range(1, 200)]
    reading = prepared(workbook(HEAD, *rows), tmp_path, limits=Limits(slice_bytes=50))
    with reading.fetcher() as fetcher:
        found = [*fetcher.rows([1, 7, 100]), *fetcher.rows([199])]
    assert [(row.record_number, row.line_number, row.fields) for row in found] == [
        (1, 2, ("1", "1")),
        (7, 8, ("7", "#N/A")),
        (100, 101, ("100", "100")),
        (199, 200, ("199", "199")),
    ]


def with_part(name: str, text: str) -> bytes:
    return packed(parts_of({"x": sheet(HEAD)}) | {name: text})


LAUGHS = "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>"
HOSTILE: dict[str, tuple[bytes, type[Failure]]] = {
    "entities": (packed(parts_of({"x": sheet(HEAD, before=LAUGHS)})), DamagedWorkbook),
    "entities in the strings": (with_part("xl/sharedStrings.xml", f"{LAUGHS}<sst>&b;</sst>"), DamagedWorkbook),
    "an external entity": (with_part("xl/workbook.xml", "<!DOCTYPE a SYSTEM 'file:///x'><a/>"), DamagedWorkbook),
    "no XML": (with_part("xl/worksheets/sheet1.xml", "<worksheet>"), DamagedWorkbook),
    "no relations": (with_part("xl/_rels/workbook.xml.rels", "<Relationships/>"), DamagedWorkbook),
    "relations outwards": (
        with_part("_rels/.rels", "<R><Relationship Type='/officeDocument' Target='../../../etc/passwd'/></R>"),
        DamagedWorkbook,
    ),
    "another kind of document": (with_part("_rels/.rels", "<Relationships/>"), FileTypeChanged),
    "a text that is not there": (workbook([s(0)]), DamagedWorkbook),
    "a text of a wrong number": (workbook(['<c t="s"><v>x</v></c>'], strings="<si/>"), DamagedWorkbook),
    "rows that go back": (workbook((5, HEAD), (4, HEAD)), DamagedWorkbook),
    "a row beyond all": (workbook((1_048_577, HEAD)), DamagedWorkbook),
    "a row of a wrong number": (packed(parts_of({"x": "<a><row r='x'/></a>"})), DamagedWorkbook),
    "a column beyond all": (workbook(['<c r="XFE1"><v>1</v></c>']), DamagedWorkbook),
    "columns that go back": (workbook(['<c r="B1"/>', '<c r="A1"/>']), DamagedWorkbook),
    "rows in rows": (packed(parts_of({"x": "<a><row><row/></row></a>"})), DamagedWorkbook),
    "a tag without an end": (packed(parts_of({"x": "<a><c " + "x" * (6 << 20)})), DamagedWorkbook),
    "kinds of elements without end": (
        packed(parts_of({"x": "<a>" + "".join(f"<e{each}/>" for each in range(30_000)) + "</a>"})),
        DamagedWorkbook,
    ),
    "a row without end": (workbook(*[[t("x" * 3_000)] * 7]), RecordTooLong),
    "columns without end": (workbook([t("x")] * 301), TooManyColumns),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, DamagedWorkbook),
    "a cut one": (workbook(HEAD)[:-30], DamagedWorkbook),
    "no workbook": (b"a,b\n1,2\n", FileTypeChanged),
    "an empty zip": (b"PK\x05\x06" + b"\0" * 18, FileTypeChanged),
    "a bomb of texts": (workbook(HEAD, strings="<si><t>" + "x" * (80 << 20) + "</t></si>"), UnpackRatioTooHigh),
}  # fmt: skip  # a table


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_workbook_or_a_hostile_one_ends_as_a_failure(case: str, tmp_path: Path) -> None:
    data, failure = HOSTILE[case]
    with pytest.raises(failure):
        read(data, tmp_path, limits=Limits(record_bytes=20_000, columns=300))


def test_what_comes_out_is_counted(tmp_path: Path) -> None:
    with pytest.raises(UnpackedTooLarge):
        read(workbook(HEAD, *[[t("x" * 100)]] * 1_000), tmp_path, max_bytes=50_000)


def test_a_million_empty_rows_cost_nothing_but_their_tags(tmp_path: Path) -> None:
    data = packed(
        parts_of({"x": f"<a><sheetData><row><c t='str'><v>a</v></c></row>{'<row/>' * 200_000}</sheetData></a>"})
    )
    assert read(data, tmp_path).good == {}


def test_no_damage_of_bytes_is_more_than_a_failure(tmp_path: Path) -> None:
    data = workbook(HEAD, [n("1"), s(0)], strings=STRINGS)
    refused = 0
    for place in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        try:
            read(bytes(damaged), tmp_path)
        except Failure:
            refused += 1
    assert refused > 0.5 * len(data) / 7
