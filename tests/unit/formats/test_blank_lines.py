"""Blank lines are no records, count as lines, and cost next to nothing: gzip packs a thousand of them into a byte."""

import io
import time

import pytest

from shared.domain.dialect import Dialect
from shared.formats.csv_reader import CsvReader
from shared.formats.limits import Limits

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
    began = time.process_time()
    reader = CsvReader(io.BytesIO(before.encode() + b"\n" * 10_000_000), Dialect())

    assert sum(batch.frame.height for batch in reader) == 0
    assert time.process_time() - began < TEN_MILLION_SECONDS
