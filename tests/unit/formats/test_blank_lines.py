"""Blank lines are no records, count as lines, and cost next to nothing: gzip packs a thousand of them into a byte."""

import io

import pytest

from shared.domain.dialect import Dialect
from shared.formats.csv_reader import CsvReader
from shared.formats.limits import Limits
from shared.formats.text import as_utf8
from tests.processor_time import processor_seconds

TEN_MILLION_SECONDS = 8.0
"""On any machine that runs the tests; one by one they took fourteen seconds on a fast one."""


@pytest.mark.parametrize("slice_bytes", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("blank", ["\n", "\r\n", "\r", "\r\r\n", "\n\r\n\r"])
def test_lines_are_counted_across_blank_ones(blank: str, slice_bytes: int) -> None:
    lines = blank * 5
    text = f"{lines}a,b\n{lines}1,2\n{lines}3,4"
    limits = Limits(slice_bytes=slice_bytes, field_bytes=4)
    exact = CsvReader(io.BytesIO(text.encode()), Dialect(), limits, only_exact=True)
    reader = CsvReader(io.BytesIO(text.encode()), Dialect(), limits)

    blank_and_own = len((lines + "x").splitlines())
    assert reader.header == exact.header == ("a", "b")
    for each in (reader, exact):
        rows = [
            (int(line), *row)
            for batch in each
            for line, row in zip(batch.line_numbers, batch.frame.rows(), strict=True)
        ]
        assert rows == [(2 * blank_and_own, "1", "2"), (3 * blank_and_own, "3", "4")]


@pytest.mark.parametrize("before", ["", "a,b\n"])
def test_millions_of_blank_lines_are_passed_over_at_once(before: str) -> None:
    def work() -> None:
        reader = CsvReader(io.BytesIO(before.encode() + b"\n" * 10_000_000), Dialect())
        assert sum(batch.frame.height for batch in reader) == 0

    assert processor_seconds(work) < TEN_MILLION_SECONDS


@pytest.mark.parametrize("only_exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("has_header", [False, True])
def test_a_record_behind_more_blank_lines_than_a_field_may_be_long_is_read(has_header: bool, only_exact: bool) -> None:
    text = b"\r\n" * 3_000_000 + b"a,b\n1,2"
    reader = CsvReader(io.BytesIO(text), Dialect(has_header=has_header), only_exact=only_exact)
    assert not reader.is_empty
    assert reader.width == 2
    rows = [(int(n), *row) for batch in reader for n, row in zip(batch.line_numbers, batch.frame.rows(), strict=True)]
    assert rows == [(3_000_001, "a", "b"), (3_000_002, "1", "2")][has_header:]


@pytest.mark.parametrize("has_header", [False, True])
@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n\r", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"\n" * 3_000_000])
def test_blank_lines_alone_are_as_empty_as_nothing(text: bytes, has_header: bool) -> None:
    reader = CsvReader(as_utf8(io.BytesIO(text), "utf-8"), Dialect(has_header=has_header))
    assert (reader.is_empty, reader.header, reader.width, list(reader)) == (True, None, 0, [])
