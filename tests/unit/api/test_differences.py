"""Differences of two documents by pointer: all of them, and each where it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.differences import differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab~/", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab~/", max_size=2), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, [("/a", "changed", 1, True)]),
        ({"a": 1}, {"b": 1}, [("/b", "added", None, 1), ("/a", "removed", 1, None)]),
        ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, [("/a~1b/~0", "changed", 1, 2)]),
        ([1, 2, 3], [1, 9, 2, 3], [("/1", "added", None, 9)]),
        ([1, 2, 3], [1, 3], [("/1", "removed", 2, None)]),
        ([{"n": 1, "m": 5}], [{"n": 2, "m": 5}], [("/0/n", "changed", 1, 2)]),
    ],
)
def test_what_differs_is_named(before: Any, after: Any, expected: list[tuple[str, str, Any, Any]]) -> None:
    assert [(each.pointer, each.kind, each.before, each.after) for each in differences(before, after)] == expected


@given(JSON, JSON)
def test_only_equal_documents_have_no_differences_and_what_is_new_stands_where_it_is_pointed_to(
    before: Any, after: Any
) -> None:
    found = differences(before, after)
    assert (found == []) == (_canonical(before) == _canonical(after))
    for each in found:
        if each.kind != "removed":
            assert _canonical(_at(after, each.pointer)) == _canonical(each.after)


def _at(document: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
