"""The search for canaries finds them in every form that output may have."""

import base64
from urllib.parse import quote

import pytest

from tests.acceptance.canaries import Canaries


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "z", "zy"])
def test_a_canary_is_found_in_base64_wherever_it_begins(before: str, after: str) -> None:
    canaries = Canaries()
    text = canaries.plant("secret")
    packed = base64.b64encode(f"{before}{text}{after}".encode()).decode()
    assert text not in packed
    assert canaries.seen_in(["nothing", packed]) == {"secret"}


def test_a_canary_is_found_quoted_wrapped_in_hexadecimal_and_in_any_case() -> None:
    canaries = Canaries()
    text = canaries.plant("key", "Sixteen+Chars/Key=")
    half = len(text) // 2
    wrapped = f"{text[:half]}=\r\n{text[half:]}"
    for shown in (f"?q={quote(text, safe='')}", text.upper(), text.encode().hex(), wrapped, f"x{text}x".encode()):
        assert canaries.seen_in([shown]) == {"key"}
    assert canaries.seen_in(["", text[:-1], text[1:]]) == set()


def test_each_kind_is_told_apart() -> None:
    canaries = Canaries()
    one, _, three = canaries.plant("one"), canaries.plant("two"), canaries.phone("three")
    assert canaries.seen_in([one, three]) == {"one", "three"}
