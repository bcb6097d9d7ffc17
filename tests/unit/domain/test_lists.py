"""The names of lists that imports make."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from shared.domain.lists import MAX_NAME_CHARACTERS, Lists, NewList, numbered

AT = datetime(2026, 11, 22, 1, 5, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{goal} {arrived_at:YYYY-MM-DD HH:MM}", "Weekly 2026-11-21 23:05"),
        ("{file}", "week 1.csv"),
        ("  {goal}: {file} ", "Weekly: week 1.csv"),
        ("Fixed", "Fixed"),
    ],
)
def test_a_template_is_filled_the_same_way_every_time(template: str, name: str) -> None:
    assert NewList(name=template).named(goal="Weekly", file="in/week 1.csv", arrived_at=AT) == name


@pytest.mark.parametrize("file", ["a\nb\tc.csv", "\x1b[2J", "/", " \u0085 ", "x" * 255, "{goal}.csv", "%s {0}"])
def test_whatever_a_file_is_called_its_list_has_a_name_in_one_line(file: str) -> None:
    name = NewList(name="{file}{file}").named(goal="g", file=file, arrived_at=AT.astimezone(UTC))
    assert name.isprintable()
    assert 0 < len(name) <= MAX_NAME_CHARACTERS
    assert name == name.strip()


@pytest.mark.parametrize("template", ["", " ", "{", "{name}", "{arrived_at}", "{arrived_at:MM}", "a\nb", "{{goal}}"])
def test_a_template_that_cannot_be_filled_is_refused(template: str) -> None:
    with pytest.raises(ValidationError):
        NewList(name=template)


def test_a_number_behind_the_longest_name_has_room() -> None:
    assert numbered("x" * MAX_NAME_CHARACTERS, 12)[-6:] == "x (12)"
    assert len(numbered("x" * MAX_NAME_CHARACTERS, 12)) == MAX_NAME_CHARACTERS


def test_a_list_is_named_by_id_or_number() -> None:
    one = "6b3a2c34-98a7-4f53-a3f6-0fbbd2f5e1f6"
    assert [str(each) for each in Lists.model_validate({"add_to": [one, 7]}).add_to] == [one, "7"]
    for wrong in ("7", 0, 2**31, 1.5, True, "none"):
        with pytest.raises(ValidationError):
            Lists.model_validate({"add_to": [wrong]})
