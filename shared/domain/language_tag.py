"""Language tags: BCP 47 (RFC 5646), checked for their form and written in one case.

A tag is well-formed or it is none. Whether its parts are registered is not asked: the registry grows every year.
Primary languages of more than three letters do not exist in it, so "English" is no tag; nor are tags of private use
alone and the irregular ones of old, which all have successors.
"""

import re

MAX_CHARACTERS = 64

_TAG = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}"  # language, and what extends it
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?:[a-z]{2}|[0-9]{3}))?"  # region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?",  # private use
    re.ASCII,
)


def language_tag(text: str) -> str | None:
    """The tag as RFC 5646, section 2.1.1, writes it: `NL-be` is `nl-BE`; None where it is none."""
    lowered = text.lower() if text.isascii() and len(text) <= MAX_CHARACTERS else ""
    if _TAG.fullmatch(lowered) is None:
        return None
    parts = lowered.split("-")
    # What stands behind a single letter or digit is not a script or a region, whatever its length.
    end = next((place for place, part in enumerate(parts) if len(part) == 1), len(parts))
    return "-".join([parts[0], *(_written(part) for part in parts[1:end]), *parts[end:]])


def _written(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part
