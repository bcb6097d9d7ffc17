"""Readings of one stretch of text: what its records are under given delimiter, quote, escape and comment characters."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pydantic import ValidationError

from shared.domain.dialect import Dialect
from shared.formats.csv_grammar import LINE_END, RecordParser
from shared.formats.limits import Limits
from shared.formats.text import shown

SAMPLE_BYTES = 64 << 10
_FIELD_BYTES = 8 << 10
"""A quoted field that is longer counts as never closed: the reader's own bound would swallow the whole sample."""
MAX_RECORDS = 1_000
MAX_SKIPPED = 20
"""Rows before the table: more are no preamble."""
_SHOWN_FIELDS = 8
_SHOWN_CHARACTERS = 40

Row = tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """The head of a text in UTF-8. Where it was cut, its last record is not to be trusted."""

    data: bytes
    is_whole: bool


@dataclass(frozen=True)
class Signs:
    """The characters that mean something."""

    delimiter: str
    quote: str | None = '"'
    escape: str | None = None
    comment: str | None = None
    skips_blanks: bool = False


@dataclass(frozen=True)
class Layout:
    """One reading of a sample."""

    signs: Signs
    rows: tuple[Row, ...]
    lines: tuple[int, ...]
    """The 1-based physical line on which each row begins."""
    faulty: frozenset[int]
    """Which rows have a fault of quoting."""
    quoted: int
    """How many values stand in quotes."""

    @cached_property
    def width(self) -> int:
        """How many fields most rows have; of two widths that come equally often the one that comes first."""
        widths = Counter(len(row) for number, row in enumerate(self.rows) if number not in self.faulty)
        return max(widths.items(), key=lambda each: each[1], default=(1, 0))[0]

    @cached_property
    def skipped(self) -> int:
        """How many rows stand before the first that has the width."""
        for number, row in enumerate(self.rows[: MAX_SKIPPED + 1]):
            if len(row) == self.width and number not in self.faulty:
                return number
        return 0

    @property
    def table(self) -> tuple[Row, ...]:
        """The rows from the first that has the width."""
        return self.rows[self.skipped :]

    @cached_property
    def readable(self) -> tuple[Row, ...]:
        """The rows of the table that can be read."""
        skipped = self.skipped
        return tuple(
            row
            for number, row in enumerate(self.table)
            if len(row) == self.width and number + skipped not in self.faulty
        )

    @property
    def unfit(self) -> int:
        """How many rows of the table would be handed back."""
        return len(self.table) - len(self.readable)

    @property
    def lost(self) -> int:
        """How many rows would not be imported: before the table, or handed back."""
        return self.skipped + self.unfit

    @property
    def share(self) -> float:
        """The part of the table that can be read."""
        return len(self.readable) / len(self.table) if self.table else 0.0

    def fields(self) -> Iterator[str]:
        """The fields of the rows that can be read."""
        for row in self.readable:
            yield from row

    def example(self) -> str:
        """A row as it would be read, for a person: the first but one, as the first may be a header."""
        rows = self.readable
        row = rows[min(1, len(rows) - 1)] if rows else ()
        return " | ".join(map(_shortened, row[:_SHOWN_FIELDS])) + (" | …" if len(row) > _SHOWN_FIELDS else "")


def layout_of(sample: Sample, signs: Signs) -> Layout | None:
    """The sample read so; None where no dialect can be so."""
    try:
        dialect = Dialect(
            delimiter=signs.delimiter,
            quote_char=signs.quote,
            escape_char=signs.escape,
            **({"comment_char": signs.comment} if signs.comment else {}),
            **({"skip_initial_space": True} if signs.skips_blanks else {}),
        )
    except ValidationError:
        return None
    parser = RecordParser(dialect, Limits(field_bytes=_FIELD_BYTES))
    rows: list[Row] = []
    lines: list[int] = []
    faulty: set[int] = set()
    place, line = 0, 1
    while place < len(sample.data) and len(rows) < MAX_RECORDS:
        # A record that the sample cuts off says nothing, unless there is no other.
        record = parser.parse(sample.data, place, is_last=sample.is_whole or not rows)
        if record is None:
            break
        if record.fields:
            if record.code is not None:
                faulty.add(len(rows))
            rows.append(tuple(map(shown, record.fields)))
            lines.append(line)
        line += len(LINE_END.findall(sample.data, place, record.end))
        place = record.end
    return Layout(signs, tuple(rows), tuple(lines), frozenset(faulty), _quoted(sample.data, signs))


def _quoted(data: bytes, signs: Signs) -> int:
    if signs.quote is None or signs.quote.encode() not in data:
        return 0
    before = (
        rb"(?:\A|[\r\n]|" + re.escape(signs.delimiter.encode()) + rb") *"
        if signs.skips_blanks
        else (rb"(?:\A|[\r\n]|" + re.escape(signs.delimiter.encode()) + rb")")
    )
    return len(re.findall(before + re.escape(signs.quote.encode()), data))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
