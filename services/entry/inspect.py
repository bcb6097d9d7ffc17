"""`tidegate inspect FILE`: what a file is and how it would be imported, without a running system.

What stands in a file is shown to whoever has the file, but never as it is: a character that a terminal would obey is
written as its number.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.entry.terminal import SHOWN_CHARACTERS, harmless
from shared.domain.failures import InvalidRequest
from shared.domain.findings import Answer, Certainty, Findings, Found, Question
from shared.runtime.samples import find

SETTLED, FAILED, OPEN = 0, 1, 3
"""Exit codes: nothing is open; the file cannot be read; questions are open."""

_SHOWN_COLUMNS = 8
_SHOWN_VALUES = 6
_STYLES = {Certainty.CERTAIN: "green", Certainty.ANSWERED: "cyan", Certainty.OPEN: "yellow"}


_ANSWERS: TypeAdapter[list[Answer]] = TypeAdapter(list[Answer])


def read_answers(file: Path) -> list[Answer]:
    """Answers to questions, as the gateway takes them in `answers` of a sample. Raises InvalidRequest, OSError."""
    try:
        return _ANSWERS.validate_json(file.read_bytes())
    except ValidationError as error:
        raise InvalidRequest(
            "Expected a JSON list of answers, each with the code and the pointer of a question, and a value."
        ) from error


def inspect(file: Path, answers: Sequence[Answer], *, as_json: bool, console: Console) -> int:
    """Print what was found; the exit code.

    Raises InvalidRequest for an answer that is no choice, OSError where the file cannot be opened.
    """
    findings = find(file, answers=answers)
    if as_json:
        # In ASCII: what JSON leaves as it is includes characters that terminals obey.
        console.file.write(json.dumps(findings.model_dump(mode="json"), ensure_ascii=True, indent=2) + "\n")
    else:
        show(findings, console)
    if findings.trouble is not None:
        return FAILED
    return OPEN if findings.questions else SETTLED


def show(findings: Findings, console: Console) -> None:
    """Print what was found, and what is open."""
    looked = findings.looked
    part = "all" if looked.whole else "the first"
    _line(
        console,
        "File",
        f"{harmless(findings.name, 200)}, {looked.size_bytes:,} bytes, {part} {looked.rows:,} rows looked at",
    )
    _print_file(findings, console)
    if findings.columns:
        console.print(_columns(findings))
    if findings.sample_rows:
        console.print(_rows(findings))
    for remark in findings.remarks:
        _line(console, "Note", harmless(remark.text, 500))
    for number, question in enumerate(findings.questions, 1):
        _print_question(number, question, console)
    for answer in findings.unused_answers:
        _line(console, "Note", f"Nobody asked for the answer to {answer.code.value} at {harmless(answer.pointer)}.")
    if findings.trouble is not None:
        console.print(Text(f"{harmless(findings.trouble.sentence, 500)} {findings.trouble.what_to_do}", style="red"))
    elif not findings.questions:
        console.print(Text("Nothing is open.", style="green"))
    else:
        console.print(Text(f"{len(findings.questions)} questions are open.", style="yellow"))


def _print_file(findings: Findings, console: Console) -> None:
    _found(console, "Packing", findings.packing)
    _found(console, "Files", findings.members)
    _found(console, "Sheet", findings.sheet)
    _found(console, "Format", findings.format)
    _found(console, "Encoding", findings.encoding)
    dialect = findings.dialect
    if dialect is None:
        return
    _found(console, "Delimiter", dialect.delimiter)
    _found(console, "Quote character", dialect.quote_char)
    _found(console, "Escape character", dialect.escape_char)
    _found(console, "Header", dialect.header)
    for name, found in (
        ("Comment character", dialect.comment_char),
        ("Lines to skip", dialect.rows_to_skip),
        ("Blanks skipped", dialect.skip_initial_space),
        ("No value", dialect.null_sequence),
    ):
        if found.value or found.certainty is not Certainty.CERTAIN:
            _found(console, name, found)
    if findings.identifiers is not None:
        names = ", ".join(findings.columns[place].shown for place in findings.identifiers.value)
        _found(console, "Identifier", findings.identifiers.model_copy(update={"value": names}))


def _found(console: Console, name: str, found: Found[Any] | None) -> None:
    if found is None:
        return
    value = "none" if found.value is None else found.value if isinstance(found.value, str) else str(found.value)
    why = f"  {harmless(' '.join(found.why), 160)}" if found.why else ""
    _line(console, name, harmless(repr(value) if value.strip() != value else value, 80), why, found.certainty)


def _line(console: Console, name: str, value: str, why: str = "", certainty: Certainty = Certainty.CERTAIN) -> None:
    text = Text.assemble((f"{name:<18}", "bold"), (value, _STYLES[certainty] if why else ""), (why, "dim"))
    if certainty is Certainty.OPEN:
        text.append("  (open)", "yellow")
    console.print(text, soft_wrap=True)


def _columns(findings: Findings) -> Table:
    table = Table("", "Column", "Type", "Filled", "Different", "Values", "Property")
    targets = {entry.position: entry for entry in findings.mapping}
    for column in findings.columns:
        entry = targets.get(column.position)
        notation = ", ".join(str(value) for value in column.notation.values())
        values = [f"{each.value} ({each.rows})" for each in column.choices[:_SHOWN_VALUES]] or list(column.examples)
        target = (entry.property.value or "not imported") + (" (new)" if entry.is_new else "") if entry else ""
        table.add_row(
            str(column.position),
            _cell(column.name or ""),
            Text(f"{column.type.value.value} {harmless(notation)}".strip(), _STYLES[column.type.certainty]),
            f"{column.filled:,}",
            f"{column.distinct:,}",
            _cell(", ".join(values)),
            _cell(target),
        )
    return table


def _rows(findings: Findings) -> Table:
    shown = findings.columns[:_SHOWN_COLUMNS]
    table = Table(title="First rows")
    for column in shown:
        table.add_column(_cell(column.name or f"column {column.position + 1}", 20))
    for row in findings.sample_rows[:5]:
        table.add_row(*(_cell(value, 30) for value in row[: len(shown)]))
    return table


def _cell(text: str, limit: int = SHOWN_CHARACTERS) -> Text:
    return Text(harmless(text, limit))


def _print_question(number: int, question: Question, console: Console) -> None:
    console.print(
        Text.assemble(
            (f"\n{number}. {harmless(question.text, 300)}", "yellow"),
            (f"  [{question.code.value} {harmless(question.pointer)}]", "dim"),
        )
    )
    for choice in question.choices:
        example = f"  e.g. {harmless(choice.example, 100)}" if choice.example else ""
        value = json.dumps(choice.value, ensure_ascii=True)
        console.print(
            Text.assemble(f"   {value}: {harmless(choice.label)}. {choice.consequence}", (example, "dim")),
            soft_wrap=True,
        )
    if question.is_free:
        console.print(Text("   or another value", "dim"))
