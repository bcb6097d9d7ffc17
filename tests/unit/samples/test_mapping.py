"""Columns and an account's properties: matched by name, label, alias, usual words and content, each with its reason."""

from pathlib import Path

import polars as pl
import pytest

from shared.domain.dates import date_pattern
from shared.domain.fields import MAX_COLUMN_NAME
from shared.domain.findings import Answer, Certainty, Findings, QuestionCode
from shared.domain.goal import ImportGoal
from shared.domain.property import Property, PropertyType
from shared.processing.goal_settings import goal_settings
from shared.processing.moments import dates as dates_of
from shared.runtime.samples import find

EMAIL = Property(name="email", type=PropertyType.EMAIL, is_identifier=True)
FIRST = Property(name="first_name", type=PropertyType.TEXT, label="Given name", aliases={"nl": ("Roepnaam",)})
POINTS = Property(name="points", type=PropertyType.INTEGER)
LEVEL = Property(name="level", type=PropertyType.SINGLE_CHOICE, choices=("Gold", "Silver"))


def found(tmp_path: Path, content: str, properties: list[Property], *answers: Answer) -> Findings:
    path = tmp_path / "sample"
    path.write_text(content)
    return find(path, properties, answers)


def file(*names: str) -> str:
    values = {"first": ["Ann", "Bob", "Eve"], "email": [f"{c}@example.com" for c in "abc"], "points": ["12", "7", "9"]}
    kinds = ("email", "first", "points")
    rows = [",".join(values[kind][place] for kind in kinds[: len(names)]) for place in range(3)]
    return "\n".join([",".join(names), *rows]) + "\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("first_name", "name"), ("Given name", "label"), ("Roepnaam", "alias"), ("FIRST NAME", "normalised_name"),
     ("roepnaam", "normalised_name"), ("Vorname", "usual_name"), ("Prénom", "usual_name")],
)  # fmt: skip  # a table
def test_a_column_finds_its_property_and_says_why(name: str, reason: str, tmp_path: Path) -> None:
    findings = found(tmp_path, file("email", name, "points"), [EMAIL, FIRST, POINTS])
    assert findings.questions == ()
    entry = findings.mapping[1]
    assert (entry.property.value, entry.reason, entry.is_new) == ("first_name", reason, False)
    assert entry.property.why
    assert findings.new_properties == ()
    assert goal_settings(findings)["identifiers"] == [{"field": "email", "property": "email"}]


def test_what_no_property_is_called_becomes_a_new_one(tmp_path: Path) -> None:
    findings = found(tmp_path, file("email", "Rufname (privat)", "points"), [EMAIL, POINTS])
    (new,) = findings.new_properties
    assert (new.name, new.type, new.label) == ("rufname_privat", PropertyType.TEXT, "Rufname (privat)")


def test_a_column_whose_name_is_too_long_for_a_goal_is_mapped_by_position(tmp_path: Path) -> None:
    long = "x" * (MAX_COLUMN_NAME + 1)
    settings = goal_settings(found(tmp_path, file("email", long, "points"), [EMAIL, POINTS]))
    del settings["properties"]
    said = {"name": "n", "source": {"pattern": {"wildcard": "*"}}, "opt_in": {"declaration": "undefined"}}
    goal = ImportGoal.model_validate(settings | said)
    assert [(entry.field, entry.position) for entry in goal.mapping] == [(None, 1), ("points", None)]
    assert goal.expected.header == (), "what is not known whole is not missed"


def test_two_columns_never_go_into_one_property(tmp_path: Path) -> None:
    content = "email,Given-Name,given name\na@example.com,Ann,Anna\nb@example.com,Bob,Bobby\n"
    findings = found(tmp_path, content, [EMAIL, FIRST])
    (question,) = findings.questions
    assert (question.code, question.pointer) == (QuestionCode.MAPPING, "/properties/first_name")
    assert [choice.value for choice in question.choices] == [1, 2, None]
    settled = found(tmp_path, content, [EMAIL, FIRST], Answer(code=question.code, pointer=question.pointer, value=2))
    assert [entry.property.value for entry in settled.mapping] == ["email", "given_name", "first_name"]
    assert goal_settings(settled)["properties"][0]["name"] == "given_name"


def test_a_surer_name_goes_before_a_similar_one(tmp_path: Path) -> None:
    content = "email,first_name,First Name\na@example.com,Ann,Anna\nb@example.com,Bob,Bobby\n"
    findings = found(tmp_path, content, [EMAIL, FIRST])
    assert [entry.property.value for entry in findings.mapping] == ["email", "first_name", "first_name_2"]
    assert findings.questions == ()


def test_a_loose_word_is_asked_about(tmp_path: Path) -> None:
    joined = Property(name="created_at", type=PropertyType.DATE)
    content = "email,Datum\na@example.com,2024-01-13\nb@example.com,2024-02-14\n"
    (question,) = found(tmp_path, content, [EMAIL, joined]).questions
    assert (question.code, question.pointer) == (QuestionCode.MAPPING, "/properties/created_at")


