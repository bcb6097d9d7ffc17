"""JSON Merge Patch (RFC 7396), and the one setting of which null says something."""

from typing import Any

import pytest

from services.api.patches import merged


@pytest.mark.parametrize(
    ("stored", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        (
            {"dialect": {"quoteChar": "'", "dateFormat": "DD"}},
            {"dialect": {"quoteChar": None, "dateFormat": None}},
            {"dialect": {"quoteChar": None}},
        ),
        (
            {"metadata": {"quoteChar": "'"}, "quoteChar": 1},
            {"metadata": {"quoteChar": None}},
            {"metadata": {}, "quoteChar": 1},
        ),
    ],
)
def test_a_patch_says_what_changes(stored: Any, patch: Any, result: Any) -> None:
    assert merged(stored, patch) == result
