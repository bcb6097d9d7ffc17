"""What the reader promises about whole files: headers, widths, limits, shares, memory and time."""

import io
import tracemalloc
from contextlib import suppress

import pytest

from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, RecordTooLong, TooManyColumns, UndecodableFile
from shared.formats.csv_reader import CsvReader, RecordFetcher
from shared.formats.limits import Limits
from tests.processor_time import processor_seconds
from tests.unit.formats.reading import legible_in, read, read_with_shares

HEADERLESS = Dialect(has_header=False)


def open_bytes(data: bytes, dialect: Dialect | None = None, **bounds: int) -> CsvReader:
    return CsvReader(io.BytesIO(data), dialect or Dialect(), Limits(**bounds))


@pytest.mark.parametrize(("data", "is_empty"), [(b"", True), (b"\n\n", True), (b"a\n", False)])
@pytest.mark.parametrize("dialect", [Dialect(), HEADERLESS])
def test_nothing_is_told_apart_from_no_rows(data: bytes, is_empty: bool, dialect: Dialect) -> None:
    assert open_bytes(data, dialect).is_empty is is_empty


def test_a_header_alone_has_no_rows() -> None:
    result = read(b"\n\na,b\n")
    assert (result.header, result.width, result.good, result.bad) == (("a", "b"), 2, {}, {})


def test_names_that_occur_twice_are_shown_as_they_are() -> None:
    assert read(b"a,b,a\n1,2,3\n").header == ("a", "b", "a")


def test_line_numbers_include_a_header_of_several_lines() -> None:
    assert read(b'\n"a\nb",c\n1,2\n').good == {1: (4, ("1", "2"))}


def test_a_header_that_is_no_text_fails_the_file() -> None:
    with pytest.raises(UndecodableFile, match="line 1"):
        open_bytes(b"a,\xff\n1,2\n")


@pytest.mark.parametrize("header", [b'a,b"c\n', b'a,"b\n1,2\n', b"a,\0\n"])
def test_a_header_that_cannot_be_read_fails_the_file(header: bytes) -> None:
    with pytest.raises(HeaderChanged, match="line 1"):
        open_bytes(header)


def test_too_many_columns_fail_the_file() -> None:
    with pytest.raises(TooManyColumns, match="10001"):
        open_bytes(b"," * 10_000)


def test_without_a_header_the_first_well_formed_record_gives_the_width() -> None:
    result = read(b'x"y\n1,2\n3,4\n5\n', HEADERLESS)
    assert (result.width, sorted(result.good), sorted(result.bad)) == (2, [2, 3], [1, 4])


@pytest.mark.parametrize("slice_bytes", [1, 10, 1 << 20])
@pytest.mark.parametrize("only_exact", [False, True])
def test_a_record_without_end_fails_the_file_and_names_its_line(slice_bytes: int, only_exact: bool) -> None:
    data = b"a,b\n1,2\n" + b"x," * 300 + b"\n3,4\n"
    with pytest.raises(RecordTooLong, match="line 3"):
        read(data, only_exact=only_exact, slice_bytes=slice_bytes, field_bytes=50, record_bytes=400)


def test_a_regular_file_is_read_fast() -> None:
    rows = "".join(f'{i},"quoted, {i}",x\r\n' for i in range(20_000))
    result, shares = read_with_shares(b"a,b,c\r\n" + rows.encode(), slice_bytes=1 << 16)
    assert not result.bad
    assert shares["exact"] <= 0.01 * shares["fast"]