def test_without_names_values_tell_and_a_person_decides(tmp_path: Path) -> None:
    content = "a@example.com,12\nb@example.com,7\n"
    (question,) = found(tmp_path, content, [EMAIL]).questions
    assert (question.code, question.pointer) == (QuestionCode.MAPPING, "/columns/0/property")
    assert [choice.value for choice in question.choices] == ["email", "+"]
    settled = found(tmp_path, content, [EMAIL], Answer(code=question.code, pointer=question.pointer, value="email"))
    assert goal_settings(settled)["identifiers"] == [{"position": 0, "property": "email"}]


def test_values_that_do_not_fit_the_property_are_asked_about(tmp_path: Path) -> None:
    content = "email,points\na@example.com,12\nb@example.com,many\nc@example.com,9\n"
    (question,) = found(tmp_path, content, [EMAIL, POINTS]).questions
    assert (question.code, question.pointer) == (QuestionCode.UNFIT_VALUES, "/mapping/1")
    assert "1 of 3 rows" in question.choices[0].consequence
    assert question.choices[0].example == "many"
    out = found(tmp_path, content, [EMAIL, POINTS], Answer(code=question.code, pointer=question.pointer, value=False))
    assert goal_settings(out)["mapping"] == []


def test_words_of_a_choice_are_matched_by_equality_then_but_for_case_and_else_asked(tmp_path: Path) -> None:
    content = "email,level\na@example.com,Gold\nb@example.com,silver\nc@example.com,Bronze\n"
    (question,) = found(tmp_path, content, [EMAIL, LEVEL]).questions
    assert (question.code, question.pointer) == (QuestionCode.UNKNOWN_CHOICES, "/mapping/1/choices")
    assert question.choices[0].example == "Bronze"
    settled = found(
        tmp_path, content, [EMAIL, LEVEL], Answer(code=question.code, pointer=question.pointer, value="add")
    )
    (entry,) = goal_settings(settled)["mapping"]
    assert entry == {"field": "level", "property": "level", "choices": {"silver": "Silver"}, "unknown_choice": "add"}


def test_few_values_that_repeat_are_shown_with_their_counts(tmp_path: Path) -> None:
    rows = "".join(f"p{n}@example.com,{('Gold', 'Silver')[n % 3 == 0]}\n" for n in range(12))
    column = found(tmp_path, f"email,level\n{rows}", []).columns[1]
    assert [(each.value, each.rows) for each in column.choices] == [("Gold", 8), ("Silver", 4)]


def test_the_type_of_a_property_settles_what_the_values_leave_open(tmp_path: Path) -> None:
    content = "email,flag\na@example.com,0\nb@example.com,1\nc@example.com,1\n"
    flag = Property(name="flag", type=PropertyType.BOOLEAN)
    findings = found(tmp_path, content, [EMAIL, flag])
    assert findings.questions == ()
    assert (findings.columns[1].type.value, findings.columns[1].type.certainty) == ("boolean", Certainty.CERTAIN)


def test_what_every_profile_has_is_not_made_again(tmp_path: Path) -> None:
    content = "email,Sprache,Permission level\na@example.com,DE-at,0\nb@example.com,pt-br,2\n"
    findings = found(tmp_path, content, [EMAIL])
    assert [entry.property.value for entry in findings.mapping] == ["email", "language", "permission_level"]
    assert (findings.new_properties, findings.questions) == ((), ())
    (question,) = found(tmp_path, "email,language\na@example.com,English\nb@example.com,nl\n", [EMAIL]).questions
    assert (question.code, question.pointer) == (QuestionCode.UNFIT_VALUES, "/mapping/1")
    assert "BCP 47" in question.text
    (question,) = found(tmp_path, "email,permission_level\na@example.com,all\nb@example.com,2\n", [EMAIL]).questions
    assert [choice.value for choice in question.choices] == ["reject"]


@pytest.mark.parametrize(("said", "born"), [(30, "1961-12-31"), (69, "2061-12-31")])
def test_the_century_that_a_person_says_is_the_goals(said: int, born: str, tmp_path: Path) -> None:
    dates = ["31.12.61", "30.11.75", "15.10.99"]
    content = "email,born\n" + "".join(f"{name}@example.com,{date}\n" for name, date in zip("abc", dates, strict=True))
    answer = Answer(code=QuestionCode.CENTURY, pointer="/columns/1/century", value=said)
    settings = goal_settings(found(tmp_path, content, [EMAIL, Property(name="born", type=PropertyType.DATE)], answer))
    assert settings["dialect"]["pivotYear"] == said
    written = date_pattern(settings["dialect"]["dateFormat"], said)
    assert dates_of(pl.Series(dates[:1]), written, "UTC")[0].to_list() == [born]


def test_a_goal_expects_what_its_sample_was(tmp_path: Path) -> None:
    content = "email,Größe,points\n" + "".join(f"{name}@example.com,XL,{name == 'a':d}2\n" for name in "abc")
    assert goal_settings(found(tmp_path, content, [EMAIL, POINTS]))["expected"] == {
        "header": ["email", "Größe", "points"],
        "encoding": "utf-8",
    }
