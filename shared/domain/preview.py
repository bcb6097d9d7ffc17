"""How a goal would read a file: its first rows as they are, after each processor, and as typed values.

It holds values of the file, which are personal data: it is for who may make goals, and never for a log or an error.
"""

from collections.abc import Mapping
from typing import Any

from shared.domain.findings import Trouble
from shared.domain.model import Model
from shared.domain.property import PropertyType

MAX_PREVIEW_ROWS = 100


class PreviewRow(Model):
    """One row."""

    row: int
    """1-based, counted after the header, as rejects count."""
    line: int
    values: tuple[str, ...]
    """In the order of the columns; a value of more than 1,000 characters is cut."""


class PreviewReject(Model):
    """A row, or a value of a row, that would not be imported."""

    row: int
    line: int
    code: str
    field: str | None
    message: str


class PreviewStep(Model):
    """What one processor made of the rows."""

    processor: int
    """Its place among the goal's processors, from 0."""
    kind: str
    columns: tuple[str | None, ...]
    rows: tuple[PreviewRow, ...]
    skipped: int
    """Rows that it left out: filtered, or duplicates."""
    rejects: tuple[PreviewReject, ...]


class PreviewColumn(Model):
    """A property that a column goes into."""

    property: str
    """Of an event where the event has it: `event.occurred_at`, `event.properties.total`, `event.items.products.sku`."""
    type: PropertyType
    field: str
    """The column as messages name it."""
    rule: str
    date_format: str | None
    """How its dates are read; of `auto` what was found."""


class MappedRow(Model):
    """One row as it would be merged."""

    row: int
    values: Mapping[str, Any]
    """By property; null where there is none. Numbers that must be exact, dates and times are strings."""


class Preview(Model):
    """The first rows of one file under one goal. Processors that compare rows see these rows alone."""

    member: str | None = None
    """Of an archive the file that is shown, its first one with rows."""
    encoding: str | None = None
    columns: tuple[str | None, ...] = ()
    """Names of the file's columns; null where it has no header."""
    rows: tuple[PreviewRow, ...] = ()
    """As they were read."""
    unreadable: tuple[PreviewReject, ...] = ()
    steps: tuple[PreviewStep, ...] = ()
    mapped_columns: tuple[PreviewColumn, ...] = ()
    left: tuple[str, ...] = ()
    """Columns that nothing is done with."""
    mapped_rows: tuple[MappedRow, ...] = ()
    rejects: tuple[PreviewReject, ...] = ()
    """Rows that mapping would hand back."""
    value_rejects: tuple[PreviewReject, ...] = ()
    new_choices: Mapping[str, tuple[str, ...]] = {}
    """Words that would become choices, by property."""
    trouble: Trouble | None = None
    """Why an import would fail here; what was seen before stands in the rest."""


class ExportedPart(Model):
    """One file as it would be written, of the first rows that the goal selects."""

    name: str
    columns: tuple[str, ...]
    """Behind the processors."""
    rows: tuple[tuple[str | None, ...], ...]
    """What each field says; null where it is written as a null sequence, or as nothing."""
    text: str
    """The same as the file has it: with delimiters, quotes and line ends."""
    held_back: Mapping[str, int]
    """Rows, of these, that a processor could not work on, by code."""
    left_out: Mapping[str, int]
    """Rows, of these, that the processors skipped, by reason."""


class ExportPreview(Model):
    """The first rows of the files that a goal would export now, before they are packed."""

    files: tuple[ExportedPart, ...] = ()
    """The main one first."""
    not_shown: tuple[str, ...] = ()
    """Names of further files whose rows were not found in the time that there is for all."""
    trouble: Trouble | None = None
    """Why an export would fail with these rows."""
