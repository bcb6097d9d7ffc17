"""Which file names a wildcard takes."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.names import matches


@pytest.mark.parametrize(
    ("wildcard", "taken", "left"),
    [
        ("*.csv", ["a.csv", ".csv", "a.b.csv", "é\n.csv"], ["a.CSV", "a.csv.gz", "acsv", "a.csv "]),
        ("newsletter_*.csv", ["newsletter_1.csv", "newsletter_.csv"], ["Newsletter_1.csv", "old_newsletter_1.csv"]),
        ("a?c", ["abc", "a?c", "aéc"], ["ac", "abbc", "aBC"]),
        ("a*b*c", ["abc", "abbbc", "a*b*c", "axbxbxc"], ["ab", "acb", "abcd"]),
        ("[ab].csv", ["[ab].csv"], ["a.csv"]),
    ],
)
def test_a_wildcard_takes_whole_names_and_tells_capitals_apart(
    wildcard: str, taken: list[str], left: list[str]
) -> None:
    assert [name for name in taken + left if matches(wildcard, name)] == taken


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=12))
def test_a_wildcard_means_what_it_means_to_a_shell(wildcard: str, name: str) -> None:
    assert matches(wildcard, name) == fnmatch.fnmatchcase(name, wildcard)
