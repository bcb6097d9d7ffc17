"""Identifiers: the key under which a value names a profile is computed here and nowhere else.

The polars expression of the same rule stands in shared/processing/identity.py; a test holds the two together.
"""

import unicodedata

from shared.domain.property import PropertyType

TRIMMED = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What is trimmed off values: Unicode's White_Space, as polars has it. Python's strip() takes U+001C to U+001F too."""

MAX_IDENTIFIER_BYTES = 1_000
"""Of the key in UTF-8: PostgreSQL's B-trees refuse entries above about 2,700 bytes."""


def key_of(value: str, kind: PropertyType) -> str:
    """The comparable key of a value: trimmed, NFC, e-mail addresses lower-cased whole.

    Values of other types than text and e-mail are given as their canonical text: `7`, `1.5`, `true`, ISO 8601.
    """
    key = unicodedata.normalize("NFC", value.strip(TRIMMED))
    return key.lower() if kind is PropertyType.EMAIL else key
