"""What imports by hand may not do to the goals that follow them."""

from typing import Any
from uuid import uuid4

import pytest

from shared.domain.goal import ImportGoal, LedBy
from shared.domain.leading import led, would_judge_others

FULL = {"full_file": True, "lists": {"add_to": [1]}, "absent": {"then": "unsubscribe"}}


def goal(**changes: Any) -> ImportGoal:
    return ImportGoal.model_validate(
        {
            "name": "Nightly",
            "source": {"pattern": {"wildcard": "*.csv"}},
            "identifiers": [{"field": "email", "property": "email"}],
            "opt_in": {"declaration": "undefined"},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"lists": {}}, "/lists"),
        ({"lists": {"add_to": [2]}}, "/lists"),
        ({"lists": {"add_to": [1]}, "domain_group": "other"}, "/domain_group"),
        ({"lists": {"add_to": [1]}, "identifiers": [{"field": "no", "property": "number"}]}, "/identifiers"),
        ({"lists": {"add_to": [1]}, "processors": [{"kind": "trim", "fields": ["email"]}]}, "/processors"),
    ],
)
def test_who_is_absent_from_full_files_is_no_imports_to_change(said: dict[str, Any], pointer: str) -> None:
    by = LedBy(import_id=uuid4(), latest=True)
    following = led(goal(**FULL), by, goal(**said))
    assert following.judges_absent
    assert would_judge_others(goal(**FULL), following).startswith(f"{pointer}: ")
    assert would_judge_others(goal(lists={"add_to": [1]}), led(goal(), by, goal(**said))) == ""


def test_other_settings_are_followed_by_goals_with_full_files_too() -> None:
    mapping = [{"field": "name", "property": "name"}]
    following = led(goal(**FULL), LedBy(import_id=uuid4(), latest=True), goal(lists={"add_to": [1]}, mapping=mapping))
    assert following.mapping
    assert would_judge_others(goal(**FULL), following) == ""
