"""Whether a word could stand in some language, or is what comes of reading bytes in a wrong encoding.

Only what is never right is judged: scripts mixed within a word, capitals behind small letters that are no Latin ones,
symbols between letters.
"""

import unicodedata
from functools import lru_cache
from itertools import pairwise

_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI", "HANGUL", "CJK", "HIRAGANA", "KATAKANA")
_EAST = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})
_IN_WORDS = frozenset("–’‘·€£§°®™©")
_AROUND_WORDS = frozenset("¿¡…„“”«»‹›‚—、。「」『』・（）")
_ONLY_ACCENTED = 3


def is_plausible(word: str) -> bool:
    """Whether nothing about the word is impossible."""
    letters = [c for c in word if c.isalpha()]
    if any(_is_odd(c) for c in word if not c.isalpha()):
        return False
    scripts = {_script(c) for c in letters}
    if len(scripts) > 1 and not scripts <= _EAST:
        return False
    if any(_is_rare(c) for c in letters):
        return False
    beyond = [c for c in letters if not c.isascii()]
    if scripts == {"LATIN"} and len(letters) >= _ONLY_ACCENTED and len(beyond) == len(letters):
        return False
    return not any(before.islower() and after.isupper() and not after.isascii() for before, after in pairwise(letters))


def _is_odd(character: str) -> bool:
    """Symbols that no word has; replacement characters."""
    if character.isascii() or character in _IN_WORDS or unicodedata.combining(character):
        return False
    category = unicodedata.category(character)
    return category[0] in "SCZNP" and not (category[0] == "P" and character in _AROUND_WORDS)


def _is_rare(character: str) -> bool:
    """Halfwidth katakana, compatibility and private forms: what single bytes come to in East Asian encodings."""
    return 0xFF61 <= ord(character) <= 0xFFDC or 0xF900 <= ord(character) <= 0xFAFF


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    name = unicodedata.name(character, "")
    return next((script for script in _SCRIPTS if name.startswith(script)), "OTHER")
