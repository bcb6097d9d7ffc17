"""What a file leaves open is asked, with choices that tell what would come of them; an answer settles it."""

from pathlib import Path

import pytest

from shared.domain.failures import InvalidRequest, QuestionsOpen
from shared.domain.findings import Answer, Certainty, Findings, Question, QuestionCode, Value
from shared.processing.goal_settings import goal_settings
from shared.runtime.samples import find

PEOPLE = "email,{name}\nann@example.com,{a}\nbob@example.com,{b}\neve@example.com,{c}\n"


def people(name: str, a: str, b: str, c: str) -> str:
    return PEOPLE.format(name=name, a=a, b=b, c=c)


def found(tmp_path: Path, content: str | bytes, *answers: Answer) -> Findings:
    path = tmp_path / "sample"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return find(path, answers=answers)


def asked(findings: Findings, code: QuestionCode) -> Question:
    return next(question for question in findings.questions if question.code is code)


OPEN: dict[str, tuple[str | bytes, QuestionCode, str, list[Value]]] = {
    "days that could be months": (
        people("born", "01/02/2003", "03/04/2005", "05/06/2007"),
        QuestionCode.DATE_ORDER, "/columns/1/date_format", ["DD/MM/YYYY", "MM/DD/YYYY"],
    ),
    "thousands or decimals": (
        people("balance", "1.234", "5.678", "9.012"),
        QuestionCode.DECIMAL_CHAR, "/columns/1/decimal_char", [".", ",."],
    ),
    "zeros and ones": (
        people("x", "0", "1", "0"), QuestionCode.COLUMN_TYPE, "/columns/1/type", ["boolean", "integer"],
    ),
    "a word for nothing": (
        people("points", "12", "NULL", "7"), QuestionCode.NULL_SEQUENCE, "/dialect/null_sequence/NULL", [True, False],
    ),
    "nearly all numbers": (
        "email,points\n" + "".join(f"p{n}@example.com,{n + 2}\n" for n in range(20)) + "x@example.com,many\n",
        QuestionCode.COLUMN_TYPE, "/columns/1/type", ["integer", "text"],
    ),
    "items or a text": (
        people("likes", "tea;milk", "milk", "tea;cake"),
        QuestionCode.LIST_DELIMITER, "/columns/1/list_delimiter", [";", None],
    ),
    "times without a zone": (
        people("seen", "2024-01-02T03:04:05", "2024-01-02T03:04:06", "2024-01-03T03:04:05"),
        QuestionCode.TIMEZONE, "/dialect/timezone", ["UTC"],
    ),
    "years of two digits far ahead": (
        people("born", "31.12.61", "30.11.75", "15.10.99"), QuestionCode.CENTURY, "/columns/1/century", [69, 30, None],
    ),
    "names or a record": ("Ann,Leeds\nBob,York\n", QuestionCode.HEADER, "/dialect/header", [False, True]),
    "two columns of one name": (
        "email,name,name\nann@example.com,Ann,Smith\nbob@example.com,Bob,Jones\n",
        QuestionCode.DUPLICATE_NAMES, "/columns", ["by_position", "leave_out"],
    ),
    "two delimiters": (
        "Doe, John;42 York\nRoe, Jane;43 Bath\n", QuestionCode.DELIMITER, "/dialect/delimiter", [",", ";"],
    ),
    "two identifiers": (
        "id,email\n12,ann@example.com\n14,bob@example.com\n", QuestionCode.IDENTIFIER, "/identifiers", [0, 1],
    ),
    "rows that do not fit": (
        "email,points,city\n" + "a@example.com,12,York\n" * 10 + "b@example.com,7\n",
        QuestionCode.UNREADABLE_ROWS, "/looked/unreadable", [True],
    ),
    "a preamble of two columns": (
        "Export,2024\nemail,points,city\na@example.com,12,York\nb@example.com,7,Bath\n",
        QuestionCode.ROWS_TO_SKIP, "/dialect/rows_to_skip", [1, 0],
    ),
    "lines that may be comments": (
        "#1,york\n2,bath\n3,leeds\n4,hull\n", QuestionCode.COMMENT_CHAR, "/dialect/comment_char", [None, "#"],
    ),
    "apostrophes": (
        "name,city\n'Ann',York\nBob,Bath\n", QuestionCode.QUOTE_CHAR, "/dialect/quote_char", ['"', "'"],
    ),
    "an encoding": (
        "email,city\nann@example.com,Genève\n".encode("cp1252"), QuestionCode.ENCODING, "/encoding", [],
    ),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", OPEN)
def test_what_can_be_read_in_two_ways_is_asked_and_an_answer_settles_it(name: str, tmp_path: Path) -> None:
    content, code, pointer, values = OPEN[name]
    first = found(tmp_path, content)
    question = asked(first, code)
    assert question.pointer == pointer
    offered = [choice.value for choice in question.choices]
    assert offered == values or (not values and len(offered) > 1)
    assert all(choice.label and choice.consequence for choice in question.choices)
    with pytest.raises(QuestionsOpen):
        goal_settings(first)
    for choice in question.choices:
        settled = found(tmp_path, content, Answer(code=code, pointer=pointer, value=choice.value))
        assert (code, pointer) not in [(each.code, each.pointer) for each in settled.questions]
        assert settled.unused_answers == ()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("days that could be months", ["YYYY-DD-MM"]),
        ("an encoding", ["windows-1252x", "hex", "utf-7", "auto", "", None, True]),
        ("times without a zone", ["Nonsense/Zone", "right/UTC", "../UTC", "", None, 5]),
    ],
)
def test_an_answer_that_is_no_choice_is_refused(name: str, wrong: list[Value], tmp_path: Path) -> None:
    content, code, pointer, _ = OPEN[name]
    for value in wrong:
        with pytest.raises(InvalidRequest, match=code.value):
            found(tmp_path, content, Answer(code=code, pointer=pointer, value=value))


