"""Shapes of single values that tell data from names, and a delimiter from a character of a value.

Only looks are judged, and generously: whether a value fits a type is decided in shared/processing.
"""

import re

EMAIL = re.compile(r"[^@\s,;|]+@[^@\s,;|]+\.[^@\s.,;|]{2,}")
URL = re.compile(r"(?i:https?|ftp)://[^\s,;|]+|www\.[^\s,;|]+\.[^\s,;|]+")
"""Addresses may hold more characters than these, but then they may also be two values."""
NUMBER = re.compile(r"[-+]?(?:[0-9]+|[0-9]{1,3}(?:[.,'\u2019\u00a0\u202f ][0-9]{3})+)(?:[.,][0-9]+)?|[-+]?[.,][0-9]+")
AMOUNT = re.compile(rf"(?:[€$£]|[A-Z]{{3}})? ?(?:{NUMBER.pattern}) ?(?:[€$£%]|[A-Z]{{3}})?")
TIME = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,6})?)?(?: ?[AaPp][Mm])?(?: ?(?:Z|[-+][0-9]{2}:?[0-9]{2}))?"
DATE = re.compile(
    rf"(?:[0-9]{{4}}([-./])[0-9]{{1,2}}\1[0-9]{{1,2}}|[0-9]{{1,2}}([-./])[0-9]{{1,2}}\2(?:[0-9]{{4}}|[0-9]{{2}}))"
    rf"(?:[T ]{TIME})?"
)
CLOCK = re.compile(TIME)
PHONE = re.compile(
    r"(?:\+|00?)[1-9][0-9 ()/.-]{5,18}[0-9]|\([0-9]{2,5}\)[0-9 /.-]{4,14}[0-9]|[0-9]{3}[-.][0-9]{3}[-.][0-9]{4}"
)
PAIR = re.compile(r"[-+]?[0-9]+\.[0-9]+[,;] ?[-+]?[0-9]+\.[0-9]+")
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_MAX_CHARACTERS = 500
_DATA = (("email", EMAIL), ("url", URL), ("date", DATE), ("time", CLOCK), ("uuid", UUID), ("number", NUMBER),
         ("phone", PHONE))  # fmt: skip  # a table
_WITH_MARKS = (EMAIL, URL, DATE, CLOCK, NUMBER, AMOUNT, PAIR)


def shape_of(value: str) -> str | None:
    """What a value looks like, trimmed: email, url, date, time, uuid, number, phone; None for a word or nothing."""
    text = value.strip()
    if not text or len(text) > _MAX_CHARACTERS:
        return None
    return next((name for name, expression in _DATA if expression.fullmatch(text)), None)


def explains_marks(value: str) -> bool:
    """Whether the value is of a kind that holds punctuation by nature: 1.234,56; 10:30; an address."""
    text = value.strip()
    return len(text) <= _MAX_CHARACTERS and any(expression.fullmatch(text) for expression in _WITH_MARKS)
