"""The key expression of identifiers, for whole columns: the same rule as shared/domain/identifier.key_of.

A test holds the two together, character by character. The length is judged on the key, because that is what is indexed.
"""

import polars as pl

from shared.domain.identifier import MAX_IDENTIFIER_BYTES
from shared.domain.property import PropertyType


def keys_of(values: pl.Series, kind: PropertyType) -> pl.Series:
    """The comparable keys of canonical values; null stays null."""
    if kind not in (PropertyType.TEXT, PropertyType.EMAIL):
        return values.cast(pl.String)
    keys = values.str.strip_chars()
    # Composing costs eight times as much as all the rest, and does nothing to ASCII.
    if (keys.str.len_bytes() != keys.str.len_chars()).any():
        keys = keys.str.normalize("NFC")
    return keys.str.to_lowercase() if kind is PropertyType.EMAIL else keys


def is_too_long(keys: pl.Series) -> pl.Series:
    """Which keys cannot be indexed; null is not too long."""
    return (keys.str.len_bytes() > MAX_IDENTIFIER_BYTES).fill_null(value=False)
