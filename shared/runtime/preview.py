"""Read the first rows of a file as a goal would: by the importer's own readers, processors and mapping.

What an import does over the whole file is done over these rows: a deduplication sees no others. Date patterns that
are to be found out are looked for in as many rows as a sample's are. Nothing is stored, and nothing is logged.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shared.domain.failures import EmptyFile, Permanent
from shared.domain.findings import Trouble
from shared.domain.goal import AnyImport, ImportEvents
from shared.domain.preview import MappedRow, Preview, PreviewColumn, PreviewReject, PreviewRow, PreviewStep
from shared.domain.property import Property
from shared.domain.reject import MESSAGES, Reject, ValueReject
from shared.formats.reader import Reading, prepare
from shared.formats.unpacking.members import Member, Members, open_members
from shared.processing.chain import Chain, Processed, Rows
from shared.processing.date_choice import DateChoice
from shared.processing.file_columns import FileColumns
from shared.processing.goal_checks import missing_properties
from shared.processing.header_expected import demand_expected
from shared.processing.map_all import settled
from shared.processing.mapping import MappingPlan
from shared.processing.typing import Typed, apply

MAX_SHOWN_CHARACTERS = 1_000
MAX_DATED_ROWS = 50_000
_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown of which file."""

    file: Path
    goal: AnyImport
    properties: tuple[Property, ...]
    """The account's, and of an import of events what its columns go into."""
    passwords: tuple[str, ...]
    rows: int
    workspace: Path
    max_bytes: int


@dataclass(slots=True)
class _Seen:
    """The preview while it grows."""

    facts: dict[str, Any] = field(default_factory=dict)


def preview(asked: Asked) -> Preview:
    """The first rows under the goal; what would fail an import ends it as its trouble. Raises OSError."""
    seen = _Seen()
    how = asked.goal.unpack
    try:
        with open_members(
            asked.file, how, workspace=asked.workspace, max_bytes=asked.max_bytes, passwords=asked.passwords
        ) as members:
            _show(asked, members, seen)
    except Permanent as failure:
        sentence = f"{failure.sentence} {failure.detail}".strip()
        seen.facts["trouble"] = Trouble(code=failure.code, sentence=sentence, what_to_do=failure.what_to_do)
    return Preview(**seen.facts)


def _show(asked: Asked, members: Members, seen: _Seen) -> None:
    goal = asked.goal
    member, reading = _first(asked, members)
    seen.facts |= {"member": member.name, "encoding": reading.dialect.encoding}
    with reading.rows() as reader:
        columns = FileColumns.of(reader.header, reader.width)
        rows, bad = _head(iter(reader), asked.rows, reader.width)
    seen.facts |= {
        "columns": tuple(column.name for column in columns.columns),
        "rows": _rows(rows.frame, rows.record_numbers, rows.line_numbers),
        "unreadable": tuple(map(_reject, bad)),
    }
    demand_expected(goal, columns)
    steps, last = _steps(asked, columns, rows)
    seen.facts["steps"] = steps
    after = columns if last is None else last.columns
    made = missing_properties(goal, {each.name: each for each in asked.properties})
    plan = settled(goal, (*asked.properties, *made), after).plan
    shown = goal.event.shown_names if isinstance(goal, ImportEvents) else {}
    seen.facts |= {"mapped_columns": _mapped_columns(plan, shown), "left": tuple(column.shown for column in plan.left)}
    plan = _with_dates(asked, reading, columns, plan)
    seen.facts["mapped_columns"] = _mapped_columns(plan, shown)
    done = Processed(rows.frame, rows.record_numbers, rows.line_numbers, np.arange(rows.frame.height))
    if last is not None:
        done = last.done
    typed = apply(done.frame, done.record_numbers, done.line_numbers, plan, lambda: rows.frame[done.places])
    seen.facts |= {
        "mapped_rows": tuple(_mapped_rows(typed, plan, shown)),
        "rejects": tuple(map(_reject, typed.rejects)),
        "value_rejects": tuple(map(_reject, typed.value_rejects)),
        "new_choices": {name: tuple(words) for name, words in typed.new_choices.items()},
    }


def _first(asked: Asked, members: Members) -> tuple[Member, Reading]:
    """The first member with anything in it. Raises EmptyFile, and what reading raises."""
    goal = asked.goal
    for member in members:
        reading = prepare(
            member,
            goal.format,
            goal.dialect,
            workspace=asked.workspace,
            max_bytes=asked.max_bytes,
            expected_encoding=goal.expected.encoding,
        )
        with reading.rows() as reader:
            if not reader.is_empty:
                return member, reading
    raise EmptyFile("Found blank lines at most.")


def _head(batches: Iterator[Any], wanted: int, width: int) -> tuple[Rows, list[Reject]]:
    """So many rows from the beginning, good and bad together, in file order."""
    frames = [pl.DataFrame(schema={f"c{place}": pl.String for place in range(width)})]
    records, lines = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    bad: list[Reject] = []
    for batch in batches:
        frames.append(batch.frame.head(wanted))
        records.append(batch.record_numbers[:wanted])
        lines.append(batch.line_numbers[:wanted])
        bad += batch.bad
        # A fast and an exact batch of one slice may interleave: one more may come with rows that stand before.
        if sum(map(len, records)) + len(bad) >= 2 * wanted:
            break
    record_numbers, line_numbers = np.concatenate(records), np.concatenate(lines)
    last = sorted([*record_numbers.tolist(), *(reject.record_number for reject in bad)])[:wanted][-1:]
    order = np.argsort(record_numbers, kind="stable")
    order = order[record_numbers[order] <= (last[0] if last else 0)]
    rows = Rows(pl.concat(frames)[order], record_numbers[order], line_numbers[order])
    return rows, [reject for reject in bad if last and reject.record_number <= last[0]]


