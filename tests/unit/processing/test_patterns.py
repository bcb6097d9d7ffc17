"""Which names patterns take: whole ones, by an engine that no expression holds up."""

import json
import time

import pytest
from pydantic import ValidationError

from shared.domain.pattern import Pattern
from shared.processing.patterns import taken
from tests.corpora.folder import content, needed


@pytest.mark.parametrize(
    ("expression", "takes", "leaves"),
    [
        (r"contacts_\d{8}\.csv", ["contacts_20261122.csv"], ["contacts_20261122.csv.gz", "x_contacts_20261122.csv"]),
        ("a|b", ["a", "b"], ["ab", "ax", "xb"]),
        ("^a.*$", ["a", "a\uef80"], ["ba", "a\n"]),
        ("", [], []),
        ("[^a]+", ["b\nc", "\uefff"], ["ba"]),
        ("(?:x|)", ["x", ""], ["xx"]),
    ],
)
def test_an_expression_takes_whole_names(expression: str, takes: list[str], leaves: list[str]) -> None:
    if not expression:
        with pytest.raises(ValidationError):
            Pattern(regular_expression=expression)
        return
    pattern = Pattern(regular_expression=expression)
    assert taken(pattern, [*takes, *leaves]) == [True] * len(takes) + [False] * len(leaves)


@pytest.mark.parametrize(
    "flawed",
    [
        {},
        {"wildcard": "*", "regular_expression": "a"},
        {"regular_expression": r"(a)\1"},
        {"regular_expression": "(?=a)"},
    ],
)
def test_a_pattern_is_one_of_both_and_in_the_notation(flawed: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Pattern.model_validate(flawed)


@needed
def test_hostile_expressions_are_refused_or_harmless() -> None:
    accepted = 0
    names = [sign * (255 // len(sign)) for sign in ("a", "x", "0", " ", "#", "ab", "; ")] * 20
    for each in json.loads(content("redos", "patterns.json")):
        try:
            pattern = Pattern(regular_expression=each["pattern"])
        except ValidationError:
            continue
        accepted += 1
        began = time.monotonic()
        taken(pattern, names)
        # A hundredth of this is usual; an engine that backtracks needs years.
        assert time.monotonic() - began < 5, each["pattern"]
    assert accepted > 20
