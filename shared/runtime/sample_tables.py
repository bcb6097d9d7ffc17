"""Read the table of a sample in any format: its dialect where it is a text, and so many rows as may be held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from shared.domain.asking import Asking
from shared.domain.dialect import Dialect
from shared.domain.failures import EmptyFile, FileTypeChanged, UnknownFormat
from shared.domain.field_words import CONCEPTS, normalised
from shared.domain.findings import Choice, Found, QuestionCode
from shared.domain.property import Property
from shared.domain.reject import RejectCode
from shared.formats.batch import TableReader
from shared.formats.limits import Limits
from shared.formats.reader import Readable, Reading
from shared.formats.sniffing.encodings import find_encoding
from shared.formats.sniffing.header import find_header
from shared.formats.sniffing.kinds import json_kind
from shared.formats.sniffing.layouts import SAMPLE_BYTES, Sample
from shared.formats.sniffing.sheets import find_sheet, find_title_rows
from shared.formats.sniffing.text import find_dialect, without_text_dialect
from shared.formats.source import ByteSource
from shared.formats.text import as_utf8
from shared.formats.xlsx_workbook import open_workbook
from shared.processing.goal_settings import dialect_settings
from shared.processing.names_matched import names_of
from shared.processing.proposal import propose
from shared.runtime.sample_seen import Seen

MAX_ROWS = 50_000
MAX_HELD_BYTES = 48 << 20
SAMPLE_ROWS = 10
_SLICE_BYTES = 1 << 20
_PEEKED_ROWS = 200
_MUCH_UNREADABLE = 0.05
_LIST_MARKS = ("|", ";", "~", "\t", "¦")
_REPLACED = "\ufffd".encode()
_FIRST = frozenset(
    {
        QuestionCode.DELIMITER,
        QuestionCode.QUOTE_CHAR,
        QuestionCode.ROWS_TO_SKIP,
        QuestionCode.COMMENT_CHAR,
        QuestionCode.SHEET,
        QuestionCode.HEADER,
    }
)
"""What depends on these is not worth asking before they are answered."""


@dataclass(frozen=True, slots=True)
class Table:
    """A plain file with a table in it, and what reading it takes."""

    member: Readable
    workspace: Path
    max_bytes: int
    properties: Sequence[Property]
    asking: Asking
    seen: Seen

    def reading(self, file_format: str, dialect: Dialect) -> Reading:
        """How its rows are read."""
        limits = Limits(slice_bytes=_SLICE_BYTES)
        return Reading(self.member, file_format, dialect, self.workspace, self.max_bytes, limits=limits)  # type: ignore[arg-type]  # one of the three

    def is_name(self, name: str) -> bool:
        """Whether columns are usually called so, or a property of the account is."""
        known = {normalised(other) for each in self.properties for other in names_of(each)}
        return normalised(name) in CONCEPTS or (normalised(name) in known and normalised(name) != "")


def read_text(table: Table) -> None:
    """Look at a file that is no workbook. Raises what reading raises, and UnknownFormat where it is no table."""
    seen, asking = table.seen, table.asking
    seen.encoding, seen.confidence = find_encoding(table.member.open, asking)
    with table.member.open() as plain:
        sample = _sample(as_utf8(plain, seen.encoding.value))
    if not sample.data.strip(b"\r\n"):
        raise EmptyFile("Found blank lines at most.")
    if _REPLACED in sample.data:
        asking.remark("replaced_characters", "The text has replacement characters (U+FFFD): it was damaged before.")
    kind = json_kind(sample.data)
    if kind == "json":
        raise UnknownFormat("Found a JSON document. Write one object on each line: JSON Lines.")
    why = "Its first line is an object of JSON." if kind else "It is text."
    seen.format = Found(value=kind or "csv", why=(why,))
    if kind == "jsonl":
        _read_json_lines(table, seen.encoding.value)
        return
    seen.dialect = find_dialect(sample, table.is_name, asking)
    dialect = Dialect.model_validate(dialect_settings(seen.dialect, seen.encoding.value))
    with table.reading("csv", dialect).rows() as reader:
        frame, header = _rows(reader, seen), reader.header
    _propose(table, frame, header)


def read_workbook(table: Table) -> None:
    """Look at a workbook. Raises what reading raises, and UnknownFormat where the zip is another document."""
    seen, asking = table.seen, table.asking
    longest = Limits().field_bytes
    opening = open_workbook(
        table.member.as_file(), workspace=table.workspace, max_bytes=table.max_bytes, max_text_bytes=longest
    )
    try:
        with opening as book:
            names = [sheet.name for sheet in book.sheets if not sheet.is_hidden] or [book.sheets[0].name]
    except FileTypeChanged as failure:
        raise UnknownFormat("Found a document that is no workbook of XLSX.") from failure
    seen.format = Found(value="xlsx", why=("It is a workbook.",))
    seen.encoding = Found(value="utf-8", why=("Workbooks are.",))
    seen.sheet = find_sheet(names, asking)
    bare = Dialect(has_header=False, sheet_name=seen.sheet.value)
    with table.reading("xlsx", bare).rows() as reader:
        frame, lines = _first_rows(reader)
    if not frame.height:
        raise EmptyFile("Found a sheet without any value.")
    rows = frame.rows()
    skipped = find_title_rows(rows)
    found = without_text_dialect("|")
    seen.dialect = found.model_copy(
        update={
            "header": find_header(rows[skipped:], table.is_name, asking),
            "rows_to_skip": Found(value=lines[skipped] - 1, why=("Rows of one cell stand before the table.",))
            if skipped
            else found.rows_to_skip,
        }
    )
    dialect = Dialect.model_validate(dialect_settings(seen.dialect, "utf-8") | {"sheetName": seen.sheet.value})
    with table.reading("xlsx", dialect).rows() as reader:
        frame, header = _rows(reader, seen), reader.header
    _propose(table, frame, header)


def _read_json_lines(table: Table, encoding: str) -> None:
    seen = table.seen
    for mark in _LIST_MARKS:
        # Any character will do to join the items of a list, as long as none of them holds it.
        with _joining(table, encoding, mark).rows() as reader:
            header = reader.header or ()
            nested = _nested(reader)
            reader.mapped = frozenset(place for place, name in enumerate(header) if name not in nested)
            seen.start_again()
            frame = _rows(reader, seen)
        if RejectCode.LIST_DELIMITER_IN_ITEM.value not in seen.unreadable:
            break
    seen.dialect = without_text_dialect(mark)
    _propose(
        table,
        frame,
        header,
        unfit={place: "Its values are objects." for place, name in enumerate(header) if name in nested},
        lists=dict.fromkeys(_lists(table, encoding, mark), mark),
    )


def _joining(table: Table, encoding: str, mark: str) -> Reading:
    return table.reading("jsonl", Dialect(encoding=encoding, list_delimiter=mark))


def _lists(table: Table, encoding: str, mark: str) -> list[int]:
    """Columns of lists: their text changes with what joins the items."""
    other = next(each for each in _LIST_MARKS if each != mark)
    batches = []
    for each in (mark, other):
        with _joining(table, encoding, each).rows() as reader:
            reader.mapped = frozenset()
            batches.append(next(iter(reader), None))
    one, two = batches
    if one is None or two is None or one.frame.height != two.frame.height:
        return []
    return [place for place, name in enumerate(one.frame.columns) if not one.frame[name].equals(two.frame[name])]


def _nested(reader: TableReader) -> set[str]:
    """Columns that hold objects in some row, which no property can."""
    found: set[str] = set()
    rows = 0
    for batch in reader:
        found |= {reject.field for reject in batch.bad if reject.code is RejectCode.NESTED_VALUE and reject.field}
        rows += batch.frame.height + len(batch.bad)
        if rows >= MAX_ROWS:
            break
    return found


def _propose(
    table: Table,
    frame: pl.DataFrame,
    header: Sequence[str] | None,
    *,
    unfit: Mapping[int, str] | None = None,
    lists: Mapping[int, str] | None = None,
) -> None:
    seen = table.seen
    assert seen.dialect is not None
    is_cut = not any(question.code in _FIRST for question in table.asking.questions)
    if is_cut:
        _judge_unreadable(table.asking, seen)
    seen.sample_rows = tuple(frame.head(SAMPLE_ROWS).rows())
    proposal = propose(frame, header, table.properties, table.asking if is_cut else Asking(), unfit or {}, lists or {})
    seen.dialect = seen.dialect.model_copy(update={"null_sequence": proposal.nulls, "timezone": proposal.timezone})
    seen.proposed = {
        "columns": tuple(proposal.columns),
        "mapping": tuple(proposal.mapping),
        "identifiers": proposal.identifiers,
        "new_properties": tuple(proposal.new_properties),
    }


def _sample(source: ByteSource) -> Sample:
    parts: list[bytes] = []
    size = 0
    while size <= SAMPLE_BYTES and (data := source.read(SAMPLE_BYTES + 1 - size)):
        parts.append(data)
        size += len(data)
    data = b"".join(parts)
    return Sample(data[:SAMPLE_BYTES], is_whole=len(data) <= SAMPLE_BYTES)


def _first_rows(reader: TableReader) -> tuple[pl.DataFrame, list[int]]:
    """Some rows from the beginning, with their numbers in the sheet."""
    batch = next(iter(reader), None)
    if batch is None:
        return pl.DataFrame(), []
    return batch.frame.head(_PEEKED_ROWS), batch.line_numbers[:_PEEKED_ROWS].tolist()


def _rows(reader: TableReader, seen: Seen) -> pl.DataFrame:
    frames: list[pl.DataFrame] = []
    held = 0
    batches = iter(reader)
    for batch in batches:
        for reject in batch.bad:
            seen.unreadable[reject.code.value] = seen.unreadable.get(reject.code.value, 0) + 1
        if batch.frame.height:
            frames.append(batch.frame)
        seen.rows += batch.frame.height
        held += int(batch.frame.estimated_size())
        if seen.rows >= MAX_ROWS or held >= MAX_HELD_BYTES:
            seen.whole = next(batches, None) is None
            break
    if frames:
        return pl.concat(frames)
    return pl.DataFrame(schema={f"c{place}": pl.String for place in range(reader.width)})


def _judge_unreadable(asking: Asking, seen: Seen) -> None:
    bad = sum(seen.unreadable.values())
    if not bad:
        return
    total = bad + seen.rows
    text = ", ".join(f"{code} {rows}" for code, rows in sorted(seen.unreadable.items()))
    if bad < _MUCH_UNREADABLE * total:
        asking.remark("unreadable_rows", f"{bad} of {total} rows cannot be read and would be handed back: {text}.")
        return
    asking.ask(
        QuestionCode.UNREADABLE_ROWS,
        "/looked/unreadable",
        f"{bad} of {total} rows cannot be read: {text}. Shall the others be imported?",
        [
            Choice(
                value=True,
                label="import the others",
                consequence=f"{bad} rows are handed back with the reason for each.",
            )
        ],
    )
