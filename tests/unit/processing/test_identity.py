"""Keys of whole columns are those of single values, character by character."""

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.identifier import MAX_IDENTIFIER_BYTES, key_of
from shared.domain.property import PropertyType
from shared.processing.identity import is_too_long, keys_of

KINDS = [PropertyType.TEXT, PropertyType.EMAIL]


def assigned(character: str) -> bool:
    """Characters that this Python's Unicode knows; the column engine may know newer ones."""
    return unicodedata.category(character) not in ("Cn", "Cs")


@pytest.mark.parametrize("kind", KINDS)
def test_every_character_gives_the_same_key_in_a_column(kind: PropertyType) -> None:
    characters = [chr(code) for code in range(0x110000) if assigned(chr(code))]
    for around in ("{}", "a{}b", " {}"):
        values = [around.format(character) for character in characters]
        assert keys_of(pl.Series(values), kind).to_list() == [key_of(value, kind) for value in values]


@given(st.lists(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "Cc"))), max_size=5))
def test_any_text_gives_the_same_key_in_a_column(values: list[str]) -> None:
    values = [value for value in values if all(map(assigned, value))]
    for kind in KINDS:
        assert keys_of(pl.Series(values, dtype=pl.String), kind).to_list() == [key_of(value, kind) for value in values]


def test_absent_values_have_no_key() -> None:
    keys = keys_of(pl.Series(["a", None], dtype=pl.String), PropertyType.EMAIL)
    assert keys.to_list() == ["a", None]
    assert is_too_long(keys).to_list() == [False, False]


def test_the_length_is_judged_in_bytes_of_the_key() -> None:
    keys = pl.Series(["é" * (MAX_IDENTIFIER_BYTES // 2), "é" * (MAX_IDENTIFIER_BYTES // 2) + "e"])
    assert is_too_long(keys).to_list() == [False, True]
