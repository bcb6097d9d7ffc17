"""Whether two patterns can take one file name."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.expression_overlap import MOST_PAIRS, Budget, share_a_text
from shared.domain.names import matches
from shared.domain.pattern import wildcard_tree
from shared.domain.regular_expression import regular_expression


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("*.csv", "contacts_*", True),
        ("*.csv", "*.txt", False),
        ("a?c", "ab*", True),
        ("a?c", "ab", False),
        ("*", "", True),
        ("a*b*c", "?x?y", False),
        ("a*b*c", "?x?yc", True),
        ("*a*", "*b*", True),
    ],
)
def test_wildcards_that_can_share_a_name(one: str, other: str, expected: bool) -> None:
    left, right = wildcard_tree(one), wildcard_tree(other)
    assert share_a_text(left, right, Budget()) is share_a_text(right, left, Budget()) is expected


# Long enough: no name that two wildcards share need be longer than both together.
_NAMES = ["".join(name) for length in range(7) for name in product("ab", repeat=length)]
_wildcards = st.text(alphabet="ab*?", max_size=3)
_expressions = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]", ".", "a?", "b*", "b+?", "a{2}", "b{1,2}", "(?:)"]),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("({})?".format, inner),
    ),
    max_leaves=3,
)


@given(_wildcards, _wildcards)
def test_wildcards_share_a_name_exactly_where_there_is_one(one: str, other: str) -> None:
    there_is_one = any(matches(one, name) and matches(other, name) for name in _NAMES)
    assert share_a_text(wildcard_tree(one), wildcard_tree(other), Budget()) is there_is_one


@given(_expressions, _expressions)
def test_expressions_share_a_name_where_there_is_one(one: str, other: str) -> None:
    there_is_one = any(re.fullmatch(one, name) and re.fullmatch(other, name) for name in _NAMES)
    shares = share_a_text(regular_expression(one).root, regular_expression(other).root, Budget())
    # A class takes letters that are not tried here: what is shared may be a name with them.
    assert shares or not there_is_one
    if not re.search(r"[\^.]", one + other):
        assert shares is there_is_one


def test_what_takes_too_long_to_find_out_is_said_and_leaves_others_half_of_the_time() -> None:
    one, other = (regular_expression(f"[a-m{letter}]{{1,90}}{letter}").root for letter in "yz")
    budget = Budget()
    assert share_a_text(one, other, budget) is False
    assert 0 < MOST_PAIRS - budget.pairs < MOST_PAIRS // 2
    scarce = Budget(100)
    assert share_a_text(one, other, scarce) is None
    assert 40 < scarce.pairs <= 50
    assert share_a_text(wildcard_tree("a"), wildcard_tree("b"), scarce) is False
