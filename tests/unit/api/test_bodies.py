"""What passes as a JSON body means the same to every reader, is bounded, and loses no digit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.bodies import MAX_DEPTH, MAX_VALUES, flaw_of


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"null",
        b' [1, -2.50, 1e3, 0.1, 1.7976931348623157e308, true, "\\u00e9 \\ud83d\\ude00"] ',
        b"[9223372036854775807, -9223372036854775808, -0, -0.0]",
        b'{"a": {"a": 1}, "b": {"a": 1}}',
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b'"' + b"[" * 1000 + b'"',
        b'"\\\\"',
        b"[" + b"1," * (MAX_VALUES - 2) + b"1]",
    ],
)
def test_json_passes(body: bytes) -> None:
    json.loads(body)
    assert flaw_of(body) is None


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"a": ', "", "malformed_json"),
        (b"]]]]", "", "malformed_json"),
        (b"", "", "malformed_json"),
        (b"{} {}", "", "malformed_json"),
        (b"{'a': 1}", "", "malformed_json"),
        (b"[1,]", "", "malformed_json"),
        (b"[01]", "", "malformed_json"),
        (b'"\x01"', "", "malformed_json"),
        (b'"never closed', "", "malformed_json"),
        (b'{"a": "\xff"}', "", "malformed_json"),
        (b"\xef\xbb\xbf{}", "", "malformed_json"),
        ("{}".encode("utf-16"), "", "malformed_json"),
        (b'{"a": [1, NaN]}', "/a/1", "malformed_json"),
        (b'{"a": -Infinity}', "/a", "malformed_json"),
        (b'{"a": 1, "b": {"c": 1, "c": 1}}', "/b/c", "duplicate_field"),
        (b'{"a": 1, "\\u0061": 2}', "/a", "duplicate_field"),
        (b'{"a/b": 1, "a/b": 2}', "/a~1b", "duplicate_field"),
        (b"[9223372036854775808]", "/0", "out_of_bounds"),
        (b"[-9223372036854775809]", "/0", "out_of_bounds"),
        (b"[" + b"9" * 5000 + b"]", "/0", "out_of_bounds"),
        (b"[1e400]", "/0", "out_of_bounds"),
        (b"[0.12345678901234567890]", "/0", "inexact_number"),
        (b"[9007199254740993.0]", "/0", "inexact_number"),
        (b"[1e-400]", "/0", "inexact_number"),
        (b"[1e-99999999999999999999]", "/0", "inexact_number"),
        (b'{"a": "x\\u0000"}', "/a", "invalid_value"),
        (b'{"a": "x\\ud800"}', "/a", "invalid_value"),
        (b'{"a\\u0000": 1}', "", "invalid_value"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "", "nested_too_deep"),
        (b"[" * 1_000_000, "", "too_many_values"),
        (b"[" + b"1," * (MAX_VALUES + 1) + b"1]", "", "too_many_values"),
    ],
)
def test_what_some_readers_would_take_otherwise_is_refused_by_code(body: bytes, pointer: str, code: str) -> None:
    flaw = flaw_of(body)
    assert flaw is not None
    assert (flaw.pointer, flaw.code) == (pointer, code)


_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(_PLAIN | _TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=20)


@given(_VALUES, st.booleans())
def test_what_a_writer_of_json_writes_passes(value: object, ascii_only: bool) -> None:
    assert flaw_of(json.dumps(value, ensure_ascii=ascii_only).encode()) is None


@given(st.binary(max_size=200))
def test_what_passes_is_json(body: bytes) -> None:
    if flaw_of(body) is None:
        json.loads(body.decode("utf-8"))
