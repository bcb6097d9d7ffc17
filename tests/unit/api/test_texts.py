"""Queries that would be stored, or read, otherwise than they were meant are refused."""

import pytest

from services.api.texts import flaw_of_query


@pytest.mark.parametrize("query", [b"", b"a=1&b=1", b"email=ann%2Bx%40shop.example", b"a=%C3%A9", b"a=&b=", b"limit"])
def test_a_query_passes(query: bytes) -> None:
    assert flaw_of_query(query) is None


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        (b"a=1&path_prefix=x%00", "?path_prefix", "invalid_value"),
        (b"name=%ff", "?name", "invalid_value"),
        (b"name=%ed%a0%80", "?name", "invalid_value"),
        (b"%ff=1", "??", "invalid_value"),
        (b"limit=1&cursor=x&limit=2", "?limit", "duplicate_field"),
        (b"limit=1&l%69mit=1", "?limit", "duplicate_field"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(query: bytes, pointer: str, code: str) -> None:
    flaw = flaw_of_query(query)
    assert flaw is not None
    assert (flaw.pointer, flaw.code) == (pointer, code)