def test_a_few_bad_rows_leave_the_rest_fast() -> None:
    bad = ["1,2", "1,2,3,4", '5",6,7', '1,"x,3', "\0,1,2", "1,2,\udcff"]
    lines = [bad[i // 20 % len(bad)] if i % 20 == 0 else f'{i},"a ""b""",c' for i in range(12_000)]
    data = ("a,b,c\n" + "\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
    result, shares = read_with_shares(data, slice_bytes=1 << 16)
    assert len(result.bad) == 600
    assert shares["fast"] >= 0.98 * len(result.good)


def test_what_is_right_about_a_row_can_be_read_where_its_fields_are_as_many_as_they_should() -> None:
    data = b'a,b\n1,x\0\n2,y\n"\xff",z\n3,%s\n4\n5,\0,6\n7,q"q\n8,\xff"\n9,"\0' % (b"x" * 101)
    reader = open_bytes(data, field_bytes=100)
    assert legible_in(reader) == {1: ("1", None), 3: (None, "z"), 4: ("3", None)}
    codes = {each.record_number: each.code.value for batch in open_bytes(data, field_bytes=100) for each in batch.bad}
    assert codes == {
        1: "nul_byte", 3: "undecodable", 4: "field_too_long", 5: "too_few_fields", 6: "nul_byte", 7: "stray_quote",
        8: "stray_quote", 9: "unclosed_quote",
    }  # fmt: skip  # a table


def test_batches_name_their_columns_by_position_and_hold_no_nulls() -> None:
    for batch in open_bytes(b'a,b\n1,\n"",2\n3,"4"'):
        assert batch.frame.columns == ["c0", "c1"]
        assert batch.frame.null_count().row(0) == (0, 0)


HOSTILE = {
    "a quote on every line": b'"\n',
    "an open field on every line": b'"a\n',
    "a stray quote on every line": b'a"\n',
    "doubled quotes that never end": b'a,""""x\n',
    "quotes alone": b'"',
    "blank lines": b"\r\n",
    "returns": b"\r",
    "NULs": b"\0\n",
    "bad bytes": b"\xc3\n",
    "an open field, then only doubled quotes": b'""\n',
}


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("start", [b"", b'"x'], ids=["", "open"])
def test_hostile_files_take_time_in_proportion_to_their_size(pattern: bytes, start: bytes) -> None:
    def seconds(size: int) -> float:
        data = b"h,i\n" + start + pattern * (size // len(pattern))

        def work() -> None:
            with suppress(RecordTooLong):
                for _ in open_bytes(data, slice_bytes=1 << 14, field_bytes=1 << 13, record_bytes=1 << 20):
                    pass

        return processor_seconds(work)

    size = 1 << 15
    # Quadratic time would be sixteen times as long; the sum keeps tiny times from deciding.
    assert seconds(4 * size) < 8 * (seconds(size) + 0.15)


def test_comments_before_the_header_take_time_in_proportion_too() -> None:
    def seconds(comments: int) -> float:
        return processor_seconds(
            lambda: open_bytes(b"#\n" * comments + b"a,b\n", Dialect.model_validate({"commentChar": "#"}))
        )

    assert seconds(200_000) < 8 * (seconds(50_000) + 0.02)


@pytest.mark.parametrize("only_exact", [False, True])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"xy," * 3_000, "too_many_fields"),
        (b'"xy",' * 3_000, "too_many_fields"),
        (b'"xy",' * 1_000 + b'"x"y,' + b"xy," * 1_000, "stray_quote"),
        (b"xy," * 3_000 + b'"xy', "unclosed_quote"),
        (b"xy," * 3_000 + b'"' + b"x" * 1_100 + b'"', "too_many_fields"),
    ],
)
def test_a_row_is_taken_apart_as_far_as_there_may_be_columns(line: bytes, code: str, only_exact: bool) -> None:
    found = read(b"a,b\n1,2\n" + line + b"\n3,4\n", only_exact=only_exact, columns=10)
    assert (sorted(found.good), [told for _, told, _ in found.bad.values()]) == ([1, 3], [code])
    ((_, _, raw),) = found.bad.values()
    assert len(raw) == 12
    assert raw[:11] == ("xy",) * 11
    assert line.decode().endswith(raw[11])
    assert len(raw[11]) > len(line) - 12 * 5


def test_a_record_may_hold_the_longest_field_beside_all_columns() -> None:
    limits = Limits()
    data = b"x" * limits.field_bytes + (b"," + b"x" * 300) * (limits.columns - 1) + b"\n"
    result = read(b",".join(b"%d" % number for number in range(limits.columns)) + b"\n" + data)
    assert len(result.good[1][1][0]) == limits.field_bytes


def test_memory_follows_the_slice_and_not_the_file() -> None:
    def peak(rows: int) -> int:
        data = b"a,b,c\n" + b'1,"two, or ""2""",3\n' * rows
        tracemalloc.start()
        for _ in open_bytes(data, slice_bytes=1 << 16):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(200_000) < 1.5 * peak(20_000)


def test_fetching_stops_after_the_last_wanted_record() -> None:
    source = io.BytesIO(b"a,b\n" + b"1,2\n" * 100_000)
    rows = RecordFetcher(source, Dialect(), Limits(slice_bytes=1_000)).rows([2, 5])
    assert [(row.record_number, row.line_number) for row in rows] == [(2, 3), (5, 6)]
    assert source.tell() < 5_000


def test_a_text_that_begins_as_compressed_files_do_is_text() -> None:
    for data in (b"x\x01,b\n", b"x^,b\n", b"\x1f,b\n", b"(/,b\n", b"PK\x03\x04,b\n", b"BZh,b\n"):
        assert read(data, HEADERLESS).good == {1: (1, (data[:-3].decode(), "b"))}