@dataclass(frozen=True, slots=True)
class _Last:
    """Where the last processor left the rows."""

    columns: FileColumns
    done: Processed


def _steps(asked: Asked, columns: FileColumns, rows: Rows) -> tuple[tuple[PreviewStep, ...], _Last | None]:
    """The rows after each processor: each time through all before it, since some work on several rows at once."""
    steps: list[PreviewStep] = []
    last: _Last | None = None
    rejected: set[int] = set()
    for count in range(1, len(asked.goal.processors) + 1):
        with Chain.of(asked.goal.processors[:count], columns, asked.goal.dialect, scratch=asked.workspace) as chain:
            if chain.looks_first:
                chain.look(rows)
                chain.seen_all()
            done = _joined(list(chain.apply(rows)), chain.columns)
            last = _Last(chain.columns, done)
        new = [reject for reject in done.rejects if reject.record_number not in rejected]
        rejected |= {reject.record_number for reject in new}
        processor = asked.goal.processors[count - 1]
        steps.append(
            PreviewStep(
                processor=count - 1,
                kind=processor.kind,
                columns=tuple(column.name for column in last.columns.columns),
                rows=_rows(done.frame, done.record_numbers, done.line_numbers),
                skipped=done.skipped_by_processor[count - 1],
                rejects=tuple(map(_reject, new)),
            )
        )
    return tuple(steps), last


def _joined(pieces: Sequence[Processed], columns: FileColumns) -> Processed:
    """The pieces of one batch as one."""
    empty = pl.DataFrame(schema=dict.fromkeys(columns.keys, pl.String))
    joined = Processed(
        pl.concat([empty, *(piece.frame for piece in pieces)]),
        np.concatenate([np.empty(0, np.int64), *(piece.record_numbers for piece in pieces)]),
        np.concatenate([np.empty(0, np.int64), *(piece.line_numbers for piece in pieces)]),
        np.concatenate([np.empty(0, np.intp), *(piece.places for piece in pieces)]),
        rejects=tuple(reject for piece in pieces for reject in piece.rejects),
    )
    for piece in pieces:
        joined.skipped_by_processor.update(piece.skipped_by_processor)
    return joined


def _with_dates(asked: Asked, reading: Reading, columns: FileColumns, plan: MappingPlan) -> MappingPlan:
    """The plan with the patterns that the file tells. Raises AmbiguousDates, UnreadableDates."""
    choice = DateChoice(plan)
    if not choice.is_needed:
        return plan
    goal = asked.goal
    seen = 0
    with reading.rows() as reader:
        for batch in reader:
            # Without what compares rows: which of two alike is left makes no difference to how dates are written.
            alone = [each for each in goal.processors if each.kind != "deduplicate"]
            with Chain.of(alone, columns, goal.dialect, scratch=asked.workspace) as chain:
                for done in chain.apply(batch):
                    choice.see(done.frame, done.record_numbers)
            seen += batch.frame.height
            if seen >= MAX_DATED_ROWS:
                break
    return choice.plan()


def _rows(frame: pl.DataFrame, records: Any, lines: Any) -> tuple[PreviewRow, ...]:
    numbered = zip(records.tolist(), lines.tolist(), frame.iter_rows(), strict=True)
    return tuple(PreviewRow(row=row, line=line, values=tuple(map(_cut, values))) for row, line, values in numbered)


def _reject(reject: Reject | ValueReject) -> PreviewReject:
    return PreviewReject(
        row=reject.record_number,
        line=reject.line_number,
        code=reject.code.value,
        field=reject.field,
        message=MESSAGES[reject.code],
    )


def _mapped_columns(plan: MappingPlan, shown: Mapping[str, str]) -> tuple[PreviewColumn, ...]:
    return tuple(
        PreviewColumn(
            property=shown.get(column.property.column, column.property.name),
            type=column.property.type,
            field=column.shown,
            rule=column.rule.value,
            date_format=None if column.pattern is None else column.pattern.pattern,
        )
        for column in plan.columns
    )


def _mapped_rows(typed: Typed, plan: MappingPlan, shown: Mapping[str, str]) -> Iterator[MappedRow]:
    names = {column.property.column: column.property for column in plan.columns}
    for row in typed.good.iter_rows(named=True):
        values = {shown.get(name, found.name): _value(row[name], found) for name, found in names.items()}
        yield MappedRow(row=row["record_number"], values=values)


def _value(value: Any, kind: Property) -> Any:
    if isinstance(value, str) and kind.type.is_many:
        # Staged lists are array literals of PostgreSQL, every item in quotes.
        return [_cut(_ESCAPED.sub(r"\1", item)) for item in _ITEM.findall(value)]
    return _cut(value) if isinstance(value, str) else value


def _cut(value: str) -> str:
    return value if len(value) <= MAX_SHOWN_CHARACTERS else value[: MAX_SHOWN_CHARACTERS - 1] + "…"
