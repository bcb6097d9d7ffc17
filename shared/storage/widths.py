"""Whether a row fits a page: PostgreSQL moves long values elsewhere, but not short ones, and refuses what is left.

A value of which more than 23 bytes would stay in the row can be replaced by an 18-byte pointer (TOAST); shorter ones
stay. So a row fits for certain when its values, counted this way with the worst alignment, and its own columns come
to no more than a page holds. That cannot fail below some 320 columns, and nothing is counted there. Source: the
PostgreSQL manual, "TOAST", and MaxHeapTupleSize.
"""

from collections.abc import Iterable

from shared.domain.property import Property
from shared.storage import columns

PAGE_BYTES = 8_160
_OWN_BYTES = 336
"""Header, bitmap of nulls for 800 columns, and the columns that every profile has, those of consent among them."""
LIMIT_BYTES = PAGE_BYTES - _OWN_BYTES
_POINTER_BYTES = 18
_LONGEST_INLINE = 23
_WORST_BYTES = {
    "bigint": 15,
    "numeric(38,10)": 27,
    "boolean": 1,
    "date": 7,
    "timestamptz": 15,
    "text[]": _POINTER_BYTES,
    "text": _LONGEST_INLINE + 1,
    columns.KEY_TYPE: _LONGEST_INLINE + 1,
}


def may_overflow(types: Iterable[str]) -> bool:
    """Whether a row of such columns can be too wide for a page."""
    return sum(_WORST_BYTES[each] for each in types) > LIMIT_BYTES


def profile_types(properties: Iterable[Property]) -> list[str]:
    """The types of all columns that properties give a profile."""
    types = []
    for each in properties:
        types.append(columns.TYPES[each.type])
        if each.is_identifier:
            types.append(columns.KEY_TYPE)
    return types


def width(values: Iterable[tuple[str, str]]) -> str:
    """The SQL of the bytes that values need in a row at most: pairs of an expression and its column's type."""
    return "(" + (" + ".join(_width(value, kind) for value, kind in values) or "0") + ")"


def _width(value: str, kind: str) -> str:
    if kind in ("text", columns.KEY_TYPE):
        is_long = f"octet_length({value}) > {_LONGEST_INLINE}"
        return f"coalesce(CASE WHEN {is_long} THEN {_POINTER_BYTES} ELSE octet_length({value}) + 1 END, 0)"
    return f"CASE WHEN {value} IS NULL THEN 0 ELSE {_WORST_BYTES[kind]} END"
