"""If-Match as RFC 9110, 13.1.1, has it: any version, lists of tags, weak ones that match nothing."""

import pytest

from services.api import versions
from services.api.problems import Refused
from shared.domain.failures import VersionRequired, VersionStale


@pytest.mark.parametrize(
    "lines", [["*"], ['"3"'], ['"1", "3"'], ['"1","3"'], ['"1"', '"3"'], ['W/"1", "3"'], ['"a,b" , "3",'], [' "3" ']]
)
def test_a_condition_that_names_the_version_is_met(lines: list[str]) -> None:
    versions.read(lines).require(3)


@pytest.mark.parametrize("lines", [['"2"'], ['W/"3"'], ['"2", "4"'], ['"03"'], ['""'], ['"3x"'], ['"a,3"']])
def test_one_that_does_not_is_stale(lines: list[str]) -> None:
    with pytest.raises(VersionStale):
        versions.read(lines).require(3)


@pytest.mark.parametrize("line", ["3", '"3', '3"', '"3" "4"', '*, "3"', "W/*", "", ",", '"a"b"', 'w/"3"', '"3"' * 900])
def test_what_is_no_condition_is_refused_and_not_ignored(line: str) -> None:
    with pytest.raises(Refused) as refused:
        versions.read([line])
    assert refused.value.errors[0].pointer == "header:If-Match"


def test_without_one_it_is_asked_for() -> None:
    with pytest.raises(VersionRequired):
        versions.read([]).require(3)
