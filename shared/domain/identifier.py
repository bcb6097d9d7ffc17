"""Identifiers: the key under which a value names a profile is computed here and nowhere else.

The polars expression of the same rule stands in shared/processing/identity.py; a test holds the two together.
"""

from shared.domain.property import PropertyType
from shared.domain.trimmed import folded

MAX_IDENTIFIER_BYTES = 1_000
"""Of the key in UTF-8: PostgreSQL's B-trees refuse entries above about 2,700 bytes."""


def key_of(value: str, kind: PropertyType) -> str:
    """The comparable key of a value: trimmed, NFC, e-mail addresses lower-cased whole.

    Values of other types than text and e-mail are given as their canonical text: `7`, `1.5`, `true`, ISO 8601.
    """
    key = folded(value)
    return key.lower() if kind is PropertyType.EMAIL else key
