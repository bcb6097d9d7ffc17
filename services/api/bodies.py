"""What a JSON body may be, judged before anything builds on it: RFC 8259 to the letter, in bounds, and exact.

Python's own reader takes more than JSON (NaN, UTF-16, a name twice) and rounds numbers in silence. What passes here
means the same to every reader. Fields are not judged: that is the models' work.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from services.api.pointers import escaped
from services.api.problems import FIELD_CODES, FieldError
from services.api.texts import UNSTORABLE, is_storable

MAX_DEPTH = 64
MAX_VALUES = 50_000

# A text that is not closed reaches to the end; that it is no JSON is found by who reads it.
_TEXTS = re.compile(rb'"(?:[^"\\]+|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_LONGEST_INTEGER = 20


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Stands in a body where something was that may not be there."""

    code: str


def flaw_of(raw: bytes) -> FieldError | None:
    """The first thing that is wrong with a body; None for JSON that can be taken as it is."""
    code = _flaw_of_shape(raw)
    if code is not None:
        return _told("", code)
    try:
        body = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=lambda _: _Flaw("malformed_json"),
            parse_int=_integer,
            parse_float=_number,
        )
    except ValueError:
        return _told("", "malformed_json")
    return next(_flaws(body), None)


def _flaw_of_shape(raw: bytes) -> str | None:
    """Size in values and depth, found without building anything."""
    outside = _TEXTS.sub(b"", raw)
    if outside.count(b"[") + outside.count(b"{") + outside.count(b",") > MAX_VALUES:
        return "too_many_values"
    depth = 0
    for bracket in _BRACKETS.finditer(outside):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            return "nested_too_deep"
        if depth < 0:
            return "malformed_json"
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                found[name] = _Flaw("duplicate_field")
            seen.add(name)
    return found


def _integer(literal: str) -> int | _Flaw:
    if len(literal) > _LONGEST_INTEGER or not -(2**63) <= int(literal) < 2**63:
        return _Flaw("out_of_bounds")
    return int(literal)


def _number(literal: str) -> float | _Flaw:
    number = float(literal)
    if not math.isfinite(number):
        return _Flaw("out_of_bounds")
    try:
        # The shortest text of a float is what writers of JSON write: 0.1 passes, 1.00000000000000000001 does not.
        is_exact = Decimal(literal) == Decimal(repr(number))
    except InvalidOperation:
        is_exact = False
    return number if is_exact else _Flaw("inexact_number")


def _flaws(body: Any) -> Iterator[FieldError]:
    pending: list[tuple[str, Any]] = [("", body)]
    while pending:
        pointer, value = pending.pop()
        if isinstance(value, _Flaw):
            yield _told(pointer, value.code)
        elif isinstance(value, str) and not is_storable(value):
            yield FieldError(pointer=pointer, code="invalid_value", detail=UNSTORABLE)
        elif isinstance(value, list):
            pending += [(f"{pointer}/{number}", item) for number, item in enumerate(value)]
        elif isinstance(value, dict):
            if not all(is_storable(name) for name in value):
                yield FieldError(pointer=pointer, code="invalid_value", detail=UNSTORABLE)
            pending += [(f"{pointer}/{escaped(name)}", item) for name, item in value.items()]


def _told(pointer: str, code: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=FIELD_CODES[code])
