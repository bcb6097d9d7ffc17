"""One door for all formats: a member's rows as batches, and single rows once more.

Whatever the format, the same comes out: text columns by position, record and line numbers, rejects. What the file is
not, although its goal says so, is told before anything else.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shared.domain.dialect import AUTO, Dialect, FileFormat
from shared.domain.failures import EncodingChanged, FileFailure, FileTypeChanged
from shared.domain.reject import hands_back
from shared.formats.batch import Refetched, RowFetcher, TableReader
from shared.formats.csv_reader import CsvReader, RecordFetcher
from shared.formats.encoding import FoundEncoding, contradicting_mark, detect, other_than
from shared.formats.jsonl_reader import JsonLinesReader
from shared.formats.limits import Limits
from shared.formats.other_types import plainly
from shared.formats.source import ByteSource
from shared.formats.text import TextSource, as_utf8
from shared.formats.xlsx_reader import XlsxReader
from shared.formats.xlsx_workbook import OLE_MAGIC, ZIP_MAGIC, open_workbook

_HEAD_BYTES = 4_096


class Readable(Protocol):
    """A member: plain bytes that can be opened as often as needed."""

    def open(self) -> AbstractContextManager[ByteSource]:
        """The bytes from their start."""
        ...

    def as_file(self) -> Path:
        """A local file with just these bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """How a member is read. The dialect's encoding is settled, so it may be kept and used again."""

    member: Readable
    format: FileFormat
    dialect: Dialect
    workspace: Path
    max_bytes: int
    """What may come out of a workbook."""
    found: FoundEncoding | None = None
    """What was found out, where the goal says `auto`."""
    columns: tuple[str, ...] | None = None
    """The columns of JSON Lines, once they are known: `dataclasses.replace(reading, columns=header)` saves looking for
    them again, and makes an archive's other members have the same."""
    limits: Limits = field(default_factory=Limits)
    max_ratio: int | None = None
    """What may come out of a workbook for each of its bytes, where that is less than is usual."""

    @contextmanager
    def rows(self) -> Iterator[TableReader]:
        """One pass over the rows. Synchronous: it belongs into a thread.

        Opening reads the header, of JSON Lines the whole file once. Raises the failures of `CsvReader`, `XlsxReader`,
        `JsonLinesReader` and of unpacking, while the rows are read as well.
        """
        if self.format == "xlsx":
            opening = open_workbook(
                self.member.as_file(),
                workspace=self.workspace,
                max_bytes=self.max_bytes,
                max_text_bytes=self.limits.field_bytes,
                max_ratio=self.max_ratio,
            )
            with opening as book, book.open(book.sheet(self.dialect)) as sheet:
                yield XlsxReader(sheet, book, self.dialect, self.limits)
        elif self.format == "jsonl":
            yield JsonLinesReader(self._open_text, self.dialect, self.limits, columns=self.columns)
        else:
            with self._open_text() as source:
                yield CsvReader(source, self.dialect, self.limits)

    def plainly(self) -> str | None:
        """What the member is by its first bytes, where that is plainly no delimited text."""
        with self.member.open() as source:
            return plainly(_head(source))

    @contextmanager
    def fetcher(self) -> Iterator[RowFetcher]:
        """A second pass, for rows that proved unfit only after reading."""
        if self.format == "csv":
            with self._open_text() as source:
                yield RecordFetcher(source, self.dialect, self.limits)
        else:
            with self.rows() as reader:
                # A row is fetched because of what the merge says of it, so nothing else may reject it now.
                reader.mapped = frozenset()
                yield Refetched(reader)

    @contextmanager
    def _open_text(self) -> Iterator[TextSource]:
        with self.member.open() as source:
            yield as_utf8(source, self.dialect.encoding)


