"""Show text of others in one line of a mail.

File names come from partners, goal names from customers. A control character could start a header of its own, a
bidirectional override could turn `gpj.exe` into what it is not, and a name may be as long as a server allows.
"""

import unicodedata

ELLIPSIS = "…"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Control, format (bidirectional overrides, zero width), surrogate, private use, unassigned, line and paragraph ends.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset({"\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}"})
"""Format characters that words of some languages, and many emoji, are spelled with; they reorder nothing."""


def shown(text: str, limit: int) -> str:
    """The text as one line of at most `limit` characters.

    What cannot be shown becomes U+FFFD, runs of white space one blank; what is too long loses its middle, so that
    the beginning and the extension of a file name stay.
    """
    # Cut first: the work is then bounded whatever somebody sends, and the end is kept as well as the beginning.
    text = _without_middle(text, limit * 4)
    visible = "".join(" " if char.isspace() else char if _is_shown(char) else REPLACEMENT for char in text)
    return _without_middle(" ".join(visible.split()), limit)


def _is_shown(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in _UNSHOWN


def _without_middle(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = limit - len(ELLIPSIS)
    tail = kept // 2
    return text[: kept - tail] + ELLIPSIS + text[len(text) - tail :]
