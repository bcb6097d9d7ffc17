"""A property's name made of a column's: always the same, and telling columns apart as far as a name can.

    First Name -> first_name      Straße -> strasse      2nd phone -> field_2nd_phone      氏名 -> u6c0f_u540d

Latin letters lose their marks, other letters become their code points, all else separates words. What is too long ends
in a digest of the whole. Two columns may still come to one name (`E-mail`, `e mail`): whoever maps them must look.
"""

import unicodedata
from hashlib import sha256

from shared.domain.trimmed import folded

MAX_NAME = 50
_MAX_LABEL = 200
_DIGEST = 8
_LETTERS = {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ı": "i", "ŋ": "n"}
"""Latin letters that Unicode does not take apart."""


def property_name(column: str, prefix: str = "") -> str:
    """What a property of that column is called, behind a prefix; nothing where the column's name says nothing."""
    text = "".join(map(_written, folded(column).casefold()))
    slug = "_".join(part for part in text.split("_") if part)
    if not slug:
        return ""
    name = prefix + slug
    if not name[0].isalpha():
        name = f"field_{name}"
    if len(name) <= MAX_NAME:
        return name
    digest = sha256(folded(column).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{name[: MAX_NAME - _DIGEST - 1].rstrip('_')}_{digest}"


def label_of(column: str) -> str:
    """The column's name as a label for people."""
    return "".join(c if c.isprintable() else " " for c in folded(column))[:_MAX_LABEL].rstrip()


def _written(character: str) -> str:
    if character in _LETTERS:
        return _LETTERS[character]
    plain = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    if all(c.isascii() for c in plain):
        return "".join(c.lower() if c.isalnum() else "_" for c in plain)
    is_letter = character.isalnum() or unicodedata.category(character).startswith("M")
    return f"_u{ord(character):x}_" if is_letter else "_"
