"""White space at the ends of values and names, and Unicode's canonical composition: the same everywhere."""

import unicodedata

TRIMMED = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What is trimmed off values: Unicode's White_Space, as polars has it. Python's strip() takes U+001C to U+001F too."""


def folded(text: str) -> str:
    """The text as names and choices are compared: trimmed, NFC, case as it is."""
    return unicodedata.normalize("NFC", text.strip(TRIMMED))