@pytest.mark.parametrize(
    ("name", "said", "value"),
    [("an encoding", "windows-1252", "cp1252"), ("times without a zone", "Europe/Amsterdam", "Europe/Amsterdam")],
)
def test_an_answer_beside_the_choices_may_be_any_that_there_is(
    name: str, said: str, value: str, tmp_path: Path
) -> None:
    content, code, pointer, _ = OPEN[name]
    findings = found(tmp_path, content, Answer(code=code, pointer=pointer, value=said))
    assert findings.encoding is not None
    assert findings.dialect is not None
    assert value in (findings.encoding.value, findings.dialect.timezone.value)


def test_an_answer_to_what_was_not_asked_is_told(tmp_path: Path) -> None:
    idle = Answer(code=QuestionCode.HEADER, pointer="/dialect/header", value=True)
    assert found(tmp_path, people("points", "12", "7", "3"), idle).unused_answers == (idle,)


CERTAIN: dict[str, tuple[str, str, dict[str, object]]] = {
    "a thirteenth day": (
        people("born", "01/02/2003", "13/04/2005", "05/06/2007"), "date", {"dateFormat": "DD/MM/YYYY"},
    ),
    "a decimal comma with points": (
        people("balance", '"1.234,50"', '"7,25"', '"2.000,00"'), "number", {"decimalChar": ",", "groupChar": "."},
    ),
    "leading zeros": (people("zip", "01069", "10115", "80331"), "text", {}),
    "numbers called telephones": (people("Telefon", "2095257564", "2095257565", "2095257566"), "text", {}),
    "telephone numbers": (people("x", "+31 6 12345678", "+49 30 901820", "+44 20 7946 0958"), "phone", {}),
    "addresses of pages": (people("x", "https://a.example", "https://b.example/c", "http://c.example"), "url", {}),
    "yes and no in another language": (
        people("Newsletter", "ja", "nein", "ja"), "boolean", {"trueValues": ("ja",), "falseValues": ("nein",)},
    ),
    "zeros and ones that count": (people("points", "0", "1", "0"), "integer", {}),
    "zeros and ones that say yes": (people("opt_in", "0", "1", "0"), "boolean", {}),
    "items that come again": (people("tags", "a|b", "b", "a|c"), "list", {"listDelimiter": "|"}),
    "moments with their zone": (
        people("seen", "2024-01-02T03:04:05Z", "2024-01-02T03:04:06+02:00", "2024-01-02T03:04:05Z"),
        "datetime", {"dateFormat": "YYYY-MM-DD"},
    ),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", CERTAIN)
def test_what_allows_one_reading_is_certain(name: str, tmp_path: Path) -> None:
    content, kind, notation = CERTAIN[name]
    findings = found(tmp_path, content)
    column = findings.columns[1]
    assert (column.type.value.value, column.type.certainty) == (kind, Certainty.CERTAIN)
    assert dict(column.notation) == notation
    assert column.type.why
    assert findings.questions == ()


def test_a_type_that_is_not_found_is_excluded_with_an_example(tmp_path: Path) -> None:
    (excluded,) = found(tmp_path, people("x", "12", "7", "about five")).columns[1].excluded
    assert (excluded.type.value, excluded.values, excluded.example) == ("integer", 1, "about five")


def test_comments_and_lines_before_the_table_are_skipped_where_they_cannot_be_rows(tmp_path: Path) -> None:
    findings = found(
        tmp_path, "# made by a shop\nContacts\n\nemail;points;city\na@example.com;12;York\nb@example.com;7;Bath\n"
    )
    assert findings.dialect is not None
    assert findings.dialect.comment_char.value == "#"
    assert findings.dialect.rows_to_skip.value == 3
    assert findings.questions == ()
    assert goal_settings(findings)["dialect"]["headerRows"] == [4]
    assert [column.name for column in findings.columns] == ["email", "points", "city"]


def test_how_much_was_looked_at_is_told(tmp_path: Path) -> None:
    content = "email,points\n" + "".join(f"p{n}@example.com,{n + 2}\n" for n in range(150_000))
    looked = found(tmp_path, content).looked
    assert 50_000 <= looked.rows < 150_000
    assert not looked.whole
    assert found(tmp_path, people("points", "12", "7", "3")).looked.whole
