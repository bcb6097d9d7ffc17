"""From anyone's file to what a goal would say of it: packing, encoding, dialect, columns, mapping, and open questions.

Encoding and packing are judged by the whole file, the rest by so many rows as fit into bounded memory; the findings say
how many. Nothing of the file is logged, and a file that holds no table ends as findings with its trouble.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from shared.domain.asking import Asking
from shared.domain.dialect import Dialect
from shared.domain.failures import EmptyFile, FileFailure, QuestionsOpen, UnknownFormat
from shared.domain.field_words import CONCEPTS, normalised
from shared.domain.findings import (
    Answer,
    Choice,
    Findings,
    Found,
    FoundColumn,
    FoundDialect,
    Looked,
    ProposedMapping,
    QuestionCode,
    Trouble,
)
from shared.domain.property import Property
from shared.formats.compression import GZIP_MAGIC, open_plain
from shared.formats.csv_reader import CsvReader
from shared.formats.sniffing.encodings import find_encoding
from shared.formats.sniffing.kinds import HEAD_BYTES, foreign_kind
from shared.formats.sniffing.layouts import SAMPLE_BYTES, Sample
from shared.formats.sniffing.text import find_dialect
from shared.formats.source import ByteSource
from shared.formats.text import as_utf8
from shared.processing.names_matched import names_of
from shared.processing.proposal import propose

MAX_ROWS = 50_000
MAX_HELD_BYTES = 48 << 20
MAX_BYTES = 10 << 30
SAMPLE_ROWS = 10
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

Opening = Callable[[], AbstractContextManager[ByteSource]]


def find(
    path: Path,
    properties: Sequence[Property] = (),
    answers: Sequence[Answer] = (),
    *,
    name: str = "",
    max_bytes: int = MAX_BYTES,
) -> Findings:
    """Look at a local file. `properties` are the account's, in their order; `answers` are a person's.

    Synchronous; belongs into a thread. Raises InvalidRequest for an answer that is no choice, and OSError.
    """
    asking = Asking(answers)
    seen = _Seen(name or path.name, path.stat().st_size)
    try:
        _look_at(path, properties, asking, seen, max_bytes)
    except FileFailure as failure:
        seen.trouble = Trouble(code=failure.code, sentence=str(failure), what_to_do=failure.what_to_do)
    return seen.findings(asking)


def goal_settings(findings: Findings) -> dict[str, Any]:
    """What a goal made of the findings says: dialect, identifiers and mapping; and the properties to create before.

    Raises QuestionsOpen as long as anything is open.
    """
    if not findings.is_settled or findings.dialect is None or findings.encoding is None:
        open_codes = ", ".join(sorted({question.code.value for question in findings.questions}))
        raise QuestionsOpen(f"Open: {open_codes}." if open_codes else "The file cannot be read.")
    notation = _common_notation(findings.columns)
    columns = {column.position: column for column in findings.columns}
    identifiers = findings.identifiers.value if findings.identifiers else ()
    by_position = {entry.position: entry for entry in findings.mapping}
    return {
        "dialect": dialect_settings(findings.dialect, findings.encoding.value) | notation,
        "identifiers": [_entry(by_position[place], columns[place], findings, notation) for place in identifiers],
        "mapping": [
            _entry(entry, columns[entry.position], findings, notation)
            for entry in findings.mapping
            if entry.property.value is not None and entry.position not in identifiers
        ],
        "properties": [
            each.model_dump(mode="json", exclude_defaults=True, by_alias=True) for each in findings.new_properties
        ],
    }


def dialect_settings(found: FoundDialect, encoding: str) -> dict[str, Any]:
    """A goal's dialect, in the names of `Dialect`."""
    settings: dict[str, Any] = {
        "encoding": encoding,
        "delimiter": found.delimiter.value,
        "quoteChar": found.quote_char.value,
        "escapeChar": found.escape_char.value,
        "header": found.header.value,
    }
    optional = {
        "skipInitialSpace": found.skip_initial_space.value,
        "commentChar": found.comment_char.value,
        "nullSequence": list(found.null_sequence.value),
        "timezone": found.timezone.value if found.timezone.value != "UTC" else None,
    }
    settings |= {name: value for name, value in optional.items() if value}
    skipped = found.rows_to_skip.value
    if skipped and found.header.value:
        settings["headerRows"] = [skipped + 1]
    elif skipped:
        settings["commentRows"] = list(range(1, skipped + 1))
    return settings


