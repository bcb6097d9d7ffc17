"""One line of JSON Lines as an object: parsed strictly or as far as it goes, flattened, written. Knows no columns.

Numbers stay as they are written. Strict is the rule: a key that comes twice, NaN and Infinity are no JSON here. For
what can be read of a line that is no row, these become `UNREAD` where they stand.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import NoReturn

from shared.domain.reject import RejectCode
from shared.formats.text import is_text

MAX_LEVELS = 10
_MAX_DEPTH = 100
_MAX_NAME = 1_000
"""Characters of a column's name; a longer key can be mapped by nobody and is passed over, as one that is no text is."""
_TEXT = json.JSONEncoder(ensure_ascii=False)


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Unfit(ValueError):
    """A line that is no row."""

    def __init__(self, code: RejectCode, field: str | None = None) -> None:
        self.code = code
        self.field = field
        super().__init__(code.value)


def object_of(line: bytes) -> dict[str, object]:
    """The object that a line is. Raises Unfit where anything about it is wrong."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise Unfit(RejectCode.UNDECODABLE) from error
    return _parsed(text, _STRICT)


def object_in_part(line: bytes) -> dict[str, object] | None:
    """What can be read of a line that is no row: UNREAD stands where it cannot. None where it is no object at all.

    Bytes that are no text stand as surrogate escapes.
    """
    try:
        return _parsed(line.decode("utf-8", "surrogateescape"), _TOLERANT)
    except Unfit:
        return None


def _parsed(text: str, decoder: json.JSONDecoder) -> dict[str, object]:
    try:
        found = decoder.decode(text)
    except Unfit:
        raise
    except (ValueError, RecursionError) as error:
        raise Unfit(RejectCode.BAD_JSON) from error
    if not isinstance(found, dict) or _is_deep(found):
        raise Unfit(RejectCode.BAD_JSON)
    return found


def _is_deep(found: dict[str, object]) -> bool:
    """Whether lists and objects lie in each other deeper than any reader here goes."""
    layer: list[object] = list(found.values())
    for _ in range(_MAX_DEPTH):
        layer = [
            item
            for each in layer
            if isinstance(each, (list, dict))
            for item in (each if isinstance(each, list) else each.values())
        ]
        if not layer:
            return False
    return True


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise Unfit(RejectCode.DUPLICATE_KEY, twice if len(twice) <= _MAX_NAME and is_text(twice) else None)
    return found


def _refuse(_constant: str) -> NoReturn:
    raise Unfit(RejectCode.BAD_JSON)


def _marking_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # A key that cannot be read may be any column's; one with a NUL can, and is none's.
    if not all(is_text(name.replace("\0", "")) for name, _ in pairs):
        raise Unfit(RejectCode.UNDECODABLE)
    found: dict[str, object] = {}
    for name, value in pairs:
        found[name] = UNREAD if name in found else value
    return found


_STRICT = json.JSONDecoder(
    object_pairs_hook=_without_repetition, parse_int=Number, parse_float=Number, parse_constant=_refuse
)
UNREAD = Number()
"""What stands for a value that cannot be read."""
_TOLERANT = json.JSONDecoder(
    object_pairs_hook=_marking_repetition, parse_int=Number, parse_float=Number, parse_constant=lambda _: UNREAD
)


def flattened(found: dict[str, object], before: str = "", level: int = 1) -> Iterator[tuple[str, object]]:
    """The columns of an object with their values; keys that can be no column's name are passed over."""
    for name, value in found.items():
        path = f"{before}{name}"
        if len(path) > _MAX_NAME or not is_text(path):
            continue
        if isinstance(value, dict) and level < MAX_LEVELS:
            yield from flattened(value, f"{path}.", level + 1)
        else:
            yield path, value


def as_json(value: object) -> str:
    """A list or an object in JSON, its numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_TEXT.encode(name)}:{as_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return str(value) if isinstance(value, Number) else _TEXT.encode(value)
