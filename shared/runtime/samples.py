"""From anyone's file to what a goal would say of it: packing, encoding, dialect, columns, mapping, and open questions.

Encoding and packing are judged by the whole file, the rest by so many rows as fit into bounded memory; the findings say
how many. Nothing of the file is logged, and a file that holds no table ends as findings with its trouble.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from pydantic import ValidationError

from shared.domain.asking import Asking
from shared.domain.dialect import Dialect
from shared.domain.failures import EmptyFile, InvalidRequest, NoDecryptionKey, Permanent, UnknownFormat
from shared.domain.field_words import CONCEPTS, normalised
from shared.domain.findings import (
    Answer,
    Choice,
    Findings,
    Found,
    FoundDialect,
    Looked,
    QuestionCode,
    Trouble,
)
from shared.domain.property import Property
from shared.domain.reject import RejectCode
from shared.domain.unpack import Unpack
from shared.formats.batch import TableReader
from shared.formats.csv_reader import CsvReader
from shared.formats.jsonl_reader import JsonLinesReader
from shared.formats.limits import Limits
from shared.formats.openpgp.detect import detect as detect_message
from shared.formats.sniffing.archives import find_members
from shared.formats.sniffing.encodings import find_encoding
from shared.formats.sniffing.kinds import HEAD_BYTES, foreign_kind, json_kind
from shared.formats.sniffing.layouts import SAMPLE_BYTES, Sample
from shared.formats.sniffing.text import find_dialect, without_text_dialect
from shared.formats.source import ByteSource
from shared.formats.text import TextSource, as_utf8
from shared.formats.unpacking.members import Member, Members, open_members
from shared.processing.goal_settings import dialect_settings
from shared.processing.names_matched import names_of
from shared.processing.proposal import propose

MAX_ROWS = 50_000
MAX_HELD_BYTES = 48 << 20
MAX_BYTES = 10 << 30
SAMPLE_ROWS = 10
_LIST_MARKS = ("|", ";", "~", "\t", "¦")
_SLICE_BYTES = 1 << 20
_MUCH_UNREADABLE = 0.05

_FIRST = frozenset(
    {
        QuestionCode.DELIMITER,
        QuestionCode.QUOTE_CHAR,
        QuestionCode.ROWS_TO_SKIP,
        QuestionCode.COMMENT_CHAR,
        QuestionCode.HEADER,
    }
)

_REPLACED = "\ufffd".encode()

Opening = Callable[[], AbstractContextManager[ByteSource]]


def find(
    path: Path,
    properties: Sequence[Property] = (),
    answers: Sequence[Answer] = (),
    *,
    name: str = "",
    passwords: Sequence[str] = (),
    max_bytes: int = MAX_BYTES,
    workspace: Path | None = None,
) -> Findings:
    """Look at a local file. `properties` are the account's, in their order; `answers` are a person's.

    `passwords` are tried on archives; max_bytes is what may come out of one; what must be unpacked to be read is kept
    in the workspace (the system's by default) until the end. Synchronous, for a thread. Raises InvalidRequest for
    an answer that is no choice, and OSError.
    """
    asking = Asking(answers)
    seen = _Seen(name or path.name, path.stat().st_size)
    try:
        with TemporaryDirectory(prefix="tidegate-sample-", dir=workspace) as made:
            _look_at(path, properties, asking, seen, Unpacking(Path(made), max_bytes, passwords))
    except InvalidRequest:
        raise
    except Permanent as failure:
        seen.trouble = Trouble(code=failure.code, sentence=str(failure), what_to_do=failure.what_to_do)
    return seen.findings(asking)


@dataclass
class _Seen:
    """The findings while they grow."""

    name: str
    size_bytes: int
    packing: Found[str] = field(default_factory=lambda: Found(value="none"))
    members: Found[str] | None = None
    format: Found[str] | None = None
    encoding: Found[str] | None = None
    confidence: float | None = None
    dialect: FoundDialect | None = None
    rows: int = 0
    whole: bool = True
    unreadable: dict[str, int] = field(default_factory=dict)
    sample_rows: tuple[tuple[str, ...], ...] = ()
    proposed: dict[str, Any] = field(default_factory=dict)
    trouble: Trouble | None = None

    def start_again(self) -> None:
        """Forget the rows of another reading."""
        self.rows, self.whole, self.unreadable = 0, True, {}

    def findings(self, asking: Asking) -> Findings:
        return Findings(
            name=self.name,
            looked=Looked(size_bytes=self.size_bytes, rows=self.rows, whole=self.whole, unreadable=self.unreadable),
            packing=self.packing,
            members=self.members,
            format=self.format,
            encoding=self.encoding,
            confidence=self.confidence,
            dialect=self.dialect,
            sample_rows=self.sample_rows,
            questions=tuple(asking.questions),
            remarks=tuple(asking.remarks),
            trouble=self.trouble,
            unused_answers=asking.unused,
            **self.proposed,
        )


@dataclass(frozen=True, slots=True)
class Unpacking:
    """What opening a packed sample takes."""

    workspace: Path
    max_bytes: int
    passwords: Sequence[str]


def _look_at(path: Path, properties: Sequence[Property], asking: Asking, seen: _Seen, unpacking: Unpacking) -> None:
    if not seen.size_bytes:
        raise EmptyFile
    if detect_message(path) is not None:
        seen.packing = Found(value="openpgp", why=("It begins as an OpenPGP message.",))
        raise NoDecryptionKey("It must be decrypted before it can be looked at.")
    with ExitStack() as stack:
        member = _member(path, asking, seen, unpacking, stack)
        with member.open() as source:
            head = source.read(HEAD_BYTES)
        if not head:
            raise EmptyFile
        kind = foreign_kind(head)
        if kind is not None:
            raise UnknownFormat(f"Found {kind.name}. {kind.what_to_do}")
        seen.encoding, seen.confidence = find_encoding(member.open, asking)
        _read_text(member.open, seen.encoding.value, properties, asking, seen)


def _member(path: Path, asking: Asking, seen: _Seen, unpacking: Unpacking, stack: ExitStack) -> Member:
    """The file to look at: the sample itself, or one of an archive."""

    def opened(pattern: str) -> Members:
        try:
            how = Unpack(members=pattern)
        except ValidationError as error:
            raise InvalidRequest("The wildcard of the members cannot be used.") from error
        return stack.enter_context(
            open_members(
                path,
                how,
                workspace=unpacking.workspace,
                max_bytes=unpacking.max_bytes,
                passwords=unpacking.passwords,
            )
        )

    members = opened("*")
    seen.packing = Found(value="+".join(members.packing) or "none", why=("By its content.",))
    if not members:
        raise EmptyFile("Found an archive without any file.")
    if next(iter(members)).name is None:
        return next(iter(members))
    names = [member.name or "" for member in members]
    seen.members = find_members(names, asking)
    if seen.members.value == "*":
        return next(iter(members))
    return next(iter(opened(seen.members.value)))


def _read_text(opening: Opening, encoding: str, properties: Sequence[Property], asking: Asking, seen: _Seen) -> None:
    with opening() as plain:
        sample = _sample(as_utf8(plain, encoding))
    if not sample.data.strip(b"\r\n"):
        raise EmptyFile("Found blank lines at most.")
    if _REPLACED in sample.data:
        asking.remark("replaced_characters", "The text has replacement characters (U+FFFD): it was damaged before.")
    kind = json_kind(sample.data)
    if kind == "json":
        raise UnknownFormat("Found a JSON document. Write one object on each line: JSON Lines.")
    seen.format = Found(
        value=kind or "csv", why=("Its first line is an object of JSON.",) if kind else ("It is text.",)
    )
    if kind == "jsonl":
        _read_json_lines(opening, encoding, properties, asking, seen)
    else:
        _read_delimited(opening, sample, properties, asking, seen)


def _read_delimited(
    opening: Opening, sample: Sample, properties: Sequence[Property], asking: Asking, seen: _Seen
) -> None:
    assert seen.encoding is not None
    known = {normalised(name) for each in properties for name in names_of(each)} | CONCEPTS.keys()
    seen.dialect = find_dialect(sample, lambda name: normalised(name) in known, asking)
    dialect = Dialect.model_validate(dialect_settings(seen.dialect, seen.encoding.value))
    with opening() as plain:
        reader = CsvReader(as_utf8(plain, seen.encoding.value), dialect, Limits(slice_bytes=_SLICE_BYTES))
        frame = _rows(reader, seen)
    # What depends on how the text is cut up is not worth asking before that is known.
    is_cut = not any(question.code in _FIRST for question in asking.questions)
    if is_cut:
        _judge_unreadable(asking, seen)
    _propose(frame, reader.header, properties, asking if is_cut else Asking(), seen)


def _read_json_lines(
    opening: Opening, encoding: str, properties: Sequence[Property], asking: Asking, seen: _Seen
) -> None:
    @contextmanager
    def text() -> Iterator[TextSource]:
        with opening() as plain:
            yield as_utf8(plain, encoding)

    nested: set[str] = set()
    frame = pl.DataFrame()
    for mark in _LIST_MARKS:
        # Any character will do to join the items of a list, as long as none of them holds it.
        dialect = Dialect(encoding=encoding, list_delimiter=mark)
        reader = JsonLinesReader(text, dialect)
        header = reader.header or ()
        nested = _nested(reader)
        reader.mapped = frozenset(place for place, name in enumerate(header) if name not in nested)
        seen.start_again()
        frame = _rows(reader, seen)
        if RejectCode.LIST_DELIMITER_IN_ITEM.value not in seen.unreadable:
            break
    seen.dialect = without_text_dialect(mark)
    _judge_unreadable(asking, seen)
    left_out = {place: "Its values are objects." for place, name in enumerate(header) if name in nested}
    _propose(frame, header, properties, asking, seen, left_out)


def _nested(reader: JsonLinesReader) -> set[str]:
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
    frame: pl.DataFrame,
    header: Sequence[str] | None,
    properties: Sequence[Property],
    asking: Asking,
    seen: _Seen,
    left_out: Mapping[int, str] | None = None,
) -> None:
    assert seen.dialect is not None
    seen.sample_rows = tuple(frame.head(SAMPLE_ROWS).rows())
    proposal = propose(frame, header, properties, asking, left_out or {})
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


def _rows(reader: TableReader, seen: _Seen) -> pl.DataFrame:
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


def _judge_unreadable(asking: Asking, seen: _Seen) -> None:
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
