"""Where rejects may go back to: into a directory that no goal watches, and encrypted where files must be."""

from typing import Any

from shared.domain.goal import Goal, ImportGoal
from shared.domain.property import Property, PropertyType
from shared.processing.goal_checks import flaws_of
from shared.processing.goal_flaws import Surroundings

PROPERTIES = {"email": Property(name="email", type=PropertyType.EMAIL, identifier=True)}


def _goal(**changes: Any) -> ImportGoal:
    plain = {
        "name": "n",
        "source": {"pattern": {"wildcard": "*.csv"}},
        "identifiers": [{"field": "E", "property": "email"}],
        "opt_in": {"declaration": "undefined"},
    }
    return ImportGoal.model_validate({**plain, **changes})


def _around(*siblings: Goal) -> Surroundings:
    return Surroundings(PROPERTIES, {"default"}, is_hosted=False, siblings=siblings)


def _found(goal: Goal, around: Surroundings | None = None) -> list[tuple[str, str]]:
    return [(flaw.pointer, flaw.code) for flaw in flaws_of(goal, around or _around())]


def test_rejects_go_into_a_directory_that_no_goal_watches() -> None:
    watching = {"source": {"directory": "in", "pattern": {"wildcard": "*.csv"}}}
    to_itself = _goal(**watching, rejects={"return_to": "in"})
    assert _found(to_itself, _around()) == [("/rejects/return_to", "returns_watched")]
    elsewhere = _goal(rejects={"return_to": "/in/"})
    assert _found(elsewhere, _around(_goal(**watching))) == [("/rejects/return_to", "returns_watched")]
    assert _found(_goal(**watching), _around(elsewhere)) == [("/source/directory", "returns_watched")]
    assert _found(_goal(**watching, active=False), _around(elsewhere)) == []
    assert _found(_goal(**watching, rejects={"return_to": "in/rejected"}), _around(elsewhere)) == [
        ("/source/directory", "returns_watched")
    ]
    assert _found(_goal(rejects={"return_to": "rejected"}), _around(_goal(**watching))) == []


def test_rejects_of_files_that_must_be_encrypted_need_a_key() -> None:
    required = {"unpack": {"decrypt": "required"}}
    assert _found(_goal(**required, rejects={"return_to": "r"})) == [("/rejects/encrypt_to", "encrypt_to_missing")]
    assert _found(_goal(**required, rejects={"return_to": "r", "encrypt_to": ["A" * 40]})) == []
    assert _found(_goal(**required)) == []