@dataclass
class _Seen:
    """The findings while they grow."""

    name: str
    size_bytes: int
    packing: Found[str] = field(default_factory=lambda: Found(value="none"))
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

    def findings(self, asking: Asking) -> Findings:
        return Findings(
            name=self.name,
            looked=Looked(size_bytes=self.size_bytes, rows=self.rows, whole=self.whole, unreadable=self.unreadable),
            packing=self.packing,
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


def _look_at(path: Path, properties: Sequence[Property], asking: Asking, seen: _Seen, max_bytes: int) -> None:
    if not seen.size_bytes:
        raise EmptyFile
    opening = _opening(path, seen, max_bytes)
    with opening() as source:
        head = source.read(HEAD_BYTES)
    kind = foreign_kind(head)
    if kind is not None:
        raise UnknownFormat(f"Found {kind.name}. {kind.what_to_do}")
    seen.encoding, seen.confidence = find_encoding(opening, asking)
    _read_text(opening, seen.encoding.value, properties, asking, seen)


def _opening(path: Path, seen: _Seen, max_bytes: int) -> Opening:
    with path.open("rb") as file:
        is_gzip = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    seen.packing = Found(value="gzip" if is_gzip else "none", why=("By its first bytes.",))
    return lambda: open_plain(path, max_bytes=max_bytes)


def _read_text(opening: Opening, encoding: str, properties: Sequence[Property], asking: Asking, seen: _Seen) -> None:
    with opening() as plain:
        sample = _sample(as_utf8(plain, encoding))
    if not sample.data.strip(b"\r\n"):
        raise EmptyFile("Found blank lines at most.")
    seen.format = Found(value="csv", why=("It is text.",))
    known = {normalised(name) for each in properties for name in names_of(each)} | CONCEPTS.keys()
    found = find_dialect(sample, lambda name: normalised(name) in known, asking)
    seen.dialect = found
    dialect = Dialect.model_validate(dialect_settings(found, encoding))
    with opening() as plain:
        reader = CsvReader(as_utf8(plain, encoding), dialect)
        frame = _rows(reader, seen)
    if not any(question.code in _FIRST for question in asking.questions):
        _judge_unreadable(asking, seen)
    seen.sample_rows = tuple(frame.head(SAMPLE_ROWS).rows())
    # What depends on how the text is cut up is not worth asking before that is known.
    is_cut = not any(question.code in _FIRST for question in asking.questions)
    proposal = propose(frame, reader.header, properties, asking if is_cut else Asking())
    seen.dialect = found.model_copy(update={"null_sequence": proposal.nulls, "timezone": proposal.timezone})
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


def _rows(reader: CsvReader, seen: _Seen) -> pl.DataFrame:
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


def _entry(entry: ProposedMapping, column: FoundColumn, findings: Findings, common: dict[str, Any]) -> dict[str, Any]:
    names = [other.name for other in findings.columns]
    is_named = column.name is not None and names.count(column.name) == 1
    own = {name: value for name, value in column.notation.items() if common.get(name) != value and value is not None}
    settings: dict[str, Any] = {"field": column.name} if is_named else {"position": column.position}
    settings |= {"property": entry.property.value, **own}
    if entry.choices:
        settings["choices"] = entry.choices
    if entry.unknown_choice != "reject":
        settings["unknown_choice"] = entry.unknown_choice
    return settings


def _common_notation(columns: Sequence[FoundColumn]) -> dict[str, Any]:
    """What the first column that says something about a notation says of it: the file's, in which others may differ."""
    common: dict[str, Any] = {}
    for column in columns:
        if "decimalChar" in column.notation and "decimalChar" not in common:
            common |= {name: value for name, value in column.notation.items() if name in ("decimalChar", "groupChar")}
        for name in ("dateFormat", "listDelimiter"):
            if name in column.notation:
                common.setdefault(name, column.notation[name])
    return common