def prepare(
    member: Readable,
    file_format: FileFormat,
    dialect: Dialect,
    *,
    workspace: Path,
    max_bytes: int,
    expected_encoding: str | None = None,
    limits: Limits | None = None,
) -> Reading:
    """Look at a member before it is read: whether it is what it should be, and in which encoding.

    With the encoding `auto` the whole member is read, up to three times; once more where another than UTF-8 is stated,
    or any was expected.

    Raises `FileTypeChanged`, `EncodingChanged`,
    `AmbiguousEncoding`, `UndecodableFile`, and what unpacking raises.
    """
    with member.open() as source:
        head = _head(source)
    _check_kind(head, file_format)
    found: FoundEncoding | None = None
    if file_format != "xlsx":
        if dialect.encoding == AUTO:
            found = detect(member.open)
            dialect = dialect.model_copy(update={"encoding": found.settled()})
        elif (mark := contradicting_mark(head, dialect.encoding)) is not None:
            raise EncodingChanged(f"Expected {dialect.encoding}, found the byte order mark of {mark}.")
        # Bytes of UTF-8 are text in most encodings, and another one: no row would tell. Where UTF-8 itself is stated,
        # a row that is none is rejected.
        expected = expected_encoding or (None if found or dialect.encoding.startswith("utf") else dialect.encoding)
        other = None if expected is None else other_than(expected, member.open, found)
        if other is not None:
            said = "states" if expected_encoding is None else "was made from"
            raise EncodingChanged(f"Expected {expected}, which the goal {said}, found {other}.")
    limits = limits or Limits()
    return Reading(member, file_format, dialect, workspace, max_bytes, found, limits=limits)


def handed_back(
    member: Readable, file_format: FileFormat, dialect: Dialect, *, workspace: Path, max_bytes: int
) -> Reading | None:
    """How a member is read that hands rejects of a workbook or of JSON Lines back: as they were handed out.

    None where it is none, or where its rejects are of the goal's own format.
    """
    if file_format == "csv":
        return None
    with member.open() as source:
        head = _head(source)
    if head.startswith((ZIP_MAGIC, OLE_MAGIC)) or head.lstrip(_BEFORE_AN_OBJECT).startswith(b"{"):
        return None
    reading = Reading(member, "csv", rejects_dialect(file_format, dialect), workspace, max_bytes)
    try:
        with reading.rows() as reader:
            return reading if hands_back(reader.header or ()) else None
    except FileFailure:
        return None  # What it is instead, or is not, is told by whoever reads it as what it should be.


def rejects_dialect(file_format: FileFormat, dialect: Dialect) -> Dialect:
    """The dialect in which rejected rows are handed back: the original's; of a workbook or JSON Lines one of its own.

    That one is CSV as RFC 4180 has it, in UTF-8 with a byte order mark for the sake of Excel, with a header; how values
    are written is the original's.
    """
    if file_format == "csv":
        return dialect
    kept = ("null_sequence", "decimal_char", "group_char", "list_delimiter", "date_format", "pivot_year", "timezone")
    return Dialect.model_validate({"encoding": "utf-8-sig"} | {name: getattr(dialect, name) for name in kept})


def _head(source: ByteSource) -> bytes:
    head = b""
    while len(head) < _HEAD_BYTES and (data := source.read(_HEAD_BYTES)):
        head += data
    return head


def _check_kind(head: bytes, file_format: FileFormat) -> None:
    """Raise FileTypeChanged where a file is plainly of another type."""
    is_zip, is_ole = head.startswith(ZIP_MAGIC), head.startswith(OLE_MAGIC)
    if file_format == "xlsx":
        if head and not is_zip and not is_ole:
            raise FileTypeChanged("Expected xlsx, found a file that is no zip, as every xlsx is.")
        return
    if is_zip or is_ole:
        found = "a zip archive or an xlsx workbook" if is_zip else "a document of an old office program"
        raise FileTypeChanged(f"Expected {file_format}, found {found}.")
    if file_format == "jsonl":
        lines = [line.lstrip(_BEFORE_AN_OBJECT) for line in head.replace(b"\0", b"").splitlines()]
        first = next(filter(None, lines), b"{")
        # An array over several lines has objects at their starts as well.
        if first.startswith(b"[") and not first.rstrip(b" \t,").endswith(b"]"):
            raise FileTypeChanged("Expected jsonl, an object of JSON on each line; found a JSON array.")
        if any(lines) and not any(line.startswith(b"{") for line in lines):
            raise FileTypeChanged("Expected jsonl, an object of JSON on each line; found a file that begins with none.")


_BEFORE_AN_OBJECT = b"\xef\xbb\xbf\xff\xfe \t"
"""Byte order marks and blanks."""
