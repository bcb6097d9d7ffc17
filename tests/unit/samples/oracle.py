"""Somebody who knows the truth about a made file, and answers questions; and the check that a proposal reads it."""

from pathlib import Path
from typing import Any

import polars as pl

from shared.domain.findings import Answer, Findings, Question, QuestionCode, Value
from shared.domain.goal import ImportGoal
from shared.domain.property import Property
from shared.domain.unpack import Unpack
from shared.formats.reader import prepare
from shared.formats.unpacking.members import open_members
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import plan_of
from shared.processing.typing import apply
from shared.runtime.samples import find
from tests.unit.samples.made import Made

ROUNDS = 8
MAX_BYTES = 1 << 30
DATES, NUMBERS = 5, 6


def settled(path: Path, made: Made) -> tuple[list[Findings], list[Question]]:
    """What is found while one question after the other is answered, and the questions."""
    found = find(path)
    rounds, answers, asked = [found], list[Answer](), list[Question]()
    for _ in range(ROUNDS):
        if not found.questions:
            return rounds, asked
        asked += found.questions
        answers += [Answer(code=each.code, pointer=each.pointer, value=answer(each, made)) for each in found.questions]
        found = find(path, answers=answers)
        rounds.append(found)
    raise AssertionError([question.code for question in found.questions])


def answer(question: Question, made: Made) -> Value:
    """The truth; that it is among the choices is asserted."""
    value = _truth(question, made)
    if not question.is_free:
        assert value in [choice.value for choice in question.choices], (question, value)
    return value


def _truth(question: Question, made: Made) -> Value:
    match question.code:
        case QuestionCode.ENCODING:
            text = made.content.decode(made.encoding)
            alike = (str(choice.value) for choice in question.choices if _reads(made.content, choice.value, text))
            return next(alike, made.encoding)
        case QuestionCode.DELIMITER:
            return made.delimiter
        case QuestionCode.QUOTE_CHAR:
            return made.quote
        case QuestionCode.ESCAPE_CHAR:
            return made.escape
        case QuestionCode.HEADER:
            return bool(made.header)
        case QuestionCode.ROWS_TO_SKIP:
            return made.skipped
        case QuestionCode.COMMENT_CHAR:
            return made.comment
        case QuestionCode.DATE_ORDER:
            # Where no day or month has one digit, both patterns read the same.
            offered = [choice.value for choice in question.choices]
            return made.date_format if made.date_format in offered else made.date_format.replace("D.M.", "DD.MM.")
        case QuestionCode.DECIMAL_CHAR:
            values = [choice.value for choice in question.choices]
            both = f"{made.decimal}{made.group}"
            return both if both in values else made.decimal
        case QuestionCode.IDENTIFIER:
            return 1
        case QuestionCode.COLUMN_TYPE:
            return question.choices[0].value
        case QuestionCode.LIST_DELIMITER:
            return None
    raise AssertionError(question)


def _reads(content: bytes, encoding: Value, text: str) -> bool:
    try:
        return content.decode(str(encoding)) == text
    except UnicodeDecodeError:
        return False


def read(path: Path, settings: dict[str, Any]) -> tuple[list[tuple[Any, ...]], int]:
    """The rows as a goal with these settings reads them, all as text in the order of the columns; and the rejects."""
    properties = [Property.model_validate(each) for each in settings["properties"]]
    goal = ImportGoal.model_validate(
        {
            "name": "proposed",
            "source": {"pattern": {"wildcard": "*"}},
            "opt_in": {"declaration": "undefined"},
            **{name: settings[name] for name in ("dialect", "identifiers", "mapping")},
        }
    )
    rejected = 0
    frames: list[pl.DataFrame] = []
    how, place = Unpack.model_validate(settings["unpack"]), path.parent
    with open_members(path, how, workspace=place, max_bytes=MAX_BYTES) as members:
        (member,) = members
        reading = prepare(member, settings["format"], goal.dialect, workspace=place, max_bytes=MAX_BYTES)
        with reading.rows() as reader:
            plan = plan_of(goal, properties, FileColumns.of(reader.header, reader.width))
            reader.mapped = frozenset(column.position for column in plan.columns if column.position is not None)
            for batch in reader:
                typed = apply(batch.frame, batch.record_numbers, batch.line_numbers, plan)
                rejected += len(batch.bad) + len(typed.rejects)
                frames.append(typed.good)
    order = sorted(plan.columns, key=lambda column: column.position or 0)
    frame = (
        pl.concat(frames)
        .sort("record_number")
        .select(pl.col(column.property.column).cast(pl.String) for column in order)
    )
    return frame.rows(), rejected
