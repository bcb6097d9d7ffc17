"""`tidegate inspect`: what people and programs are shown, and that no file speaks to the terminal."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.entry.cli import app

SETTLED = "email,first_name,points\nann@example.com,Ann,12\nbob@example.com,Bob,7\n"
OPEN = "email,born\nann@example.com,01/02/2003\nbob@example.com,03/04/2005\n"
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def inspected(tmp_path: Path, content: str, *options: str, name: str = "sample.csv") -> Result:
    path = tmp_path / name
    path.write_text(content)
    return CliRunner().invoke(app, ["inspect", str(path), *options], env={"COLUMNS": "160"})


def test_a_file_without_questions_ends_with_0(tmp_path: Path) -> None:
    result = inspected(tmp_path, SETTLED)
    assert result.exit_code == 0, result.output
    assert "Nothing is open." in result.output
    assert "ann@example.com" in result.output


def test_open_questions_end_with_3_and_are_shown_with_their_choices(tmp_path: Path) -> None:
    result = inspected(tmp_path, OPEN)
    assert result.exit_code == 3, result.output
    for expected in ("date_order /columns/1/date_format", '"DD/MM/YYYY"', '"MM/DD/YYYY"', "2003-01-02", "2003-02-01"):
        assert expected in result.output


def test_questions_can_be_answered_and_what_is_no_answer_ends_with_2(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    order = {"code": "date_order", "pointer": "/columns/1/date_format"}
    for value, status in (("DD/MM/YYYY", 0), ("sideways", 2)):
        answers.write_text(json.dumps([{**order, "value": value}]))
        assert inspected(tmp_path, OPEN, "--answers", str(answers)).exit_code == status
    answers.write_text('{"date_order": 1}')
    assert inspected(tmp_path, OPEN, "--answers", str(answers)).exit_code == 2


def test_an_answer_that_nobody_asked_for_is_told(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps([{"code": "date_order", "pointer": "/columns/9/date_format", "value": "DD"}]))
    result = inspected(tmp_path, SETTLED, "--answers", str(answers))
    assert result.exit_code == 0
    assert "Nobody asked for the answer to date_order at /columns/9/date_format." in result.output


def test_a_file_that_holds_no_table_ends_with_1_and_a_sentence(tmp_path: Path) -> None:
    result = inspected(tmp_path, "%PDF-1.7")
    assert result.exit_code == 1
    assert "PDF" in result.output


def test_a_file_that_is_not_there_ends_with_2() -> None:
    assert CliRunner().invoke(app, ["inspect", "nowhere.csv"]).exit_code == 2


def test_as_json_everything_is_there(tmp_path: Path) -> None:
    found = json.loads(inspected(tmp_path, OPEN, "--json").output)
    assert found["dialect"]["delimiter"]["value"] == ","
    assert found["dialect"]["delimiter"]["certainty"] == "certain"
    assert [column["type"]["value"] for column in found["columns"]] == ["email", "date"]
    assert [question["code"] for question in found["questions"]] == ["date_order"]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_escape_sequence_of_a_file_reaches_the_terminal(options: tuple[str, ...], tmp_path: Path) -> None:
    evil = "\x1b[31m\x1b]0;title\x07\x9b2J\u202e[bold]x[/bold]"
    content = f"e-mail,na{evil}me,other\nann@example.com,{evil}1,\x1b]8;;http://x\x07\nbob@example.com,{evil}2,b\n"
    result = inspected(tmp_path, content, *options, name=f"a{evil.replace('/', '')}.csv")
    assert result.exit_code in (0, 3), result.output
    assert _OBEYED.findall(result.output) == []
    assert "bold" in result.output
