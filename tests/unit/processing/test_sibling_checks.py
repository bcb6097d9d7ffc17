"""Imports of one connection that would get into each other's way, case by case."""

from typing import Any

import pytest

from shared.domain.expression_overlap import Budget
from shared.domain.goal import AnyImport
from shared.processing.goal_flaws import Surroundings
from shared.processing.sibling_checks import sibling_flaws
from tests.builders import import_goal


def goal(pattern: str, *, name: str = "Mine", directory: str = "", **readiness: Any) -> AnyImport:
    wanted = {"wildcard": pattern} if "\\" not in pattern and "[" not in pattern else {"regular_expression": pattern}
    source = {"pattern": wanted, "directory": directory, "readiness": readiness or {"strategy": "stable"}}
    plain = import_goal()
    changes = {"name": name, "source": type(plain.source).model_validate(source)}
    return plain.model_copy(update=changes)


def marked(pattern: str, marker: str = "{name}.ok", **more: Any) -> AnyImport:
    return goal(pattern, strategy=["marker"], marker=marker, **more)


def listed(pattern: str, manifest: str = "*.json", **more: Any) -> AnyImport:
    return goal(pattern, strategy=["manifest"], manifest=manifest, **more)


def found(one: AnyImport, *others: AnyImport) -> list[tuple[str, str]]:
    around = Surroundings({}, (), is_hosted=False, siblings=others)
    return [(flaw.pointer, flaw.code) for flaw in sibling_flaws(one, around)]


FREE: list[tuple[str, str]] = []
MARKER = [("/source/readiness/marker", "companions_overlap")]
MANIFEST = [("/source/readiness/manifest", "companions_overlap")]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (marked("*.csv"), goal("*.csv"), FREE),
        (marked("*.csv"), goal("*"), MARKER),
        (marked("*.csv"), goal("*", directory="elsewhere"), FREE),
        (marked("contacts_*.csv"), goal("orders_*"), FREE),
        (marked("*.csv", "{stem}.txt"), goal("*.txt"), MARKER),
        (marked("contacts_*.csv", "{stem}.txt"), goal("orders_*.txt"), FREE),
        (marked(r"contacts_[0-9]+\.(csv|xml)", "{stem}.txt"), goal(r"[a-z]+_7\.txt"), MARKER),
        (marked(r"contacts_[0-9]+\.(csv|xml)", "{stem}.txt"), goal(r"[a-z]+\.txt"), FREE),
        # Where the end does not tell what the stem is, it may be anything.
        (marked("contacts_*", "{stem}.txt"), goal("orders.txt"), MARKER),
        (marked("*.csv", "ready_{name}"), goal("ready_*.csv"), MARKER),
        (
            goal("*.csv", strategy=["checksum"]),
            goal("*.sha256"),
            [("/source/readiness/checksum", "companions_overlap")],
        ),
        (listed("*.csv"), goal("*.json"), MANIFEST),
        (listed("*.csv", "all.json"), goal("data_*.json"), FREE),
        # What both know for a marker is no file of either.
        (marked("a*.csv"), marked("*"), FREE),
        (marked("a*.csv"), marked("*", "{stem}.ok"), FREE),
        (marked("a*.csv"), marked("*", "{stem}.done"), MARKER),
        (listed("a*.csv"), listed("*"), FREE),
        # Nor is anything a file whose own name is that of a marker.
        (marked("*.txt", "{stem}.txt"), goal("*.csv"), MARKER),
        (listed("*.json"), goal("*.csv"), MANIFEST),
        (marked("*", "{stem}.ok"), goal("*.csv"), FREE),
    ],
)
def test_what_says_of_one_goals_files_that_they_are_complete_is_no_file_of_another(
    one: AnyImport, other: AnyImport, expected: list[tuple[str, str]]
) -> None:
    assert found(one, other) == expected
    off = other.model_copy(update={"active": False})
    is_its_own = found(one) == expected
    assert found(one, off) == (expected if is_its_own else FREE)
    if not is_its_own:
        assert found(other, one) == [("/source/pattern", "companions_overlap")]


OWN = [("/source/pattern", "own_names_only")]


def failing(pattern: str, suffix: str = ".failed", **more: Any) -> AnyImport:
    """One that renames files whose import failed, and none that was imported."""
    made = goal(pattern, **more)
    said = {"done": {"leave": True}, "failed": {"rename_suffix": suffix}}
    afterwards = type(made.source.afterwards).model_validate(said)
    return made.model_copy(update={"source": made.source.model_copy(update={"afterwards": afterwards})})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", FREE),
        ("*.csv", FREE),
        ("*.failed", OWN),
        ("*.failed.7", OWN),
        ("a*.csv.failed", OWN),
        ("*.failed*", FREE),
        ("*.faile?", FREE),
        ("*.done", FREE),
        (r".*\.failed", OWN),
        (r"^.*\.failed$", OWN),
        (r"(.*\.failed)", OWN),
        (r"a[0-9]\.failed|b[0-9]\.failed", OWN),
        (r"a[0-9]\.failed|b[0-9]\.csv", FREE),
        (r"[a-z]+(\.failed)?", FREE),
        (r"[a-z]+[^f]ailed", FREE),
    ],
)
def test_a_goal_takes_more_than_what_is_named_as_put_away(pattern: str, expected: list[tuple[str, str]]) -> None:
    """By itself or by another goal of the connection, wherever; a name that is put away is nobody's file."""
    assert found(failing(pattern)) == expected
    leaves = failing(pattern, ".other", directory="elsewhere")
    assert found(leaves, failing("*.csv")) == expected
    assert found(failing("*.csv"), leaves) == ([("/source/afterwards", "own_names_only")] if expected else FREE)
    assert found(leaves, failing("*.csv").model_copy(update={"active": False})) == FREE


def test_imported_files_suffix_is_no_pattern_either() -> None:
    assert found(goal("*.done")) == OWN


def test_who_is_in_the_way_and_what_to_do_is_said() -> None:
    around = Surroundings({}, (), is_hosted=False, siblings=[goal("*", name="All")])
    [flaw] = sibling_flaws(marked("*.csv"), around)
    assert flaw.detail == (
        "Found '{name}.ok', and the goal 'All' takes files of such names from this directory for its own. Expected a "
        "marker of another name, or a narrower pattern there."
    )


def test_all_siblings_together_take_no_longer_than_one_may() -> None:
    def apart(pattern: str, name: str) -> AnyImport:
        made = goal(pattern, name=name)
        afterwards = type(made.source.afterwards).model_validate({"done": {"delete": True}})
        return made.model_copy(update={"source": made.source.model_copy(update={"afterwards": afterwards})})

    hard = [apart(f"[a-m]{{1,50}}.*[a-m]{{1,50}}{letter}\\.csv", letter) for letter in "nopq"]
    budget = Budget(4_000)
    siblings = [*hard, apart("t.txt", "Easy")]
    around = Surroundings({}, (), is_hosted=False, siblings=siblings)
    [flaw] = sibling_flaws(goal(r"[a-m]{1,50}.*[a-m]{1,50}[0-9]\.csv"), around, budget)
    assert (flaw.pointer, flaw.code) == ("/source/pattern", "patterns_not_compared")
    assert flaw.detail.startswith("Whether this goal gets into the way of 'n', 'o', 'p' and 1 more takes too long")
    assert 0 < budget.pairs <= 4_000 // 2**4
